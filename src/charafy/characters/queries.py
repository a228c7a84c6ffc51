"""The SQL of characters: what reads starts from the account that asks, but for what is embedded."""

from __future__ import annotations

import sqlalchemy as sa

from charafy.characters.tables import characters
from charafy.kernel.cursors import is_behind
from charafy.kernel.db import Tx
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


def count_with_voice(tx: Tx, account_id: str, voice_id: str) -> int:
    wanted = sa.select(sa.func.count()).where(
        characters.c.account_id == account_id, characters.c.voice_id == voice_id
    )
    return tx.execute(wanted).scalar_one()


def find(tx: Tx, account_id: str, character_id: str) -> sa.RowMapping | None:
    """The account's own character of this id, if there is one."""
    if not is_id(character_id):
        return None
    wanted = sa.select(characters).where(
        characters.c.id == character_id.lower(), characters.c.account_id == account_id
    )
    return tx.execute(wanted).mappings().first()


def embedded(tx: Tx, character_id: str) -> sa.RowMapping | None:
    """Anyone's, if web pages may show it."""
    if not is_id(character_id):
        return None
    wanted = sa.select(characters).where(
        characters.c.id == character_id.lower(), characters.c.embed_enabled.is_(True)
    )
    return tx.execute(wanted).mappings().first()


def newest_first(
    tx: Tx, account_id: str, limit: int | None, cursor: str | None
) -> list[sa.RowMapping]:
    wanted = sa.select(characters).where(characters.c.account_id == account_id)
    if cursor is not None:
        wanted = wanted.where(is_behind(characters.c.created_at, characters.c.id, cursor))
    wanted = wanted.order_by(characters.c.created_at.desc(), characters.c.id.desc())
    return list(tx.execute(wanted.limit(limit)).mappings())
