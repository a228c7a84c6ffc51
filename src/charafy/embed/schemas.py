"""Request and answer of `/v1/characters/{id}/embed`, in the contract's words and order."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from charafy.embed.origins import normal_origin
from charafy.embed.service import EmbedChanges, EmbedSettings
from charafy.kernel.http.partial import PartialBody
from charafy.kernel.http.schema import Answer

MAX_ORIGINS = 20

_LIMITS = {
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


def _limit(least: int, most: int, description: str) -> Any:
    return Field(None, ge=least, le=most, description=f"{description} null removes the limit.")


Whole = Annotated[int, BeforeValidator(_whole)]
Origins = Annotated[
    list[str],
    Field(
        max_length=MAX_ORIGINS,
        description="https:// origins that may embed the character; empty: all may.",
        examples=[["https://example.com"]],
    ),
    AfterValidator(_normal),
]


class UpdateEmbed(PartialBody):
    """Only what is sent changes."""

    embed_enabled: bool = Field(False, description="Whether web pages may embed the character.")
    allowed_origins: Origins = Field(default_factory=list)
    embed_session_limit_seconds: Whole | None = _limit(60, 3_600, "Seconds per session.")
    embed_daily_limit_seconds: Whole | None = _limit(60, 86_400, "Seconds per day.")
    embed_monthly_limit_seconds: Whole | None = _limit(3_600, 2_592_000, "Seconds per month.")
    embed_max_concurrent: Whole | None = _limit(1, 100, "Sessions at the same time.")

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
