"""The SQL of cloned voices. What callers ask for starts from the account that asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from charafy.kernel.db import Tx
from charafy.kernel.ids import is_id
from charafy.voices.models import Clone, Consent
from charafy.voices.presets import Language
from charafy.voices.tables import consents, voices

_ALIVE = voices.c.deleted_at.is_(None)
_NEWEST_FIRST = (voices.c.created_at.desc(), voices.c.id.desc())


@dataclass(frozen=True, slots=True)
class Row:
    """A cloned voice with all that is kept of it."""

    voice_id: str
    name: str
    language: Language
    engine_voice: str
    clone: Clone
    reference_key: str | None = None
    attempts: int = 0
    claim: str | None = None
    retired_voice: str | None = None
    deleted_at: datetime | None = None

    @property
    def files(self) -> frozenset[str]:
        """The storage keys that it names."""
        named = (self.engine_voice, self.reference_key, self.retired_voice)
        return frozenset(key for key in named if key)


def insert(tx: Tx, row: Row) -> None:
    values = {
        "id": row.voice_id,
        "account_id": row.clone.account_id,
        "name": row.name,
        "language": row.language,
        "engine_voice": row.engine_voice,
        "method": row.clone.method,
        "similarity": row.clone.similarity,
        "quality": dict(row.clone.quality),
        "refinement": row.clone.refinement,
        "attempts": row.attempts,
        "reference_key": row.reference_key,
        "created_at": row.clone.created_at,
        "updated_at": row.clone.updated_at,
    }
    tx.execute(voices.insert(), values)


def find(tx: Tx, voice_id: str) -> Row | None:
    """Anyone's voice that is not deleted."""
    if not is_id(voice_id):
        return None
    wanted = sa.select(voices).where(voices.c.id == voice_id.lower(), _ALIVE)
    row = tx.execute(wanted).mappings().first()
    return None if row is None else row_of(row)


def owned(tx: Tx, account_id: str, voice_id: str) -> Row | None:
    """The account's own voice of this id, if there is one."""
    row = find(tx, voice_id)
    return row if row is not None and row.clone.account_id == account_id else None


def all_of(tx: Tx, account_id: str) -> list[Row]:
    """Newest first."""
    wanted = sa.select(voices).where(voices.c.account_id == account_id, _ALIVE)
    return list(map(row_of, tx.execute(wanted.order_by(*_NEWEST_FIRST)).mappings()))


def count(tx: Tx, account_id: str) -> int:
    wanted = sa.select(sa.func.count()).where(voices.c.account_id == account_id, _ALIVE)
    return tx.execute(wanted).scalar_one()


def update(tx: Tx, voice_id: str, **values: Any) -> None:
    tx.execute(voices.update().where(voices.c.id == voice_id).values(**values))


def delete(tx: Tx, voice_id: str) -> None:
    tx.execute(voices.delete().where(voices.c.id == voice_id))


def belonging_to(tx: Tx, account_id: str) -> list[Row]:
    """All that there is of an account, deleted ones too."""
    wanted = sa.select(voices).where(voices.c.account_id == account_id)
    return list(map(row_of, tx.execute(wanted).mappings()))


def leftovers(tx: Tx) -> list[Row]:
    """Voices with files that may have to go."""
    wanted = sa.select(voices).where(
        sa.or_(
            voices.c.deleted_at.is_not(None),
            voices.c.retired_voice.is_not(None),
            voices.c.reference_key.is_not(None),
        )
    )
    return list(map(row_of, tx.execute(wanted.order_by(voices.c.updated_at)).mappings()))


def known(tx: Tx, voice_ids: Sequence[str]) -> dict[str, Row]:
    """Those of these that have a row, deleted ones too."""
    wanted = sa.select(voices).where(voices.c.id.in_(voice_ids))
    return {row["id"]: row_of(row) for row in tx.execute(wanted).mappings()}


def erase(tx: Tx, account_id: str) -> None:
    tx.execute(consents.delete().where(consents.c.account_id == account_id))
    tx.execute(voices.delete().where(voices.c.account_id == account_id))


