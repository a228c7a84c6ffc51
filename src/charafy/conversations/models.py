"""What enters and leaves the conversations feature: frozen values, never rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from charafy.characters.service import OwnModel

Language = Literal["ja", "en"]
AvatarType = Literal["sprite", "motion", "none"]
Mode = Literal["video", "audio-only"]
State = Literal["minted", "live", "ended"]
Role = Literal["user", "assistant"]
Reason = Literal[
    "hang_up",
    "limit",
    "idle",
    "disconnected",
    "failed",
    "node_lost",
    "credits",
    "deleted",
    "never_connected",
]
"""Why it ended: the visitor left; its time was over; nobody said anything; the connection broke;
ours to blame; the process that led it is gone; no credits; its owner deleted it; nobody came."""

GREETING_CHARS: Final = 500
VISITOR_CHARS: Final = 100
TURN_CHARS: Final = 10_000
"""What is said in one turn beyond this is not kept."""


@dataclass(frozen=True, slots=True)
class Conversation:
    conversation_id: str
    account_id: str
    character_id: str
    mode: Mode
    is_test: bool
    state: State
    hold_id: str
    held: int
    """Credits set aside; 0 of a test key."""
    charged: int
    rate: int
    """Credits a minute."""
    audio_rate: int
    """Credits a minute while it has no face."""
    limit_s: int
    greeting: str | None
    visitor: str | None
    """What the visitor is called."""
    origin: str | None
    node: str | None
    pc_id: str | None
    lease_until: datetime
    """Minted: when its token expires; live: when it is given up unless its node says otherwise."""
    created_at: datetime
    connected_at: datetime | None
    """When its client first came through to its node."""
    ended_at: datetime | None
    seconds: float
    """From connected to ended."""
    video_seconds: float | None
    """Of these with a face, as its node said last; None: it never said."""
    reason: Reason | None
    deleted_at: datetime | None
    term: int = 0
    """How many processes led it before the one that does. Who leads it in an earlier term has lost
    it, and can change nothing of it any more."""
    gap_s: float = 0.0
    """Seconds since it was connected in which nobody led it: they cost nothing."""


@dataclass(frozen=True, slots=True)
class Talker:
    """The character as it is when a conversation begins."""

    character_id: str
    name: str
    language: Language
    voice_id: str
    engine_voice: str
    """The name by which the voice engine knows its voice."""
    system_prompt: str | None
    avatar_type: AvatarType
    photo_key: str
    own_model: OwnModel | None = None
    """What it thinks with instead of the server's model, key and all."""


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """What one of the two said."""

    role: Role
    text: str
    """Of the character ("assistant"): what was heard of it."""
    interrupted: bool
    started_s: float
    """From the beginning of the conversation."""
    latency: Mapping[str, float]
    """Seconds by stage of the work on an answer; empty for what the visitor said."""


@dataclass(frozen=True, slots=True)
class Before:
    """What a conversation was until the process that led it was lost."""

    seconds: float
    """Led so far, as far as is known for sure."""
    video_seconds: float | None
    """Of these with a face; None: all of them, where the mode has one."""
    turns: tuple[TurnRecord, ...]


@dataclass(frozen=True, slots=True)
class Admitted:
    """Leave to lead one conversation."""

    conversation_id: str
    account_id: str
    character: Talker
    mode: Mode
    limit_s: int
    greeting: str | None
    """What the character says first; None: left to whoever leads it; "": it waits to be spoken
    to."""
    visitor: str | None
    is_test: bool
    trace: str | None = None
    """The span that made its token, as `traceparent`, where that was traced."""
    term: int = 0
    before: Before | None = None
    """None: its visitor was never there yet."""

    @classmethod
    def to(
        cls, conversation: Conversation, talker: Talker, *, before: Before | None = None
    ) -> Admitted:
        """Leave to lead it, in the term that the conversation is in."""
        return cls(
            conversation_id=conversation.conversation_id,
            account_id=conversation.account_id,
            character=talker,
            mode=conversation.mode,
            limit_s=conversation.limit_s,
            greeting=conversation.greeting,
            visitor=conversation.visitor,
            is_test=conversation.is_test,
            term=conversation.term,
            before=before,
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """How a conversation went, as its node says."""

    reason: Reason
    seconds: float
    """From connected to ended."""
    video_seconds: float | None = None
    """Of these with a face; None: all of them, where the mode has one."""
    dead_s: float = 0.0
    """Of these in which we could not answer: they cost nothing."""


@dataclass(frozen=True, slots=True)
class Node:
    """A process that leads conversations."""

    name: str
    url: str
    """Where the API reaches it, without a trailing slash."""
    capacity: int
    """Conversations at the same time."""
    sessions: int
