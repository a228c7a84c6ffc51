"""The conversations feature as a whole: its parts, put together."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass

from charafy.characters.service import Characters
from charafy.conversations.chores import Chores
from charafy.conversations.connecting import Connecting
from charafy.conversations.endings import Emit, Endings
from charafy.conversations.livekit import LiveKit
from charafy.conversations.nodes import Nodes
from charafy.conversations.service import Conversations
from charafy.conversations.sessions import Sessions
from charafy.conversations.succession import Succession
from charafy.conversations.tokens import Tokens
from charafy.credits.service import Credits
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.http.limits import Limiter
from charafy.kernel.settings import Settings
from charafy.kernel.traces import OFF, Traces
from charafy.voices.service import Voices


@dataclass(frozen=True, slots=True)
class ConversationRoom:
    """What the API, the sweeper and whoever leads conversations need of them."""

    conversations: Conversations
    sessions: Sessions
    succession: Succession
    nodes: Nodes
    chores: Chores
    connecting: Connecting
    livekit: LiveKit | None
    """What carries media instead of the talk processes, where the settings name it."""

    @classmethod
    def build(
        cls,
        db: Database,
        clock: Clock,
        settings: Settings,
        secret: bytes,
        *,
        characters: Characters,
        voices: Voices,
        credits: Credits,
        emit: Emit,
        limiter: Limiter,
        tls: ssl.SSLContext,
        traces: Traces = OFF,
    ) -> ConversationRoom:
        endings = Endings(clock, credits=credits, emit=emit)
        livekit = LiveKit.of(settings, secret, clock, tls)
        how = livekit.room if livekit else None
        tokens = Tokens(secret, settings, clock, how, traces=traces)
        conversations = Conversations(
            db,
            clock,
            characters=characters,
            credits=credits,
            tokens=tokens,
            endings=endings,
            settings=settings,
            livekit=livekit,
        )
        sessions = Sessions(
            db, clock, tokens=tokens, characters=characters, voices=voices, endings=endings
        )
        chores = Chores(
            db,
            clock,
            endings=endings,
            keep_days=settings.conversation_days,
            close_room=livekit.close_room if livekit else None,
        )
        nodes = Nodes(db, clock, secret)
        connecting = Connecting(
            db,
            conversations=conversations,
            sessions=sessions,
            nodes=nodes,
            limiter=limiter,
            tls=tls,
            traces=traces,
        )
        succession = Succession(db, clock, sessions)
        return cls(conversations, sessions, succession, nodes, chores, connecting, livekit)

    def close(self) -> None:
        self.connecting.close()
        if self.livekit is not None:
            self.livekit.close()

    def sweeps(self) -> dict[str, Callable[[], object]]:
        """For every half minute, in every process."""
        return {
            "lapsed conversations": self.chores.end_lapsed,
            "old conversations": self.chores.remove_old,
            "talk nodes": self.nodes.forget_gone,
        }
