"""Speech: whole, as it is made, or with the time of every word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from charafy.client.api.given import without_none
from charafy.client.api.media import Media
from charafy.client.api.transport import Transport
from charafy.client.api.values import AudioFormat, Language


@dataclass(frozen=True, slots=True)
class Spoken:
    """`audio` in the format that `content_type` names."""

    audio: bytes
    content_type: str
    credits_used: int | None
    credits_remaining: int | None


@dataclass(frozen=True, slots=True)
class Timed:
    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class MouthShape:
    viseme: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class TimedSpeech:
    """Times are seconds of `audio`."""

    audio: bytes
    format: AudioFormat
    duration_s: float
    words: tuple[Timed, ...]
    phonemes: tuple[Timed, ...]
    visemes: tuple[MouthShape, ...]
    credits_used: int
    credits_remaining: int


class Speech:
    def __init__(self, api: Transport) -> None:
        self._api = api

    def create(
        self,
        character_id: str,
        text: str,
        *,
        format: AudioFormat | None = None,
        speed: float | None = None,
        voice_id: str | None = None,
        language: Language | None = None,
        idempotency_key: str | None = None,
    ) -> Spoken:
        """All of it."""
        body = _body(
            character_id=character_id,
            text=text,
            audio_format=format,
            speed=speed,
            voice_id=voice_id,
            language=language,
        )
        media = self._api.media("/tts", json=body, key=idempotency_key)
        return Spoken(media.read(), media.content_type, media.credits_used, media.credits_remaining)

    def stream(
        self,
        character_id: str,
        text: str,
        *,
        format: AudioFormat | None = None,
        speed: float | None = None,
        voice_id: str | None = None,
        language: Language | None = None,
        idempotency_key: str | None = None,
    ) -> Media:
        """As soon as sound begins to come."""
        body = _body(
            character_id=character_id,
            text=text,
            audio_format=format,
            speed=speed,
            voice_id=voice_id,
            language=language,
        )
        return self._api.media("/tts", json=body, key=idempotency_key)

    def with_timestamps(
        self,
        character_id: str,
        text: str,
        *,
        format: AudioFormat | None = None,
        speed: float | None = None,
        voice_id: str | None = None,
        language: Language | None = None,
        idempotency_key: str | None = None,
    ) -> TimedSpeech:
        """All of it, with when each word, sound and mouth shape is."""
        body = _body(
            character_id=character_id,
            text=text,
            audio_format=format,
            speed=speed,
            voice_id=voice_id,
            language=language,
        )
        key = idempotency_key
        return self._api.ask(TimedSpeech, "POST", "/tts/timestamps", json=body, key=key)


def _body(
    *,
    character_id: str,
    text: str,
    audio_format: AudioFormat | None,
    speed: float | None,
    voice_id: str | None,
    language: Language | None,
) -> dict[str, Any]:
    return without_none(
        character_id=character_id,
        text=text,
        format=audio_format,
        speed=speed,
        voice_id=voice_id,
        language=language,
    )