def claim(
    tx: Tx, now: datetime, *, refiner: str, claim: str, until: datetime, voice_id: str | None
) -> Row | None:
    """Take up the refinement that waits longest, or that of one voice, if it may be taken up."""
    due = sa.and_(
        _ALIVE,
        sa.or_(
            sa.and_(
                voices.c.refinement == "waiting",
                sa.or_(voices.c.lease_until.is_(None), voices.c.lease_until <= now),
            ),
            sa.and_(voices.c.refinement == "running", voices.c.lease_until <= now),
        ),
    )
    first = sa.select(voices.c.id).where(due)
    if voice_id is not None:
        first = first.where(voices.c.id == voice_id)
    first = first.order_by(voices.c.created_at, voices.c.id).limit(1)
    taken = (
        voices.update()
        .where(voices.c.id == first.scalar_subquery(), due)
        .values(
            refinement="running",
            attempts=voices.c.attempts + 1,
            refiner=refiner,
            claim=claim,
            lease_until=until,
        )
        .returning(voices)
    )
    row = tx.execute(taken).mappings().first()
    return None if row is None else row_of(row)


def unclaim(tx: Tx, refiner: str) -> int:
    """Let what this refiner held wait again; how many there were."""
    held = sa.and_(voices.c.refinement == "running", voices.c.refiner == refiner)
    waiting = {"refinement": "waiting", "refiner": None, "claim": None, "lease_until": None}
    return tx.execute(voices.update().where(held).values(**waiting)).rowcount


def renew(tx: Tx, voice_id: str, claim: str, until: datetime) -> bool:
    """False when it was taken over, or the voice deleted."""
    return bool(tx.execute(_held(voice_id, claim).values(lease_until=until)).rowcount)


def put_down(
    tx: Tx,
    voice_id: str,
    claim: str,
    *,
    not_before: datetime | None = None,
    counts: bool = True,
) -> None:
    """Let it wait again; unless it `counts`, as if it had not been taken up."""
    tx.execute(
        _held(voice_id, claim).values(
            refinement="waiting",
            attempts=voices.c.attempts if counts else voices.c.attempts - 1,
            refiner=None,
            claim=None,
            lease_until=not_before,
        )
    )


def end_refinement(tx: Tx, voice_id: str, claim: str, **values: Any) -> Row | None:
    """Set what came of it; None when it was taken over, or the voice deleted."""
    ended = _held(voice_id, claim).values(refiner=None, claim=None, lease_until=None, **values)
    row = tx.execute(ended.returning(voices)).mappings().first()
    return None if row is None else row_of(row)


def expire_refinements(tx: Tx, now: datetime, before: datetime) -> list[Row]:
    """Give up those of voices made before that which nobody is at; the voices as they are now."""
    idle = sa.or_(voices.c.lease_until.is_(None), voices.c.lease_until <= now)
    given_up = voices.update().where(
        voices.c.refinement.in_(("waiting", "running")),
        voices.c.created_at < before,
        _ALIVE,
        idle,
    )
    ended = {"refiner": None, "claim": None, "lease_until": None, "updated_at": now}
    rows = tx.execute(given_up.values(refinement="failed", **ended).returning(voices))
    return list(map(row_of, rows.mappings()))


def _held(voice_id: str, claim: str) -> sa.Update:
    return voices.update().where(
        voices.c.id == voice_id, voices.c.claim == claim, voices.c.refinement == "running", _ALIVE
    )


def keep_consent(tx: Tx, consent: Consent) -> None:
    tx.execute(consents.insert(), asdict(consent))


def consent_to(tx: Tx, voice_id: str) -> Consent | None:
    wanted = sa.select(consents).where(consents.c.voice_id == voice_id)
    row = tx.execute(wanted).mappings().first()
    return None if row is None else Consent(**row)


def consents_of(tx: Tx, account_id: str) -> list[Consent]:
    """Newest first; those to voices that are gone too, as long as they are kept."""
    wanted = sa.select(consents).where(consents.c.account_id == account_id)
    rows = tx.execute(wanted.order_by(consents.c.given_at.desc())).mappings()
    return [Consent(**row) for row in rows]


def end_consent(tx: Tx, voice_id: str, now: datetime) -> None:
    """Its voice is gone."""
    mine = consents.c.voice_id == voice_id
    tx.execute(consents.update().where(mine).values(voice_deleted_at=now))


def forget_consents(tx: Tx, before: datetime) -> int:
    """Those whose voice was deleted before that; how many there were."""
    return tx.execute(consents.delete().where(consents.c.voice_deleted_at < before)).rowcount


def row_of(row: Mapping[str, Any] | sa.RowMapping) -> Row:
    return Row(
        voice_id=row["id"],
        name=row["name"],
        language=row["language"],
        engine_voice=row["engine_voice"],
        clone=Clone(
            account_id=row["account_id"],
            method=row["method"],
            similarity=row["similarity"],
            refinement=row["refinement"],
            quality=row["quality"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        ),
        reference_key=row["reference_key"],
        attempts=row["attempts"],
        claim=row["claim"],
        retired_voice=row["retired_voice"],
        deleted_at=row["deleted_at"],
    )
