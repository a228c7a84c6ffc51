"""The SQL of characters. Every statement that reads starts from the account that asks."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

import sqlalchemy as sa

from charafy.characters.models import Character
from charafy.characters.tables import characters
from charafy.kernel.db import Tx
from charafy.kernel.errors import BadRequest
from charafy.kernel.ids import is_id

PHOTOS = sa.select(characters.c.id, characters.c.photo_key)


def serialise(tx: Tx, account_id: str) -> None:
    """Let one creation at a time count an account's characters, until this unit of work ends.

    SQLite has one writer anyway; PostgreSQL would let two of them pass the same limit.
    """
    if tx.dialect.name == "postgresql":
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(account_id))))


def count(tx: Tx, account_id: str) -> int:
    wanted = sa.select(sa.func.count()).where(characters.c.account_id == account_id)
    return tx.execute(wanted).scalar_one()


def find(tx: Tx, account_id: str, character_id: str) -> sa.RowMapping | None:
    """The account's own character of this id, if there is one."""
    if not is_id(character_id):
        return None
    wanted = sa.select(characters).where(
        characters.c.id == character_id.lower(), characters.c.account_id == account_id
    )
    return tx.execute(wanted).mappings().first()


def newest_first(
    tx: Tx, account_id: str, limit: int | None, cursor: str | None
) -> list[sa.RowMapping]:
    order = sa.tuple_(characters.c.created_at, characters.c.id)
    wanted = sa.select(characters).where(characters.c.account_id == account_id)
    if cursor is not None:
        types = [characters.c.created_at.type, characters.c.id.type]
        wanted = wanted.where(order < sa.tuple_(*_read_cursor(cursor), types=types))
    wanted = wanted.order_by(characters.c.created_at.desc(), characters.c.id.desc())
    return list(tx.execute(wanted.limit(limit)).mappings())


def cursor_after(last: Character) -> str:
    """Opaque to callers: where the list goes on after this character."""
    text = f"{last.created_at.astimezone(UTC).isoformat()} {last.character_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        moment, _, character_id = base64.urlsafe_b64decode(padded).decode().partition(" ")
        created_at = datetime.fromisoformat(moment)
        if created_at.tzinfo is None or not is_id(character_id):
            raise _bad_cursor()
        return created_at.astimezone(UTC), character_id
    except (binascii.Error, ValueError, OverflowError):  # the latter: year 1 east of Greenwich
        raise _bad_cursor() from None


def _bad_cursor() -> BadRequest:
    return BadRequest("cursor: must be a next_cursor of an earlier answer.", param="cursor")
