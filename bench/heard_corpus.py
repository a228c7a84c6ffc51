"""Speech with exact mouth shapes, as much as is asked for: to train and to judge `voice.heard`.

Sentences to train on are nonsense made of dictionary words and of kana, the same for the same
seed; those to judge by are the evaluation sentences, in voices that training never heard.
"""

from __future__ import annotations

import importlib.resources
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.sentences import ENGLISH, JAPANESE
from charafy.engines.voice import Language, Mark, Pcm, Voice
from charafy.engines.voice.kokoro import KokoroVoice, stock_styles
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.voice.visemes import Viseme, visemes
from charafy.engines.weights import Store
from charafy.kernel.settings import Settings

HELD_OUT: Final = ("af_heart", "am_michael", "bf_emma", "jf_alpha", "jm_kumo")
"""Voices that are only judged by."""

_SMALL_WORDS: Final = (
    "the a of and to in is it that was for on are with they be at one have this from by hot but "
    "some what there we can out other were all your when up use how said each she which do their "
    "if will way about many then them would like so these her him has two more very"
)
_ROWS: Final = (
    "アイウエオ カキクケコ サシスセソ タチツテト ナニヌネノ ハヒフヘホ マミムメモ ヤユヨ "
    "ラリルレロ ワ ガギグゲゴ ザジズゼゾ ダデド バビブベボ パピプペポ "
    "キャキュキョ シャシュショ チャチュチョ"
)
_PARTICLES: Final = ("は", "が", "を", "に", "で", "と", "も", "の", "から", "まで")
_ENDINGS: Final = ("です。", "ます。", "でした。", "ますか。", "だよね。", "ください。")


@dataclass(frozen=True, slots=True)
class Speech:
    voice: str
    language: Language
    pcm: Pcm
    marks: tuple[Mark, ...]

    @property
    def visemes(self) -> tuple[Viseme, ...]:
        return visemes(self.marks, len(self.pcm) / 24_000)


def to_train(count: int, seed: int = 1) -> Iterator[Speech]:
    chance = random.Random(seed)
    voice = kokoro()
    words = _dictionary()
    names = [name for name in voice.voices if name not in HELD_OUT]
    for number in range(count):
        name = names[number % len(names)]
        japanese = name.startswith("j") or chance.random() < 0.4
        text = _japanese(chance) if japanese else _english(chance, words)
        yield _spoken(voice, text, name, "ja" if japanese else "en", chance.uniform(0.8, 1.35))


def to_judge() -> Iterator[Speech]:
    voice = kokoro()
    for number, text in enumerate(ENGLISH[:15]):
        yield _spoken(voice, text, HELD_OUT[number % 3], "en", 1.0)
    for number, text in enumerate(JAPANESE[:14]):
        yield _spoken(voice, text, HELD_OUT[3 + number % 2], "ja", 1.0)


def kokoro() -> Voice:
    """The stock voices, one thread, American throughout."""
    model = Store(Settings().models).ensure("kokoro")
    return KokoroVoice(model, stock_styles(), TextFrontEnd(), model.parent, 1)


def _spoken(voice: Voice, text: str, name: str, language: Language, speed: float) -> Speech:
    chunks = list(voice.speak(text, name, language, speed))
    pcm = np.concatenate([chunk.pcm for chunk in chunks])
    return Speech(name, language, pcm, tuple(m for chunk in chunks for m in chunk.marks))


def _dictionary() -> tuple[str, ...]:
    path = importlib.resources.files("misaki.data") / "us_gold.json"
    every = json.loads(path.read_bytes())
    return tuple(
        w for w in every if w.isascii() and w.isalpha() and w.islower() and 2 < len(w) < 10
    )


def _english(chance: random.Random, words: tuple[str, ...]) -> str:
    said = []
    for _ in range(chance.randint(4, 8)):
        said += [chance.choice(_SMALL_WORDS.split())] * (chance.random() < 0.6) + [
            chance.choice(words)
        ]
    if chance.random() < 0.6:
        said[len(said) // 2] += chance.choice([",", ",", ".", ";"])
    return " ".join(said).capitalize() + chance.choice(["."] * 4 + ["?", "!"])


def _japanese(chance: random.Random) -> str:
    said = ""
    for _ in range(chance.randint(3, 5)):
        said += "".join(_mora(chance) for _ in range(chance.randint(2, 4)))
        said += chance.choice(_PARTICLES) + "、" * (chance.random() < 0.15)
    return said + chance.choice(_ENDINGS)


def _mora(chance: random.Random) -> str:
    row = chance.choice(_ROWS.split())
    size = 2 if row[1:2] in ("ャ", "ュ", "ョ") else 1
    at = chance.randrange(len(row) // size) * size
    return row[at : at + size] + chance.choice([""] * 8 + ["ー", "ン", "ッ"])
