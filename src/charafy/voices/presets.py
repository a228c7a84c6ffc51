"""The preset voices: what people call the engine's voices and how they are described.

English voices keep the names they are known by; the Japanese ones are named after recordings
(a fox, a mouse, a spider), so they get names of people. Within a language the order is best
first, by the grades that the model's authors published for their voices. Descriptions follow what
was measured on the same text for all: median pitch, its range, tempo and spectral centroid.
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
    _english(
        "af_heart",
        "Clear and natural; the finest voice of all.",
        "澄んだ自然な声。全体でいちばん質の高い声です。",
    ),
    _english("af_bella", "Clear and even, unhurried.", "澄んで落ち着いた、ゆったりした声。"),
    _english("bf_emma", "Bright and even.", "明るく、抑揚のひかえめな声。"),
    _english("am_michael", "Clear middle voice, unhurried.", "澄んだ中音の、ゆったりした声。"),
    _english("am_fenrir", "Light voice with lively intonation.", "軽やかで抑揚の豊かな声。"),
    _english("am_puck", "Middle voice with some play in it.", "中音で表情のある声。"),
    _english("af_aoede", "Soft middle voice.", "やわらかな中音の声。"),
    _english("af_kore", "Low voice with lively intonation.", "低めで抑揚の豊かな声。"),
    _english("af_sarah", "Bright voice with lively intonation.", "明るく抑揚の豊かな声。"),
    _english(
        "af_nicole",
        "Close to a whisper: slow and breathy.",
        "ささやくような、ゆっくりした息まじりの声。",
    ),
    _english("bm_george", "Clear, light voice, unhurried.", "澄んだ軽めの、ゆったりした声。"),
    _english(
        "bm_fable",
        "Soft middle voice with the wide intonation of a storyteller.",
        "やわらかな中音で、物語るように抑揚の大きな声。",
    ),
    _english("bf_isabella", "High, bright and even.", "高めで明るく、落ち着いた調子の声。"),
    _english("af_nova", "Low and soft.", "低めでやわらかな声。"),
    _english("af_alloy", "Low, soft and steady.", "低めでやわらかく、安定した声。"),
    _english("af_sky", "Low and soft, with some melody.", "低めでやわらかく、ほどよい抑揚の声。"),
    _english("bm_lewis", "Deep and unhurried.", "低く深い、ゆったりした声。"),
    _english("bm_daniel", "Even middle voice, brisk.", "抑揚ひかえめの中音で、きびきびした声。"),
    _english("bf_alice", "High voice with lively intonation.", "高めで抑揚の豊かな声。"),
    _english("bf_lily", "Middle voice with lively intonation.", "中音で抑揚の豊かな声。"),
    _english("am_eric", "Light, lively and quick.", "軽やかで生き生きした、速めの声。"),
    _english("am_liam", "Middle voice, lively and brisk.", "中音で抑揚の豊かな、きびきびした声。"),
    _english("am_onyx", "Very deep, soft and even.", "とても低く、やわらかで落ち着いた声。"),
    _english("am_echo", "Low and soft, with lively intonation.", "低くやわらかで、抑揚のある声。"),
    _english("af_jessica", "High and quick.", "高めで速めの声。"),
    _english("af_river", "Even middle voice, brisk.", "抑揚ひかえめの中音で、歯切れのよい声。"),
    _english("am_santa", "Theatrical, with wide intonation.", "芝居がかった、抑揚の大きな声。"),
    _english("am_adam", "Even middle voice.", "抑揚ひかえめの中音の声。"),
    Preset(
        "jf_alpha",
        "Hinata",
        "ひなた",
        "High, bright and clear; the finest Japanese voice.",
        "高く明るい、澄んだ声。日本語でいちばん質の高い声です。",
    ),
    Preset(
        "jf_gongitsune",
        "Akane",
        "あかね",
        "Calm and soft, unhurried: good for reading aloud.",
        "落ち着いたやわらかな声。朗読に向いています。",
    ),
    Preset(
        "jf_tebukuro",
        "Yuki",
        "ゆき",
        "Gently paced: good for stories.",
        "ゆったりした調子で、物語に向いた声。",
    ),
    Preset(
        "jm_kumo",
        "Kazuma",
        "かずま",
        "Deep, soft and unhurried.",
        "低くやわらかな、ゆったりした声。",
    ),
    Preset(
        "jf_nezumi",
        "Chiyo",
        "ちよ",
        "Calm and even, gently paced.",
        "落ち着いて抑揚のひかえめな、ゆったりした声。",
    ),
)
