"""The settings of what a stranger may try on the front page; part of `settings.Settings`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings


class DemoSettings(BaseSettings):
    """How much of the server strangers may use, all together and each of them."""

    demo: bool = Field(
        True, description="Make demo characters on the first start, and let strangers try them."
    )
    demo_credits_per_day: int = Field(
        300,
        ge=0,
        le=1_000_000,
        description="What all strangers together may use on the front page in a day (UTC), in "
        "credits that the server gives its demo account; 0: they may only look and listen.",
    )
    demo_chars: int = Field(
        160, ge=10, le=1_000, description="Longest text that a stranger may have spoken."
    )
    demo_lines_per_minute: int = Field(
        6, ge=1, description="Texts that one address may have spoken in a minute."
    )
    demo_lines_per_day: int = Field(
        40, ge=1, description="New texts that one address may have spoken in a day."
    )
    demo_talk: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Whether strangers may talk with demo characters; auto: if this server starts "
        "a talk process.",
    )
    demo_talk_session_s: int = Field(
        120, ge=60, le=3_600, description="How long a stranger's conversation may last, in seconds."
    )
    demo_talk_day_s: int = Field(
        600,
        ge=60,
        le=86_400,
        description="How long strangers may talk with one demo character in a day, in seconds.",
    )
    demo_talk_places: int = Field(
        2, ge=1, le=100, description="Conversations of strangers at the same time."
    )

    @property
    def demo_is_open(self) -> bool:
        """Whether strangers may have anything made."""
        return self.demo and self.demo_credits_per_day > 0
