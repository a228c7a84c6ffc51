"""The one way to ask which voices an account may use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from charafy.kernel.errors import NotFound
from charafy.kernel.ids import stable_id
from charafy.voices.presets import PRESETS, Accent, Gender, Language, Preset


@dataclass(frozen=True, slots=True)
class VoiceInfo:
    """A voice as its users know it."""

    voice_id: str
    name: str
    language: Language
    gender: Gender
    accent: Accent
    description_en: str
    description_ja: str
    is_preset: bool
    engine_voice: str
    """The name by which the voice engine knows it."""
    sample_text: str
    sample_url: str


class Voices:
    """Preset voices are everyone's: those with a description here that the engine has."""

    def __init__(self, engine_voices: Iterable[str], base_url: str) -> None:
        spoken = frozenset(engine_voices)
        self._presets = {
            voice.voice_id: voice
            for voice in (_describe(preset, base_url) for preset in PRESETS)
            if voice.engine_voice in spoken
        }

    def available(self, account_id: str) -> list[VoiceInfo]:
        """Every voice that the account's characters may speak with, best first by language."""
        del account_id  # presets belong to all; an account's own voices will be added here
        return list(self._presets.values())

    def get(self, account_id: str, voice_id: str) -> VoiceInfo:
        """Raises `NotFound` for a voice that the account may not use."""
        for voice in self.available(account_id):
            if voice.voice_id == voice_id.lower():
                return voice
        raise NotFound("There is no such voice: GET /v1/voices lists them.")

    def preset(self, voice_id: str) -> VoiceInfo:
        """A voice that anyone may hear, without an account; raises `NotFound`."""
        try:
            return self._presets[voice_id.lower()]
        except KeyError:
            raise NotFound("There is no such voice.") from None


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
        is_preset=True,
        engine_voice=preset.engine_voice,
        sample_text=preset.sample_text,
        sample_url=f"{base_url}/api/v1/voices/{voice_id}/sample.mp3",
    )
