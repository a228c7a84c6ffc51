"""Embed settings of an account's characters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypedDict

import sqlalchemy as sa

from charafy.characters.service import Characters
from charafy.embed.tables import embed_settings
from charafy.kernel.db import Database, Tx


@dataclass(frozen=True, slots=True)
class EmbedSettings:
    """Limits are in seconds of conversation; None: not limited."""

    character_id: str
    embed_enabled: bool
    allowed_origins: tuple[str, ...]
    """Empty: every origin may embed the character."""
    session_limit_s: int | None
    daily_limit_s: int | None
    monthly_limit_s: int | None
    max_concurrent: int | None
    embed_url: str


class EmbedChanges(TypedDict, total=False):
    """What an update sets; what is missing stays, None removes a limit."""

    embed_enabled: bool
    allowed_origins: tuple[str, ...]
    session_limit_s: int | None
    daily_limit_s: int | None
    monthly_limit_s: int | None
    max_concurrent: int | None


_UNLIMITED: Mapping[str, Any] = MappingProxyType(
    {
        "allowed_origins": (),
        "session_limit_s": None,
        "daily_limit_s": None,
        "monthly_limit_s": None,
        "max_concurrent": None,
    }
)


class Embeds:
    def __init__(self, db: Database, characters: Characters) -> None:
        self._db = db
        self._characters = characters

    def get(self, account_id: str, character_id: str) -> EmbedSettings:
        """Raises `NotFound` for a character that isn't the account's."""
        with self._db.read() as tx:
            return self._settings(tx, account_id, character_id)

    def update(self, account_id: str, character_id: str, changes: EmbedChanges) -> EmbedSettings:
        """Set what `changes` holds. Raises `NotFound`."""
        limits = {name: value for name, value in changes.items() if name != "embed_enabled"}
        with self._db.write() as tx:
            character = self._characters.owned(tx, account_id, character_id)
            if "embed_enabled" in changes:
                self._characters.set_embed_enabled(
                    tx, account_id, character_id, changes["embed_enabled"]
                )
            if limits:
                _save(tx, character.character_id, limits)
            return self._settings(tx, account_id, character_id)

    def _settings(self, tx: Tx, account_id: str, character_id: str) -> EmbedSettings:
        character = self._characters.owned(tx, account_id, character_id)
        wanted = sa.select(embed_settings).where(_of(character.character_id))
        row = tx.execute(wanted).mappings().first() or _UNLIMITED
        return EmbedSettings(
            character_id=character.character_id,
            embed_enabled=character.embed_enabled,
            allowed_origins=tuple(row["allowed_origins"]),
            session_limit_s=row["session_limit_s"],
            daily_limit_s=row["daily_limit_s"],
            monthly_limit_s=row["monthly_limit_s"],
            max_concurrent=row["max_concurrent"],
            embed_url=character.embed_url,
        )


def _of(character_id: str) -> sa.ColumnElement[bool]:
    return embed_settings.c.character_id == character_id


def _save(tx: Tx, character_id: str, limits: Mapping[str, Any]) -> None:
    changed = tx.execute(embed_settings.update().where(_of(character_id)).values(**limits))
    if changed.rowcount == 0:
        row = {"character_id": character_id, **_UNLIMITED, **limits}
        tx.execute(embed_settings.insert(), row)
