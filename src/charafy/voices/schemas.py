"""What enters and leaves the routes of voices, in the contract's order; what follows is ours."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Final, Literal

from fastapi import UploadFile
from pydantic import AfterValidator, ConfigDict, Field

from charafy.engines.voice.cloning import Method
from charafy.engines.voice.cloning.quality import Quality
from charafy.kernel.clock import iso
from charafy.kernel.http.partial import PartialBody
from charafy.kernel.http.schema import Answer, Body
from charafy.kernel.http.words import no_zero_bytes, printable_name
from charafy.kernel.media.recordings import MAX_RECORDING_BYTES
from charafy.voices.models import (
    CONSENT_CHARS,
    NAME_CHARS,
    Changes,
    Consent,
    GivenBy,
    Refinement,
    VoiceInfo,
    Wanted,
)

_ID: Final = "0f6b4ae6-9a60-5f0c-8f3e-2f5b0a8f8a11"
_CLONE_ID: Final = "6c1d0b52-7a83-4c4e-9d0e-5f1b7c3a2e90"

Spoken = Literal["ja", "en"]
Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=NAME_CHARS,
        description="Name for the voice.",
        examples=["My Voice"],
    ),
    AfterValidator(printable_name),
]
Audio = Annotated[
    UploadFile,
    Field(
        description="The recording: WAV, MP3, M4A, AAC, OGG, Opus, FLAC or WebM, told by its "
        "content; at most 10 MB and 60 seconds. 5-30 seconds of one person speaking are best.",
    ),
]


class HearVoice(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"audio": "@voice-sample.mp3"}})

    audio: Audio

    def data(self) -> bytes:
        """The file, or enough of it to see that it is too large."""
        return self.audio.file.read(MAX_RECORDING_BYTES + 1)


class CloneVoice(HearVoice):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {"audio": "@voice-sample.mp3", "name": "My Voice", "language": "ja"}
        }
    )

    name: Name
    language: Spoken = Field("ja", description="Language of the voice.")
    consent: Annotated[str, AfterValidator(no_zero_bytes)] | None = Field(
        None,
        max_length=CONSENT_CHARS,
        description="That the person who speaks agrees, in their words or yours. Kept with the "
        "time and the recording's SHA-256; some servers require it.",
    )

    def wanted(self) -> Wanted:
        consent = (self.consent or "").strip()
        return Wanted(self.data(), self.name, self.language, consent or None)


def fingerprint(wanted: Wanted) -> bytes:
    """What makes two requests for a clone the same."""
    audio = hashlib.sha256(wanted.audio).hexdigest()
    return json.dumps([audio, wanted.name, wanted.language, wanted.consent]).encode()


class UpdateVoice(PartialBody):
    name: Name = ""
    language: Spoken = Field("ja", description="Language of the voice.")

    def changes(self) -> Changes:
        sent: Changes = {}
        sent.update(self.model_dump(exclude_unset=True))  # type: ignore[typeddict-item]
        return sent


class Description(Answer):
    en: str
    ja: str


class RecordingProblem(Answer):
    """Why a recording won't do, or why its clone could be better."""

    code: str = Field(
        description="no_speech, too_little_speech, music_or_noise, several_speakers, …",
        examples=["noisy"],
    )
    fatal: bool = Field(description="The recording can't be used as it is.", examples=[False])
    message: str = Field(
        description="A sentence: what is wrong and what to do about it.",
        examples=["There is some noise behind the voice; a quiet room gives a better clone."],
    )


class QualityAnswer(Answer):
    """What was measured of a recording."""

    usable: bool = Field(description="A voice can be cloned from it.", examples=[True])
    duration_s: float = Field(examples=[12.4])
    speech_s: float = Field(description="Seconds of it in which somebody speaks.", examples=[10.9])
    snr_db: float | None = Field(
        description="Speech above what is heard in the pauses; null where it can't be told.",
        examples=[31.5],
    )
    clipped: float = Field(
        description="Share of the speech that is cut off for being too loud, 0 to 1.",
        examples=[0.0],
    )
    bandwidth_hz: int = Field(
        description="How high the recording reaches; 4000 for a telephone.", examples=[11000]
    )
    level_db: float = Field(
        description="How loud the speech is, in dB of full scale.", examples=[-22.8]
    )
    speakers: int | None = Field(
        description="1, or 2 for several; null where it can't be told.", examples=[1]
    )
    problems: list[RecordingProblem]

    @classmethod
    def of(cls, quality: Quality) -> QualityAnswer:
        return cls(
            usable=quality.usable,
            duration_s=round(quality.duration_s, 2),
            speech_s=round(quality.speech_s, 2),
            snr_db=None if quality.snr_db is None else round(quality.snr_db, 1),
            clipped=round(quality.clipped, 4),
            bandwidth_hz=round(quality.bandwidth_hz),
            level_db=round(quality.level_db, 1),
            speakers=quality.speakers,
            problems=[
                RecordingProblem(code=problem.code, fatal=problem.fatal, message=problem.message)
                for problem in quality.problems
            ],
        )


