"""The one way to ask which voices an account may use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import NotFound
from charafy.kernel.ids import stable_id
from charafy.voices import queries
from charafy.voices.models import VoiceInfo
from charafy.voices.presets import PRESETS, Language, Preset
from charafy.voices.queries import Row

SAMPLES: Final[Mapping[Language, str]] = MappingProxyType(
    {
        "en": "Hello! This is how I sound. What shall we talk about today?",
        "ja": "こんにちは。これが私の声です。今日はどんなお話をしましょうか。",
    }
)
"""What clones say. Their names are for those who made them, and nothing to be said aloud."""


class Voices:
    """Presets are everyone's: those with a description here that the engine has. Clones are for
    the account that made them. Thread-safe.
    """

    def __init__(self, db: Database, engine_voices: Iterable[str], base_url: str) -> None:
        spoken = frozenset(engine_voices)
        self._db = db
        self._base_url = base_url
        self._presets = {
            voice.voice_id: voice
            for voice in (_describe(preset, base_url) for preset in PRESETS)
            if voice.engine_voice in spoken
        }

    def available(self, account_id: str) -> list[VoiceInfo]:
        """Every voice that the account's characters may speak with.

        Presets, best first by language, then its own, newest first.
        """
        with self._db.read() as tx:
            own = queries.all_of(tx, account_id)
        return [*self._presets.values(), *map(self.of, own)]

    def get(self, account_id: str, voice_id: str) -> VoiceInfo:
        """Raises `NotFound` for a voice that the account may not use."""
        if preset := self._presets.get(voice_id.lower()):
            return preset
        with self._db.read() as tx:
            return self.require(tx, account_id, voice_id)

    def require(self, tx: Tx, account_id: str, voice_id: str) -> VoiceInfo:
        """As `get`, within a unit of work."""
        if preset := self._presets.get(voice_id.lower()):
            return preset
        row = queries.owned(tx, account_id, voice_id)
        if row is None:
            raise NotFound("There is no such voice: GET /v1/voices lists them.", param="voice_id")
        return self.of(row)

    def audible(self, voice_id: str) -> VoiceInfo:
        """A voice that anyone may hear who knows its id, without an account; raises `NotFound`."""
        if preset := self._presets.get(voice_id.lower()):
            return preset
        with self._db.read() as tx:
            row = queries.find(tx, voice_id)
        if row is None:
            raise NotFound("There is no such voice.", param="voice_id")
        return self.of(row)

    def is_preset(self, voice_id: str) -> bool:
        return voice_id.lower() in self._presets

    def of(self, row: Row) -> VoiceInfo:
        """A clone as its users know it."""
        return VoiceInfo(
            voice_id=row.voice_id,
            name=row.name,
            language=row.language,
            gender=None,
            accent=None,
            description_en="",
            description_ja="",
            engine_voice=row.engine_voice,
            sample_text=SAMPLES[row.language],
            sample_url=_sample_url(self._base_url, row.voice_id),
            clone=row.clone,
        )


def preset_id(engine_voice: str) -> str:
    """The id of a preset voice: the same on every server."""
    return stable_id("voice", engine_voice)


def _describe(preset: Preset, base_url: str) -> VoiceInfo:
    voice_id = preset_id(preset.engine_voice)
    return VoiceInfo(
        voice_id=voice_id,
        name=preset.name,
        language=preset.language,
        gender=preset.gender,
        accent=preset.accent,
        description_en=preset.description_en,
        description_ja=preset.description_ja,
        engine_voice=preset.engine_voice,
        sample_text=preset.sample_text,
        sample_url=_sample_url(base_url, voice_id),
    )


def _sample_url(base_url: str, voice_id: str) -> str:
    return f"{base_url}/api/v1/voices/{voice_id}/sample.mp3"
