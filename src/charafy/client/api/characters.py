"""Characters, their avatars, and how they are embedded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from charafy.client.api.given import (
    OMITTED,
    Omitted,
    Source,
    linked,
    without_none,
    without_omitted,
)
from charafy.client.api.pages import Pages
from charafy.client.api.transport import Transport, at
from charafy.client.api.values import Anchors, AvatarType, Box, Language, PictureKind

_PICTURE = "image/png"


@dataclass(frozen=True, slots=True)
class Avatars:
    """Which there are."""

    sprite: bool
    motion: bool


@dataclass(frozen=True, slots=True)
class ListedCharacter:
    character_id: str
    name: str
    language: Language
    voice_id: str
    photo_url: str
    embed_enabled: bool
    avatar_type: Literal["sprite", "motion", "none"]
    embed_url: str


@dataclass(frozen=True, slots=True)
class Character(ListedCharacter):
    avatars: Avatars
    system_prompt: str | None
    created_at: datetime
    updated_at: datetime
    llm_base_url: str | None
    llm_model: str | None
    llm_api_key_set: bool


@dataclass(frozen=True, slots=True)
class CreatedCharacter:
    character_id: str
    embed_url: str
    avatars: Avatars
    credits_used: int
    credits_remaining: int


@dataclass(frozen=True, slots=True)
class DeletedCharacter:
    character_id: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class MadeAvatar:
    character_id: str
    sprite_ready: bool
    motion_ready: bool
    credits_used: int
    credits_remaining: int


@dataclass(frozen=True, slots=True)
class PictureProblem:
    code: str
    fatal: bool
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Avatar:
    character_id: str
    sprite_ready: bool
    motion_ready: bool
    kind: PictureKind | None
    anchors: Anchors | None
    problems: tuple[PictureProblem, ...]
    rig_url: str | None
    sprite_url: str | None
    idle_url: str | None


@dataclass(frozen=True, slots=True)
class PictureSize:
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PhotoPreview:
    usable: bool
    kind: PictureKind
    kind_is_certain: bool
    problems: tuple[PictureProblem, ...]
    faces: int
    face: Box | None
    anchors: Anchors | None
    size: PictureSize


@dataclass(frozen=True, slots=True)
class Embed:
    """Limits are None where there are none."""

    character_id: str
    embed_enabled: bool
    allowed_origins: tuple[str, ...]
    embed_session_limit_seconds: int | None
    embed_daily_limit_seconds: int | None
    embed_monthly_limit_seconds: int | None
    embed_max_concurrent: int | None
    embed_url: str


@dataclass(frozen=True, slots=True)
class EmbedUsageDay:
    day: str
    seconds: float
    sessions: int


@dataclass(frozen=True, slots=True)
class EmbedUsage:
    character_id: str
    today_seconds: float
    month_seconds: float
    open_sessions: int
    days: tuple[EmbedUsageDay, ...]


class Characters:
    def __init__(self, api: Transport) -> None:
        self._api = api

    def list(self, *, limit: int | None = None) -> Pages[ListedCharacter]:
        """`limit`: characters per page."""
        return self._api.pages(ListedCharacter, "/characters", "characters", {"limit": limit})

    def get(self, character_id: str) -> Character:
        return self._api.ask(Character, "GET", at("/characters/{}", character_id))

    def create(
        self,
        *,
        name: str,
        image: Source,
        voice_id: str,
        language: Language | None = None,
        avatar_type: Literal["sprite", "motion", "none"] | None = None,
        system_prompt: str | None = None,
        kind: Literal["auto", "photo", "drawing"] | None = None,
        anchors: Anchors | None = None,
        llm_base_url: str | None = None,
        llm_api_key: str | None = None,
        llm_model: str | None = None,
        idempotency_key: str | None = None,
    ) -> CreatedCharacter:
        body = without_none(
            name=name,
            image=linked(image, _PICTURE),
            voice_id=voice_id,
            language=language,
            avatar_type=avatar_type,
            system_prompt=system_prompt,
            kind=kind,
            anchors=anchors,
            llm_base_url=llm_base_url,
            llm_api_key=llm_api_key,
            llm_model=llm_model,
        )
        key = idempotency_key
        return self._api.ask(CreatedCharacter, "POST", "/characters", json=body, key=key)

    def update(
        self,
        character_id: str,
        *,
        name: str | Omitted = OMITTED,
        image: Source | Omitted = OMITTED,
        voice_id: str | Omitted = OMITTED,
        language: Language | Omitted = OMITTED,
        avatar_type: Literal["sprite", "motion", "none"] | Omitted = OMITTED,
        system_prompt: str | Omitted | None = OMITTED,
        llm_base_url: str | Omitted | None = OMITTED,
        llm_api_key: str | Omitted | None = OMITTED,
        llm_model: str | Omitted | None = OMITTED,
    ) -> Character:
        """What is left out stays as it is; None empties it."""
        body = without_omitted(
            name=name,
            image=image if image is OMITTED else linked(image, _PICTURE),
            voice_id=voice_id,
            language=language,
            avatar_type=avatar_type,
            system_prompt=system_prompt,
            llm_base_url=llm_base_url,
            llm_api_key=llm_api_key,
            llm_model=llm_model,
        )
        return self._api.ask(Character, "PATCH", at("/characters/{}", character_id), json=body)

    def delete(self, character_id: str) -> DeletedCharacter:
        return self._api.ask(DeletedCharacter, "DELETE", at("/characters/{}", character_id))

    def preview_photo(
        self,
        image: Source,
        *,
        kind: Literal["auto", "photo", "drawing"] | None = None,
        anchors: Anchors | None = None,
    ) -> PhotoPreview:
        """What an avatar made of it would be; costs nothing."""
        body = without_none(image=linked(image, _PICTURE), kind=kind, anchors=anchors)
        return self._api.ask(PhotoPreview, "POST", "/characters/preview-photo", json=body)

    def make_avatar(
        self,
        character_id: str,
        avatar_type: AvatarType,
        *,
        kind: Literal["auto", "photo", "drawing"] | None = None,
        anchors: Anchors | None = None,
        idempotency_key: str | None = None,
    ) -> MadeAvatar:
        path = at("/characters/{}/avatar", character_id)
        body = without_none(avatar_type=avatar_type, kind=kind, anchors=anchors)
        return self._api.ask(MadeAvatar, "PUT", path, json=body, key=idempotency_key)

    def avatar(self, character_id: str) -> Avatar:
        return self._api.ask(Avatar, "GET", at("/characters/{}/avatar", character_id))

    def embed(self, character_id: str) -> Embed:
        return self._api.ask(Embed, "GET", at("/characters/{}/embed", character_id))

    def update_embed(
        self,
        character_id: str,
        *,
        embed_enabled: bool | Omitted = OMITTED,
        allowed_origins: Sequence[str] | Omitted = OMITTED,
        embed_session_limit_seconds: int | Omitted | None = OMITTED,
        embed_daily_limit_seconds: int | Omitted | None = OMITTED,
        embed_monthly_limit_seconds: int | Omitted | None = OMITTED,
        embed_max_concurrent: int | Omitted | None = OMITTED,
    ) -> Embed:
        """What is left out stays as it is; None is no limit."""
        body = without_omitted(
            embed_enabled=embed_enabled,
            allowed_origins=allowed_origins,
            embed_session_limit_seconds=embed_session_limit_seconds,
            embed_daily_limit_seconds=embed_daily_limit_seconds,
            embed_monthly_limit_seconds=embed_monthly_limit_seconds,
            embed_max_concurrent=embed_max_concurrent,
        )
        return self._api.ask(Embed, "PUT", at("/characters/{}/embed", character_id), json=body)

    def embed_usage(self, character_id: str) -> EmbedUsage:
        return self._api.ask(EmbedUsage, "GET", at("/characters/{}/embed/usage", character_id))
