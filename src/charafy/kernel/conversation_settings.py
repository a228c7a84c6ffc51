"""The settings of live conversations; part of `settings.Settings`."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings


class ConversationSettings(BaseSettings):
    """How long conversations last, and how media finds its way."""

    conversation_limit_s: int = Field(
        600, ge=60, le=14_400, description="Longest conversation, in seconds."
    )
    conversation_days: int = Field(
        30, ge=0, description="Days after which conversations are removed; 0 keeps them."
    )
    stun_urls: tuple[str, ...] = Field(
        (), description="STUN servers that clients are told of (stun:host:port), as JSON."
    )
    turn_urls: tuple[str, ...] = Field(
        (), description="TURN servers that clients are told of (turn:host:port), as JSON."
    )
    turn_secret: SecretStr | None = Field(
        None,
        description="Secret shared with the TURN servers (coturn: static-auth-secret), of which "
        "clients get credentials that last an hour.",
    )

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if self.turn_urls and self.turn_secret is None:
            raise ValueError("turn_urls need turn_secret")
        return self
