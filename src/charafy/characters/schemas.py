"""Requests and answers of `/v1/characters`, in the contract's order; what follows is ours."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr

from charafy.characters.models import (
    NAME_CHARS,
    SYSTEM_PROMPT_CHARS,
    AvatarFlags,
    AvatarType,
    Changes,
    Character,
    Draft,
    Language,
    ModelChanges,
    NewCharacter,
    PictureKind,
    Placement,
)
from charafy.characters.own_models import FIELDS
from charafy.characters.placing import FoundAnchors, FoundBox, PlacedAnchors
from charafy.kernel.clock import iso
from charafy.kernel.http.partial import PartialBody
from charafy.kernel.http.schema import Answer, Body
from charafy.kernel.http.words import no_zero_bytes, printable_name

__all__ = [
    "ANCHORS",
    "KIND",
    "CharacterAnswer",
    "CharactersAnswer",
    "CreateCharacter",
    "CreatedCharacter",
    "DeletedCharacter",
    "FoundAnchors",
    "FoundBox",
    "Image",
    "ListedCharacter",
    "PlacedAnchors",
    "UpdateCharacter",
    "placement",
]

_EXAMPLE_ID = "7f9c24e5-2f4b-4d6e-9a55-0c1f6a1f3b52"
_EXAMPLE_VOICE = "3a5f0c1e-58a4-5d0b-8c53-9f3c5d2f7f10"


KIND = (
    'How the picture is brought to life: "photo" bends its own skin (photos, paintings), "drawing" '
    'draws mouths and lids in its own line (anime, illustrations), "auto" tells them apart.'
)
ANCHORS = "Eyes, mouth and chin placed by hand, for pictures in which they were not found well."


def _header_safe(key: SecretStr) -> SecretStr:
    if not all("!" <= char <= "~" for char in key.get_secret_value()):
        raise ValueError("must be of printable ASCII characters without spaces.")
    return key


Name = Annotated[
    str,
    Field(min_length=1, max_length=NAME_CHARS, description="Display name.", examples=["Sakura"]),
    AfterValidator(printable_name),
]
Image = Annotated[
    str,
    Field(
        min_length=1,
        description="Base64 data URI (data:image/png;base64,…) or public URL of a JPEG, PNG, WebP "
        "or HEIC picture; at most 16 MB and 25 megapixels.",
        examples=["https://example.com/photo.jpg"],
    ),
]
VoiceId = Annotated[
    str,
    Field(max_length=100, description="A voice_id of GET /v1/voices.", examples=[_EXAMPLE_VOICE]),
]
SystemPrompt = Annotated[
    str,
    Field(max_length=SYSTEM_PROMPT_CHARS, description="The character's personality."),
    AfterValidator(no_zero_bytes),
]
LlmBaseUrl = Annotated[
    str,
    Field(
        max_length=2_048,
        description="Address of an OpenAI-compatible model that this character thinks with in live "
        "conversations, with its version; default: the server's model.",
        examples=["https://llm.example.com/v1"],
    ),
]
LlmApiKey = Annotated[
    SecretStr,
    Field(
        min_length=1,
        max_length=500,
        description="Key for `llm_base_url`. It is kept sealed, sent there only and never shown; "
        "another `llm_base_url` forgets it.",
    ),
    AfterValidator(_header_safe),
]
LlmModel = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="Name of the model to ask for at `llm_base_url`.",
        examples=["my-model"],
    ),
    AfterValidator(printable_name),
]


def placement(kind: PictureKind, anchors: PlacedAnchors | None) -> Placement:
    return Placement(kind, anchors.anchors() if anchors else None)


class CreateCharacter(Body):
    name: Name
    image: Image
    voice_id: VoiceId
    language: Language = "ja"
    avatar_type: AvatarType = "none"
    system_prompt: SystemPrompt | None = None
    kind: PictureKind = Field("auto", description=KIND)
    anchors: PlacedAnchors | None = Field(None, description=ANCHORS)
    llm_base_url: LlmBaseUrl | None = None
    llm_api_key: LlmApiKey | None = None
    llm_model: LlmModel | None = None

    def placement(self) -> Placement:
        return placement(self.kind, self.anchors)

    def draft(self) -> Draft:
        own_model: ModelChanges = {}
        own_model.update(self.model_dump(include=set(FIELDS), exclude_none=True))  # type: ignore[typeddict-item]
        return Draft(
            self.name,
            self.voice_id,
            self.language,
            self.avatar_type,
            self.system_prompt,
            own_model,
        )


class UpdateCharacter(PartialBody):
    """Only what is sent changes; `"system_prompt": null` removes it, and `"llm_base_url": null`
    the model of its own with its key."""

    name: Name = ""
    image: Image = ""
    voice_id: VoiceId = ""
    language: Language = "ja"
    avatar_type: AvatarType = "none"
    system_prompt: SystemPrompt | None = None
    llm_base_url: LlmBaseUrl | None = None
    llm_api_key: LlmApiKey | None = None
    llm_model: LlmModel | None = None

    def changes(self) -> Changes:
        sent: Changes = {}
        sent.update(self.model_dump(exclude_unset=True))  # type: ignore[typeddict-item]
        return sent


class Avatars(Answer):
    """Which avatars there are, made of the photo that the character has now."""

    sprite: bool
    motion: bool

    @classmethod
    def of(cls, flags: AvatarFlags) -> Avatars:
        return cls(sprite=flags.sprite, motion=flags.motion)


class ListedCharacter(Answer):
    character_id: str = Field(examples=[_EXAMPLE_ID])
    name: str
    language: Language
    voice_id: str
    photo_url: str
    embed_enabled: bool
    avatar_type: AvatarType
    embed_url: str

    @staticmethod
    def fields_of(character: Character) -> dict[str, Any]:
        return {
            "character_id": character.character_id,
            "name": character.name,
            "language": character.language,
            "voice_id": character.voice_id,
            "photo_url": character.photo_url,
            "embed_enabled": character.embed_enabled,
            "avatar_type": character.avatar_type,
            "embed_url": character.embed_url,
        }

    @classmethod
    def of(cls, character: Character) -> ListedCharacter:
        return cls(**cls.fields_of(character))


class CharacterAnswer(ListedCharacter):
    """One character with everything that is known of it."""

    avatars: Avatars
    system_prompt: str | None
    created_at: str = Field(examples=["2026-01-01T00:00:00Z"])
    updated_at: str = Field(examples=["2026-01-01T00:00:00Z"])
    llm_base_url: str | None = Field(
        description="Of the model that it thinks with; null: the server's."
    )
    llm_model: str | None
    llm_api_key_set: bool = Field(description="Whether a key is kept for that address.")

    @classmethod
    def with_avatars(cls, character: Character, flags: AvatarFlags) -> CharacterAnswer:
        return cls(
            **cls.fields_of(character),
            avatars=Avatars.of(flags),
            system_prompt=character.system_prompt,
            created_at=iso(character.created_at),
            updated_at=iso(character.updated_at),
            llm_base_url=character.llm_base_url,
            llm_model=character.llm_model,
            llm_api_key_set=character.llm_sealed_key is not None,
        )


class CharactersAnswer(Answer):
    characters: list[ListedCharacter]
    next_cursor: str | None = Field(
        None, description="Send it as `cursor` for the next page; null at the end."
    )


class CreatedCharacter(Answer):
    character_id: str = Field(examples=[_EXAMPLE_ID])
    embed_url: str
    avatars: Avatars
    credits_used: int
    credits_remaining: int

    @classmethod
    def of(cls, made: NewCharacter, credits_remaining: int) -> CreatedCharacter:
        return cls(
            character_id=made.character.character_id,
            embed_url=made.character.embed_url,
            avatars=Avatars.of(made.avatars),
            credits_used=made.credits_used,
            credits_remaining=credits_remaining,
        )


class DeletedCharacter(Answer):
    character_id: str = Field(examples=[_EXAMPLE_ID])
    deleted: bool = True
