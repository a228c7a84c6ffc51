"""What enters and leaves the embed feature: frozen values, never rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypedDict


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


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A visitor's conversation that is not over, or has not begun."""

    conversation_id: str
    account_id: str
    character_id: str
    minted_at: datetime
    connect_by: datetime
    limit_s: int
    visitor: str | None = None
    """The same of one visitor, and nothing else is to be learned of it; None: not known."""


@dataclass(frozen=True, slots=True)
class DayOfUse:
    """What visitors had of a character on one day, in UTC."""

    day: date
    seconds: float
    sessions: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What visitors had of a character this month, in UTC, of conversations that are over."""

    character_id: str
    today_s: float
    month_s: float
    days: tuple[DayOfUse, ...]
    """Those with any use, in order."""
    open_sessions: int
    """Conversations that go on, or that somebody is about to begin."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A visitor's way into a conversation: nothing here tells of its owner's credits."""

    token: str
    conversation_id: str
    connect_url: str
    ice_servers: tuple[dict[str, object], ...]
    livekit_url: str | None
    """Where LiveKit carries it."""
    session_limit_s: int
    expires_in_s: int
