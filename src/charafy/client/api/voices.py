"""Voices, and how they are cloned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from charafy.client.api.given import OMITTED, Omitted, Source, content, without_omitted
from charafy.client.api.pages import Pages
from charafy.client.api.transport import Transport, at
from charafy.client.api.values import Language

Method = Literal["matching", "cloning"]
Refinement = Literal["none", "waiting", "running", "kept", "not_better", "failed"]


@dataclass(frozen=True, slots=True)
class Description:
    en: str
    ja: str


@dataclass(frozen=True, slots=True)
class Voice:
    """`similarity` to the recording (cosine), `method` and `refinement`: of clones."""

    voice_id: str
    name: str
    language: Language
    is_preset: bool
    sample_url: str
    gender: Literal["female", "male"] | None
    accent: Literal["en-US", "en-GB", "ja-JP"] | None
    description: Description | None
    similarity: float | None
    method: Method | None
    refinement: Refinement | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class RecordingProblem:
    code: str
    fatal: bool
    message: str


@dataclass(frozen=True, slots=True)
class RecordingQuality:
    usable: bool
    duration_s: float
    speech_s: float
    snr_db: float | None
    clipped: float
    bandwidth_hz: int
    level_db: float
    speakers: int | None
    problems: tuple[RecordingProblem, ...]


@dataclass(frozen=True, slots=True)
class Consent:
    statement: str
    given_by: Literal["key", "session", "operator"]
    given_at: datetime
    audio_sha256: str


@dataclass(frozen=True, slots=True)
class VoiceDetail(Voice):
    updated_at: datetime | None
    quality: RecordingQuality | None
    consent: Consent | None


@dataclass(frozen=True, slots=True)
class ClonedVoice:
    voice_id: str
    name: str
    sample_url: str
    credits_used: int
    credits_remaining: int
    language: Language
    similarity: float | None
    method: Method
    refinement: Refinement
    quality: RecordingQuality


@dataclass(frozen=True, slots=True)
class DeletedVoice:
    voice_id: str
    deleted: bool


class Voices:
    def __init__(self, api: Transport) -> None:
        self._api = api

    def list(self) -> Pages[Voice]:
        """Presets and those cloned."""
        return self._api.pages(Voice, "/voices", "voices")

    def get(self, voice_id: str) -> VoiceDetail:
        return self._api.ask(VoiceDetail, "GET", at("/voices/{}", voice_id))

    def clone(
        self,
        audio: Source,
        *,
        name: str,
        language: Language | None = None,
        consent: str | None = None,
        idempotency_key: str | None = None,
    ) -> ClonedVoice:
        """`audio`: a file's content or path. `consent`: that the person who speaks agrees."""
        given = {"name": name, "language": language, "consent": consent}
        return self._api.ask(
            ClonedVoice,
            "POST",
            "/voice/clone",
            fields={field: value for field, value in given.items() if value is not None},
            file=("audio", content(audio)),
            key=idempotency_key,
        )

    def preview(self, audio: Source) -> RecordingQuality:
        """Whether a voice can be cloned of it; costs nothing."""
        return self._api.ask(
            RecordingQuality, "POST", "/voice/preview", file=("audio", content(audio))
        )

    def sample(self, voice_id: str) -> bytes:
        """A sentence in this voice, as MP3."""
        return self._api.read(at("/voices/{}/sample.mp3", voice_id)).read()

    def update(
        self,
        voice_id: str,
        *,
        name: str | Omitted = OMITTED,
        language: Language | Omitted = OMITTED,
    ) -> Voice:
        body = without_omitted(name=name, language=language)
        return self._api.ask(Voice, "PATCH", at("/voices/{}", voice_id), json=body)

    def delete(self, voice_id: str) -> DeletedVoice:
        return self._api.ask(DeletedVoice, "DELETE", at("/voices/{}", voice_id))
