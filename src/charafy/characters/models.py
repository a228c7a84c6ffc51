"""What enters and leaves the characters feature: frozen values, never rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, TypedDict

from pydantic import SecretStr

from charafy.engines.portrait import Anchors
from charafy.kernel.db import Tx
from charafy.kernel.http.caller import Caller
from charafy.kernel.media.images import Photo

Language = Literal["ja", "en"]
AvatarType = Literal["sprite", "motion", "none"]
PictureKind = Literal["auto", "photo", "drawing"]

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
    """The avatar to show; whether there is one is another question."""
    system_prompt: str | None
    llm_base_url: str | None
    """Of a model of its own; None: it thinks with the server's."""
    llm_model: str | None
    llm_sealed_key: str | None = field(repr=False)
    photo_key: str
    photo_url: str
    """Opens for anyone who has it, for as long as the photo is the character's."""
    portrait: str
    """A small one for pages: a path on this server, which opens as `photo_url` does."""
    embed_enabled: bool
    embed_url: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class OwnModel:
    """An OpenAI-compatible model that one character thinks with."""

    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)


class ModelChanges(TypedDict, total=False):
    """What is said of a character's own model; what is missing stays."""

    llm_base_url: str | None
    llm_model: str | None
    llm_api_key: SecretStr | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A character that doesn't exist yet, without its photo."""

    name: str
    voice_id: str
    language: Language = "ja"
    avatar_type: AvatarType = "none"
    system_prompt: str | None = None
    own_model: ModelChanges = field(default_factory=ModelChanges)


@dataclass(frozen=True, slots=True)
class Placement:
    """What a user says of a picture where finding it out isn't good enough."""

    kind: PictureKind = "auto"
    anchors: Anchors | None = None
    """In fractions of the picture's width and height: they survive every change of size."""


@dataclass(frozen=True, slots=True)
class AvatarFlags:
    """Which avatars a character has."""

    sprite: bool = False
    motion: bool = False

    def names(self) -> tuple[str, ...]:
        return tuple(name for name in ("sprite", "motion") if getattr(self, name))


@dataclass(frozen=True, slots=True)
class NewCharacter:
    """A character that was just made, with its avatar if one was wished for."""

    character: Character
    avatars: AvatarFlags
    credits_used: int


class Changes(ModelChanges, total=False):
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


Work = Callable[[str, Photo], Callable[[Tx, Character], None]]
"""Something to do with a new character's photo before there is a row (it gets the id to be); what
it answers is done in the unit of work that makes the row."""


class AvatarMaker(Protocol):
    """What characters ask of avatars, which are a feature of their own above this one."""

    def create_character(
        self, caller: Caller, draft: Draft, image: str, placement: Placement, *, limit: int
    ) -> NewCharacter:
        """As `Characters.create`, with the avatar that the draft wishes for, or not at all."""
        ...

    def flags(self, character: Character) -> AvatarFlags: ...
