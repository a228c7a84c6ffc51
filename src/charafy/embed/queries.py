"""The SQL of embedded characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from charafy.embed.models import DayOfUse, OpenSession
from charafy.embed.tables import embed_days, embed_sessions, embed_settings
from charafy.kernel.db import Tx

UNLIMITED: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "allowed_origins": (),
        "session_limit_s": None,
        "daily_limit_s": None,
        "monthly_limit_s": None,
        "max_concurrent": None,
    }
)

_SESSION = tuple(OpenSession.__dataclass_fields__)


def limits_of(tx: Tx, character_id: str) -> Mapping[str, Any]:
    wanted = sa.select(embed_settings).where(embed_settings.c.character_id == character_id)
    return dict(tx.execute(wanted).mappings().first() or UNLIMITED)


def save_limits(tx: Tx, character_id: str, limits: Mapping[str, Any]) -> None:
    known = embed_settings.c.character_id == character_id
    changed = tx.execute(embed_settings.update().where(known).values(**limits))
    if changed.rowcount == 0:
        row = {"character_id": character_id, **UNLIMITED, **limits}
        tx.execute(embed_settings.insert(), row)


def add_session(tx: Tx, session: OpenSession) -> None:
    tx.execute(embed_sessions.insert(), {name: getattr(session, name) for name in _SESSION})


def sessions_of(tx: Tx, character_id: str) -> list[OpenSession]:
    wanted = sa.select(embed_sessions).where(embed_sessions.c.character_id == character_id)
    return [OpenSession(**row) for row in tx.execute(wanted).mappings()]


def count_of_account(tx: Tx, account_id: str) -> int:
    """Visitors' conversations with any of its characters that are not over."""
    mine = embed_sessions.c.account_id == account_id
    return tx.execute(sa.select(sa.func.count()).where(mine)).scalar_one()


def session(tx: Tx, conversation_id: str) -> OpenSession | None:
    wanted = sa.select(embed_sessions).where(embed_sessions.c.conversation_id == conversation_id)
    row = tx.execute(wanted).mappings().first()
    return None if row is None else OpenSession(**row)


def all_sessions(tx: Tx) -> list[OpenSession]:
    return [OpenSession(**row) for row in tx.execute(sa.select(embed_sessions)).mappings()]


def take_session(tx: Tx, conversation_id: str) -> OpenSession | None:
    """It is over: its row, for the last time; of several that ask one gets it."""
    gone = (
        embed_sessions.delete()
        .where(embed_sessions.c.conversation_id == conversation_id)
        .returning(embed_sessions)
    )
    row = tx.execute(gone).mappings().first()
    return None if row is None else OpenSession(**row)


def erase(tx: Tx, account_id: str) -> None:
    tx.execute(embed_sessions.delete().where(embed_sessions.c.account_id == account_id))
    tx.execute(embed_days.delete().where(embed_days.c.account_id == account_id))


def forget_days(tx: Tx, before: date) -> int:
    return tx.execute(embed_days.delete().where(embed_days.c.day < before)).rowcount


def add_use(tx: Tx, session: OpenSession, day: date, seconds: float, sessions: int) -> None:
    """On top of what its character's day has."""
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    row = insert(embed_days).values(
        character_id=session.character_id,
        day=day,
        account_id=session.account_id,
        seconds=seconds,
        sessions=sessions,
    )
    tx.execute(
        row.on_conflict_do_update(
            index_elements=["character_id", "day"],
            set_={
                "seconds": embed_days.c.seconds + row.excluded.seconds,
                "sessions": embed_days.c.sessions + row.excluded.sessions,
            },
        )
    )


def days(tx: Tx, character_id: str, first: date, before: date) -> Sequence[DayOfUse]:
    """Days with use from `first` to the one before `before`, in order."""
    wanted = (
        sa.select(embed_days.c.day, embed_days.c.seconds, embed_days.c.sessions)
        .where(
            embed_days.c.character_id == character_id,
            embed_days.c.day >= first,
            embed_days.c.day < before,
        )
        .order_by(embed_days.c.day)
    )
    return [DayOfUse(**row) for row in tx.execute(wanted).mappings()]


def used(tx: Tx, character_id: str, first: date, before: date) -> float:
    """Seconds of those days."""
    return sum(day.seconds for day in days(tx, character_id, first, before))
