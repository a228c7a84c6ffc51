"""What `GET /v1/voices` answers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from charafy.kernel.http.schema import Answer
from charafy.voices.service import VoiceInfo


class Description(Answer):
    en: str
    ja: str


class VoiceAnswer(Answer):
    voice_id: str = Field(examples=["0f6b4ae6-9a60-5f0c-8f3e-2f5b0a8f8a11"])
    name: str = Field(examples=["Hinata"])
    language: Literal["ja", "en"]
    is_preset: bool = Field(description="False for a voice that the account made itself.")
    sample_url: str = Field(description="An MP3 that anyone may play, without a key.")
    gender: Literal["female", "male"]
    accent: Literal["en-US", "en-GB", "ja-JP"] = Field(description="BCP 47 tag.")
    description: Description

    @classmethod
    def of(cls, voice: VoiceInfo) -> VoiceAnswer:
        return cls(
            voice_id=voice.voice_id,
            name=voice.name,
            language=voice.language,
            is_preset=voice.is_preset,
            sample_url=voice.sample_url,
            gender=voice.gender,
            accent=voice.accent,
            description=Description(en=voice.description_en, ja=voice.description_ja),
        )


class VoicesAnswer(Answer):
    voices: list[VoiceAnswer]
