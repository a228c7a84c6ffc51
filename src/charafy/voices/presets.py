"""The preset voices: what people call the engine's voices and how they are described.

English voices keep the names they are known by; the Japanese ones are named after recordings
(a fox, a mouse, a spider), so they get names of people. Within a language the order is best
first, by the grades that the model's authors published for their voices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "ja"]
Gender = Literal["female", "male"]
Accent = Literal["en-US", "en-GB", "ja-JP"]


@dataclass(frozen=True, slots=True)
class Preset:
    engine_voice: str
    """The engine's own name: language or accent, gender, name (`bm_george`)."""
    name: str
    spoken_name: str
    """The name as the voice says it of itself."""
    description_en: str
    description_ja: str

    @property
    def language(self) -> Language:
        return "ja" if self.engine_voice.startswith("j") else "en"

    @property
    def gender(self) -> Gender:
        return "female" if self.engine_voice[1] == "f" else "male"

    @property
    def accent(self) -> Accent:
        accents: dict[str, Accent] = {"a": "en-US", "b": "en-GB", "j": "ja-JP"}
        return accents[self.engine_voice[0]]

    @property
    def sample_text(self) -> str:
        """What the voice says in its sample: a question, a number and a pause show its manner."""
        if self.language == "ja":
            return f"こんにちは、{self.spoken_name}です。今日はどんなお話をしましょうか。"
        return f"Hello, I'm {self.spoken_name}. What shall we talk about today?"


def _english(engine_voice: str, description_en: str, description_ja: str) -> Preset:
    name = engine_voice[3:].capitalize()
    return Preset(engine_voice, name, name, description_en, description_ja)


PRESETS: tuple[Preset, ...] = (
    _english("af_heart", "", ""),
    _english("af_bella", "", ""),
    _english("bf_emma", "", ""),
    _english("am_michael", "", ""),
    _english("am_fenrir", "", ""),
    _english("am_puck", "", ""),
    _english("af_aoede", "", ""),
    _english("af_kore", "", ""),
    _english("af_sarah", "", ""),
    _english("af_nicole", "", ""),
    _english("bm_george", "", ""),
    _english("bm_fable", "", ""),
    _english("bf_isabella", "", ""),
    _english("af_nova", "", ""),
    _english("af_alloy", "", ""),
    _english("af_sky", "", ""),
    _english("bm_lewis", "", ""),
    _english("bm_daniel", "", ""),
    _english("bf_alice", "", ""),
    _english("bf_lily", "", ""),
    _english("am_eric", "", ""),
    _english("am_liam", "", ""),
    _english("am_onyx", "", ""),
    _english("am_echo", "", ""),
    _english("af_jessica", "", ""),
    _english("af_river", "", ""),
    _english("am_santa", "", ""),
    _english("am_adam", "", ""),
    Preset("jf_alpha", "Hinata", "ひなた", "", ""),
    Preset("jf_gongitsune", "Akane", "あかね", "", ""),
    Preset("jf_tebukuro", "Yuki", "ゆき", "", ""),
    Preset("jm_kumo", "Kazuma", "かずま", "", ""),
    Preset("jf_nezumi", "Chiyo", "ちよ", "", ""),
)
