"""Request and answer of `/v1/characters/{id}/embed`, in the contract's words and order."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field

from charafy.embed.models import EmbedChanges, EmbedSettings, Usage
from charafy.embed.origins import normal_origin
from charafy.kernel.http.partial import PartialBody
from charafy.kernel.http.schema import Answer, Body

NAME_CHARS: Final = 100
"""Of a visitor: as many as a conversation takes."""

MAX_ORIGINS = 20

_LIMITS: Final = {
    "embed_session_limit_seconds": "session_limit_s",
    "embed_daily_limit_seconds": "daily_limit_s",
    "embed_monthly_limit_seconds": "monthly_limit_s",
    "embed_max_concurrent": "max_concurrent",
}


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 300.0 is 300."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _normal(origins: list[str]) -> list[str]:
    return list(dict.fromkeys(map(normal_origin, origins)))


def _limit(description: str) -> Any:
    return Field(None, description=f"{description} null removes the limit.")


# The bounds stand on the number itself: outside of the validator they'd be lost to OpenAPI.
SessionSeconds = Annotated[int, Field(ge=60, le=3_600), BeforeValidator(_whole)]
DailySeconds = Annotated[int, Field(ge=60, le=86_400), BeforeValidator(_whole)]
MonthlySeconds = Annotated[int, Field(ge=3_600, le=2_592_000), BeforeValidator(_whole)]
Sessions = Annotated[int, Field(ge=1, le=100), BeforeValidator(_whole)]
Origins = Annotated[
    list[str],
    Field(
        max_length=MAX_ORIGINS,
        description="https:// origins (or http://localhost) that may embed the character; "
        "empty: all may.",
        examples=[["https://example.com"]],
    ),
    AfterValidator(_normal),
]


class UpdateEmbed(PartialBody):
    """Only what is sent changes."""

    embed_enabled: bool = Field(False, description="Whether web pages may embed the character.")
    allowed_origins: Origins = Field(default_factory=list)
    embed_session_limit_seconds: SessionSeconds | None = _limit("Seconds per session.")
    embed_daily_limit_seconds: DailySeconds | None = _limit("Seconds per day.")
    embed_monthly_limit_seconds: MonthlySeconds | None = _limit("Seconds per month.")
    embed_max_concurrent: Sessions | None = _limit("Sessions at the same time.")

    def changes(self) -> EmbedChanges:
        changes = EmbedChanges()
        for name in self.model_fields_set:
            changes[_LIMITS.get(name, name)] = getattr(self, name)  # type: ignore[literal-required]
        return changes


class EmbedAnswer(Answer):
    character_id: str
    embed_enabled: bool
    allowed_origins: list[str]
    embed_session_limit_seconds: int | None
    embed_daily_limit_seconds: int | None
    embed_monthly_limit_seconds: int | None
    embed_max_concurrent: int | None
    embed_url: str

    @classmethod
    def of(cls, settings: EmbedSettings) -> EmbedAnswer:
        return cls(
            character_id=settings.character_id,
            embed_enabled=settings.embed_enabled,
            allowed_origins=list(settings.allowed_origins),
            embed_session_limit_seconds=settings.session_limit_s,
            embed_daily_limit_seconds=settings.daily_limit_s,
            embed_monthly_limit_seconds=settings.monthly_limit_s,
            embed_max_concurrent=settings.max_concurrent,
            embed_url=settings.embed_url,
        )


class UsageDay(Answer):
    day: date = Field(examples=["2026-01-01"])
    seconds: float = Field(examples=[420.0])
    sessions: int = Field(description="Those that began on that day.", examples=[3])


class UsageAnswer(Answer):
    character_id: str
    today_seconds: float = Field(examples=[420.0])
    month_seconds: float = Field(examples=[9_300.5])
    open_sessions: int = Field(
        description="Conversations that go on, or that somebody is about to begin.", examples=[1]
    )
    days: list[UsageDay] = Field(description="Days of this month with any use, in order.")

    @classmethod
    def of(cls, usage: Usage) -> UsageAnswer:
        return cls(
            character_id=usage.character_id,
            today_seconds=usage.today_s,
            month_seconds=usage.month_s,
            open_sessions=usage.open_sessions,
            days=[
                UsageDay(day=one.day, seconds=one.seconds, sessions=one.sessions)
                for one in usage.days
            ],
        )


class PageToken(Body):
    """Of our own page, which asks for a fresh one."""

    page_token: str = Field(max_length=1_000)


class OpenVisit(PageToken):
    """Of our own page, whose visitor wants to talk."""

    parent: str = Field("", max_length=300, description="Origin of the page around ours.")
    visitor_name: str | None = Field(
        None, max_length=NAME_CHARS, description="What the page around calls its visitor."
    )


class LeaveVisit(Body):
    """Of our own page, whose visitor goes without having connected."""

    token: str = Field(max_length=4_096, description="Of the conversation.")


class PageTokenAnswer(Answer):
    page_token: str


class VisitAnswer(Answer):
    """What a visitor's browser needs, and nothing of the owner's credits."""

    token: str
    conversation_id: str
    connect_url: str
    ice_servers: list[dict[str, Any]]
    livekit_url: str | None
    session_limit_seconds: int
    expires_in: int
