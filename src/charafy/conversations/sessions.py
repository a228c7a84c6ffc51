"""What whoever leads conversations asks and says: who may come in, that it goes on, how it went.

All of it is synchronous and waits for the database: call it off the event loop.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from charafy.characters.service import Characters
from charafy.conversations import queries
from charafy.conversations.endings import Endings
from charafy.conversations.models import (
    Admitted,
    Conversation,
    Ending,
    State,
    Talker,
    TurnRecord,
)
from charafy.conversations.tokens import Tokens
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import Conflict, NotFound, Unauthorized
from charafy.voices.service import Voices

__all__ = ["Admitted", "Conversation", "Ending", "Sessions", "Talker", "TurnRecord"]

BEAT_S: Final = 10.0
LEASE: Final = timedelta(seconds=45)
"""How long a node may be silent before its conversations are given up: four beats."""
ROOM: Final = "livekit:"
"""Begins the name of the connection of a conversation in a room of LiveKit."""


class Sessions:
    """Thread-safe; safe from many processes."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        tokens: Tokens,
        characters: Characters,
        voices: Voices,
        endings: Endings,
    ) -> None:
        self._db = db
        self._clock = clock
        self._tokens = tokens
        self._characters = characters
        self._voices = voices
        self._endings = endings

    def waiting(self, token: str) -> Conversation:
        """The conversation that this token opens; changes nothing. Raises what `admit` raises."""
        claims = self._tokens.read(token)
        with self._db.read() as tx:
            return self._minted(tx, claims.conversation_id)

    def trace(self, token: str) -> str | None:
        """The span that made this token. Raises `Unauthorized`."""
        return self._tokens.read(token, even_expired=True).trace

    def going_on(self, token: str) -> Conversation:
        """The live conversation that this token opened: for who lost the connection.

        The token may have expired meanwhile. Raises `Unauthorized`, `Conflict` when it is over.
        """
        claims = self._tokens.read(token, even_expired=True)
        with self._db.read() as tx:
            found = queries.find(tx, claims.conversation_id)
        if found is None or found.deleted_at is not None or found.state == "minted":
            raise _revoked()
        if found.state == "ended":
            raise _over()
        return found

    def admit(self, token: str, node: str) -> Admitted:
        """Begin the conversation, led by `node`: once for each token.

        Raises `Unauthorized` (401) for a token that is forged, foreign, expired or whose
        conversation or character is gone; `Conflict` (409) for one that was used.
        """
        claims = self._tokens.read(token)
        return replace(self._admitted(claims.conversation_id, node), trace=claims.trace)

    def admit_joined(self, conversation_id: str, node: str) -> Admitted:
        """As `admit`, for a visitor whose token LiveKit has checked; its room knows the trace."""
        return self._admitted(conversation_id, node, pc_id=f"{ROOM}{conversation_id}")

    def state(self, conversation_id: str) -> tuple[State, str | None]:
        """How far it is, and the node that leads it; of one that is gone: "ended"."""
        with self._db.read() as tx:
            found = queries.find(tx, conversation_id)
        return ("ended", None) if found is None else (found.state, found.node)

    def to_come(self, limit: int) -> list[str]:
        """Ids of conversations that a token may still open; the newest first."""
        with self._db.read() as tx:
            return queries.waiting(tx, self._clock.now(), limit)

    def _admitted(self, conversation_id: str, node: str, *, pc_id: str | None = None) -> Admitted:
        now = self._clock.now()
        with self._db.write() as tx:
            minted = self._minted(tx, conversation_id)
            talker = self.talker(tx, minted)
            if talker is None:
                self._endings.end(tx, minted, Ending("never_connected", 0.0))
            else:
                begun = queries.update(
                    tx,
                    minted.conversation_id,
                    ["minted"],
                    state="live",
                    node=node,
                    lease_until=now + LEASE,
                    pc_id=pc_id,
                )
                if begun is None:  # on PostgreSQL, after it was read
                    raise _used()
        if talker is None:
            raise Unauthorized("The character is gone; nothing was charged.", code="token_revoked")
        return Admitted.to(minted, talker)

    def reached(self, conversation_id: str, *, term: int = 0, before_s: float = 0.0) -> None:
        """Its client is there, for the first time in `term`: from now on it is to be paid.

        `before_s`: how long it was led in earlier terms; what else passed since it was connected
        is the gap in which nobody led it.
        """
        now = self._clock.now()
        with self._db.write() as tx:
            found = queries.find(tx, conversation_id, lock=True)
            if found is None or found.term != term:
                return
            if found.connected_at is None:
                values: dict[str, Any] = {"connected_at": now}
            elif term:
                gap_s = (now - found.connected_at).total_seconds() - before_s
                values = {"gap_s": max(0.0, gap_s)}
            else:
                return
            queries.update(tx, conversation_id, ["live"], lease_until=now + LEASE, **values)

    def beat(
        self, conversation_id: str, *, term: int = 0, video_seconds: float | None = None
    ) -> bool:
        """It goes on: to be said every `BEAT_S`. False: it was ended elsewhere, or another leads
        it: let it be over.

        `video_seconds`: how long it had a face so far; charged by that if this was the last beat.
        """
        seen = {} if video_seconds is None else {"video_seconds": video_seconds}
        with self._db.write() as tx:
            until = self._clock.now() + LEASE
            going = queries.update(
                tx, conversation_id, ["live"], led_in=term, lease_until=until, **seen
            )
        return going is not None

    def turn(self, conversation_id: str, turn: TurnRecord, *, term: int = 0) -> None:
        """Keep what was said; nothing of a conversation that was deleted or that another leads."""
        with self._db.write() as tx:
            found = queries.find(tx, conversation_id)
            if found is not None and found.deleted_at is None and found.term == term:
                queries.add_turn(tx, conversation_id, turn)

    def end(self, conversation_id: str, ending: Ending, *, term: int = 0) -> bool:
        """Charge for it and give the rest back, exactly once.

        False: it was over already, or another leads it.
        """
        with self._db.write() as tx:
            found = queries.find(tx, conversation_id)
            if found is None:
                return False
            return self._endings.end(tx, found, ending, when="live", led_in=term) is not None

    def _minted(self, tx: Tx, conversation_id: str) -> Conversation:
        found = queries.find(tx, conversation_id)
        if found is None or found.deleted_at is not None:
            raise _revoked()
        if found.state != "minted":
            raise _used()
        return found

    def talker(self, tx: Tx, conversation: Conversation) -> Talker | None:
        """The character as it is now; None when it is gone, or its voice."""
        try:
            character = self._characters.owned(
                tx, conversation.account_id, conversation.character_id
            )
            voice = self._voices.require(tx, conversation.account_id, character.voice_id)
        except NotFound:
            return None
        return Talker(
            character_id=character.character_id,
            name=character.name,
            language=character.language,
            voice_id=character.voice_id,
            engine_voice=voice.engine_voice,
            system_prompt=character.system_prompt,
            avatar_type=character.avatar_type,
            photo_key=character.photo_key,
            own_model=self._characters.own_model(character),
        )


def lasted_until_last_beat(conversation: Conversation) -> float:
    """Seconds that it was led from connected to the last sign of life; 0 of one whose client never
    came."""
    if conversation.connected_at is None:
        return 0.0
    whole = conversation.lease_until - LEASE - conversation.connected_at
    return max(0.0, whole.total_seconds() - conversation.gap_s)


def _revoked() -> Unauthorized:
    return Unauthorized("This token is no longer good; get a new one.", code="token_revoked")


def _used() -> Conflict:
    return Conflict("This token was used: each opens one conversation, once.", code="token_used")


def _over() -> Conflict:
    return Conflict("This conversation is over.", code="conversation_over")
