"""What enters and leaves the voices feature: frozen values, never rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypedDict

from charafy.engines.voice.cloning import Method
from charafy.voices.presets import Accent, Gender, Language

NAME_CHARS: Final = 100
CONSENT_CHARS: Final = 2_000

Refinement = Literal["none", "waiting", "running", "kept", "not_better", "failed"]
"""What becomes of the search for a better clone of the same recording."""
GivenBy = Literal["key", "session", "operator"]
"""Through an API key, by a person at the dashboard, on the server's own command line."""


@dataclass(frozen=True, slots=True)
class Clone:
    """What only a cloned voice has."""

    account_id: str
    method: Method
    similarity: float | None
    refinement: Refinement
    quality: Mapping[str, Any]
    """Of the recording, as `QualityAnswer` says it."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class VoiceInfo:
    """A voice as its users know it."""

    voice_id: str
    name: str
    language: Language
    gender: Gender | None
    """Known of presets alone, as is the accent."""
    accent: Accent | None
    description_en: str
    """Empty for a clone."""
    description_ja: str
    engine_voice: str
    """The name by which the voice engine knows it; of a clone, where its file lies."""
    sample_text: str
    sample_url: str
    clone: Clone | None = None

    @property
    def is_preset(self) -> bool:
        return self.clone is None


@dataclass(frozen=True, slots=True)
class Consent:
    """That a voice may be cloned: what was said, of which recording, by whom and when."""

    voice_id: str
    account_id: str
    statement: str
    audio_sha256: str
    given_by: GivenBy
    key_id: str | None
    given_at: datetime
    voice_deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A voice that somebody wants to have cloned."""

    audio: bytes
    """The file as it was sent."""
    name: str
    language: Language
    consent: str | None


class Changes(TypedDict, total=False):
    """What an update sets; what is missing stays."""

    name: str
    language: Language


def folder(voice_id: str) -> str:
    """Where everything of a voice lies in storage."""
    return f"voices/{voice_id}/"
