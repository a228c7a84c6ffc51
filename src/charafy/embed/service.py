"""Embed settings of an account's characters, and what was used of them."""

from __future__ import annotations

from charafy.characters.service import Character, Characters
from charafy.conversations.service import Conversations
from charafy.embed import queries
from charafy.embed.budget import month_of
from charafy.embed.models import DayOfUse, EmbedChanges, EmbedSettings, OpenSession, Usage
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import NotFound

__all__ = ["DayOfUse", "EmbedChanges", "EmbedSettings", "Embeds", "Usage", "settings_of"]


class Embeds:
    """Thread-safe."""

    def __init__(
        self, db: Database, clock: Clock, characters: Characters, conversations: Conversations
    ) -> None:
        self._db = db
        self._clock = clock
        self._characters = characters
        self._conversations = conversations

    def get(self, account_id: str, character_id: str) -> EmbedSettings:
        """Raises `NotFound` for a character that isn't the account's."""
        with self._db.read() as tx:
            return settings_of(tx, self._characters.owned(tx, account_id, character_id))

    def update(self, account_id: str, character_id: str, changes: EmbedChanges) -> EmbedSettings:
        """Set what `changes` holds; whoever talks to one that is disabled is let go.

        Raises `NotFound`.
        """
        limits = {name: value for name, value in changes.items() if name != "embed_enabled"}
        with self._db.write() as tx:
            character = self._characters.owned(tx, account_id, character_id)
            if "embed_enabled" in changes:
                self._characters.set_embed_enabled(
                    tx, account_id, character_id, changes["embed_enabled"]
                )
            if limits:
                queries.save_limits(tx, character.character_id, limits)
            if changes.get("embed_enabled") is False:
                for session in queries.sessions_of(tx, character.character_id):
                    self._conversations.break_off(tx, account_id, session.conversation_id)
            return settings_of(tx, self._characters.owned(tx, account_id, character_id))

    def usage(self, account_id: str, character_id: str) -> Usage:
        """Raises `NotFound` for a character that isn't the account's."""
        now = self._clock.now()
        month, today = month_of(now), now.date()
        with self._db.read() as tx:
            found = self._characters.owned(tx, account_id, character_id).character_id
            days = tuple(queries.days(tx, found, month.start.date(), month.end.date()))
            going_on = len(queries.sessions_of(tx, found))
        return Usage(
            character_id=found,
            today_s=sum(day.seconds for day in days if day.day == today),
            month_s=sum(day.seconds for day in days),
            days=days,
            open_sessions=going_on,
        )

    def end_gone(self) -> int:
        """Let those go who talk to a character that was deleted; returns how many."""
        with self._db.read() as tx:
            gone = [session for session in queries.all_sessions(tx) if self._is_gone(tx, session)]
        for session in gone:
            with self._db.write() as tx:
                self._conversations.break_off(tx, session.account_id, session.conversation_id)
                queries.take_session(tx, session.conversation_id)
        return len(gone)

    def _is_gone(self, tx: Tx, session: OpenSession) -> bool:
        try:
            self._characters.owned(tx, session.account_id, session.character_id)
        except NotFound:
            return True
        return False


def settings_of(tx: Tx, character: Character) -> EmbedSettings:
    limits = queries.limits_of(tx, character.character_id)
    return EmbedSettings(
        character_id=character.character_id,
        embed_enabled=character.embed_enabled,
        allowed_origins=tuple(limits["allowed_origins"]),
        session_limit_s=limits["session_limit_s"],
        daily_limit_s=limits["daily_limit_s"],
        monthly_limit_s=limits["monthly_limit_s"],
        max_concurrent=limits["max_concurrent"],
        embed_url=character.embed_url,
    )
