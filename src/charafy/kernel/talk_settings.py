"""The settings of the process that carries conversations; part of `settings.Settings`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings


class TalkSettings(BaseSettings):
    """How many conversations a process carries, and when it gives up on one."""

    talk: bool = Field(True, description="Whether `charafy serve` starts a talk process.")
    talk_name: str = Field(
        "talk-1",
        pattern=r"^[a-z0-9-]{1,40}$",
        description="Names a talk process; each has its own.",
    )
    talk_capacity: int = Field(
        4, ge=1, le=1000, description="Conversations that one talk process carries at once."
    )
    talk_idle_s: float = Field(
        120.0, gt=5, description="Seconds of silence on both sides after which one ends."
    )
    talk_faces: int = Field(
        2,
        ge=0,
        le=1000,
        description="Conversations for which one talk process draws the face itself, as a video "
        "track; with more, clients draw it. Each takes a fifth of a core.",
    )