SIMILARITY: Final = (
    "How close the voice comes to the recording, 0 to 1: cosine of speaker embeddings, by a model "
    "that took no part in looking for it. Two recordings of one person come to 0.7-0.85. Null "
    "where it was not measured, and for presets."
)
METHOD: Final = (
    '"matching" seeks the nearest voice that the embedded engine can speak with; "cloning" lets a '
    "model that was trained for it imitate the recording. Null for presets."
)
REFINEMENT: Final = (
    'The search for a better clone of the same recording: "waiting" or "running", then "kept" '
    '(the voice sounds closer now), "not_better" or "failed" (it stays as it was); "none" when '
    "there is no such search, null for presets."
)


class VoiceAnswer(Answer):
    voice_id: str = Field(examples=[_ID])
    name: str = Field(examples=["Hinata"])
    language: Literal["ja", "en"]
    is_preset: bool = Field(description="False for a voice that the account cloned.")
    sample_url: str = Field(description="An MP3 that anyone may play, without a key.")
    gender: Literal["female", "male"] | None = Field(description="Null for clones.")
    accent: Literal["en-US", "en-GB", "ja-JP"] | None = Field(
        description="BCP 47 tag; null for clones."
    )
    description: Description | None
    similarity: float | None = Field(description=SIMILARITY)
    method: Method | None = Field(description=METHOD)
    refinement: Refinement | None = Field(description=REFINEMENT)
    created_at: str | None

    @classmethod
    def of(cls, voice: VoiceInfo) -> VoiceAnswer:
        return cls(**fields_of(voice))


def fields_of(voice: VoiceInfo) -> dict[str, Any]:
    clone, described = voice.clone, voice.description_en
    return {
        "voice_id": voice.voice_id,
        "name": voice.name,
        "language": voice.language,
        "is_preset": voice.is_preset,
        "sample_url": voice.sample_url,
        "gender": voice.gender,
        "accent": voice.accent,
        "description": Description(en=voice.description_en, ja=voice.description_ja)
        if described
        else None,
        "similarity": clone and rounded(clone.similarity),
        "method": clone and clone.method,
        "refinement": clone and clone.refinement,
        "created_at": clone and iso(clone.created_at),
    }


def rounded(similarity: float | None) -> float | None:
    """0..1: embeddings of strangers may have a cosine below 0, which means no more than 0."""
    return None if similarity is None else round(min(1.0, max(0.0, similarity)), 3)


class VoicesAnswer(Answer):
    voices: list[VoiceAnswer]


class ConsentAnswer(Answer):
    """What was said before the voice was cloned."""

    statement: str
    given_by: GivenBy = Field(
        description="Through an API key, at the dashboard, or by the server's operator."
    )
    given_at: str
    audio_sha256: str = Field(description="Of the recording as it was sent.")

    @classmethod
    def of(cls, consent: Consent) -> ConsentAnswer:
        return cls(
            statement=consent.statement,
            given_by=consent.given_by,
            given_at=iso(consent.given_at),
            audio_sha256=consent.audio_sha256,
        )


class OneVoiceAnswer(VoiceAnswer):
    """A voice with what is known of its making; null for presets."""

    updated_at: str | None
    quality: QualityAnswer | None = Field(description="What was measured of the recording.")
    consent: ConsentAnswer | None = Field(description="Null as well if none was given.")

    @classmethod
    def whole(cls, voice: VoiceInfo, consent: Consent | None) -> OneVoiceAnswer:
        clone = voice.clone
        return cls(
            **fields_of(voice),
            updated_at=clone and iso(clone.updated_at),
            quality=clone and QualityAnswer.model_validate(clone.quality),
            consent=consent and ConsentAnswer.of(consent),
        )


class ClonedVoice(Answer):
    """A voice that was just cloned."""

    voice_id: str = Field(examples=[_CLONE_ID])
    name: str = Field(examples=["My Voice"])
    sample_url: str = Field(description="An MP3 that anyone may play, without a key.")
    credits_used: int = Field(examples=[100])
    credits_remaining: int = Field(examples=[900])
    language: Literal["ja", "en"]
    similarity: float | None = Field(description=SIMILARITY, examples=[0.74])
    method: Method = Field(description=METHOD)
    refinement: Refinement = Field(description=REFINEMENT)
    quality: QualityAnswer

    @classmethod
    def of(cls, voice: VoiceInfo, credits_used: int, credits_remaining: int) -> ClonedVoice:
        clone = voice.clone
        assert clone is not None
        return cls(
            voice_id=voice.voice_id,
            name=voice.name,
            sample_url=voice.sample_url,
            credits_used=credits_used,
            credits_remaining=credits_remaining,
            language=voice.language,
            similarity=rounded(clone.similarity),
            method=clone.method,
            refinement=clone.refinement,
            quality=QualityAnswer.model_validate(clone.quality),
        )


class DeletedVoice(Answer):
    voice_id: str = Field(examples=[_CLONE_ID])
    deleted: bool = True
