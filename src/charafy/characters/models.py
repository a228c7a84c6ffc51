"""What enters and leaves the characters feature: frozen values, never rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypedDict

Language = Literal["ja", "en"]
AvatarType = Literal["sprite", "motion", "none"]

NAME_CHARS = 100
SYSTEM_PROMPT_CHARS = 10_000


@dataclass(frozen=True, slots=True)
class Character:
    character_id: str
    account_id: str
    name: str
    language: Language
    voice_id: str
    avatar_type: AvatarType
    """The avatar that was wished for; whether there is one is another question."""
    system_prompt: str | None
    photo_key: str
    photo_url: str
    """Opens for anyone who has it, for as long as the photo is the character's."""
    embed_enabled: bool
    embed_url: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """A character that doesn't exist yet, without its photo."""

    name: str
    voice_id: str
    language: Language = "ja"
    avatar_type: AvatarType = "none"
    system_prompt: str | None = None


class Changes(TypedDict, total=False):
    """What an update sets; what is missing stays."""

    name: str
    image: str
    voice_id: str
    language: Language
    avatar_type: AvatarType
    system_prompt: str | None


@dataclass(frozen=True, slots=True)
class Page:
    characters: tuple[Character, ...]
    next_cursor: str | None
    """Where the next page starts; None at the end."""
