"""What is set aside for a text covers what it takes to say it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest

from bench.sentences import ENGLISH, JAPANESE
from charafy.engines.voice import SAMPLE_RATE, Clause, Language, Spoken
from charafy.engines.voice.kokoro import stock_styles
from charafy.engines.voice.kokoro.acoustic import FRAME, Acoustics
from charafy.engines.voice.kokoro.timeline import script
from charafy.engines.voice.scripted import ScriptedVoice
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.weights import Store
from charafy.kernel.settings import Prices
from charafy.videos.estimate import longest_s, price

SHORT = ("Yes.", "No!", "A", "Hmm...", "Wait: really? Yes; truly!", "Call 555-0199 at 10:45.")
SHORT_JA = ("はい。", "あ", "えーと、そうですね。", "2026年11月22日です。")
VOICES = ("af_heart", "af_alloy", "am_michael", "bm_fable", "jf_alpha", "jf_gongitsune")
GAP_S = 0.3
"""The longest silence that the voice itself puts between clauses."""


def texts() -> Iterator[tuple[str, Language]]:
    yield from ((text, "en") for text in (*ENGLISH, *SHORT))
    yield from ((text, "ja") for text in (*JAPANESE, *SHORT_JA))


@pytest.mark.slow
def test_the_hold_nearly_always_covers_what_the_real_voice_takes() -> None:
    folder = os.environ.get("CHARAFY_MODELS") or str(
        Path(platformdirs.user_cache_dir("charafy", appauthor=False)) / "models"
    )
    model = Store(Path(folder)).ensure("kokoro")
    acoustics = Acoustics(model, model.parent, threads=1)
    front_end, styles = TextFrontEnd(), stock_styles()
    covered, over = [], []
    for number, (text, language) in enumerate(texts()):
        voices = [name for name in VOICES if (name[0] == "j") == (language == "ja")]
        name, speed = voices[number % len(voices)], (0.5, 1.0, 1.0, 2.0)[number % 4]
        clauses = list(front_end.clauses(text, language))
        took_s = 0.0
        for clause in clauses:  # durations alone: they are known before anything is heard
            symbols = script(clause).symbols
            style = styles[name]
            said = acoustics.plan(symbols, style.row(len(symbols)), speed, style.pitch)
            first, last = said.sounding
            took_s += (last - first) * FRAME / SAMPLE_RATE + GAP_S / speed + clause.pause_s
        estimate_s = longest_s(clauses, speed)
        covered.append(math.ceil(took_s) <= math.ceil(estimate_s))
        over.append(estimate_s / took_s)

    assert len(covered) >= 40
    assert sum(covered) >= 0.97 * len(covered)
    assert 1.0 < sorted(over)[len(over) // 2] < 1.5  # nor is much more set aside than is needed


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_the_hold_always_covers_the_voice_of_tones(speed: float) -> None:
    voice, front_end = ScriptedVoice(["af_heart"]), TextFrontEnd()
    for text, language in texts():
        pcm = sum(len(c.pcm) for c in voice.speak(text, "af_heart", language, speed))
        estimate_s = longest_s(front_end.clauses(text, language), speed)
        assert pcm / SAMPLE_RATE <= math.ceil(estimate_s), text


def test_pauses_that_the_text_asks_for_are_counted_whole() -> None:
    word = Spoken("Hi", "hI", False, 0, 2)
    plain = longest_s([Clause((word,), "en")], 2.0)
    assert longest_s([Clause((word,), "en", pause_s=3.0)], 2.0) == pytest.approx(plain + 3.0)


@pytest.mark.parametrize(
    ("seconds", "credits"),
    [(0.0, 6), (0.4, 6), (1.0, 6), (1.0004, 6), (1.01, 12), (13.9, 84), (14.0, 84), (600.0, 3_600)],
)
def test_every_started_second_is_paid_and_at_least_one(seconds: float, credits: int) -> None:
    assert price(Prices(), seconds) == credits
