"""Mouth shapes from audio alone: the right ones mostly, rest in silence, whatever the recording."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from numpy.typing import NDArray

from charafy.engines.portrait import CHANNELS
from charafy.engines.portrait.motion import track
from charafy.engines.voice import SAMPLE_RATE, Language
from charafy.engines.voice.heard import heard, shipped
from charafy.engines.voice.heard.features import BANDS, log_mel, normalised
from charafy.engines.voice.kokoro import KokoroVoice, stock_styles
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.voice.visemes import Viseme, trim_to_sound, visemes
from charafy.engines.weights import Store

Pcm = NDArray[np.float32]
OPEN = CHANNELS.index("open")


def said(text: str, name: str, language: Language) -> tuple[Pcm, tuple[Viseme, ...]]:
    """A sentence by a voice that training never heard, and its exact mouth shapes."""
    folder = os.environ.get("CHARAFY_MODELS") or str(
        Path(platformdirs.user_cache_dir("charafy", appauthor=False)) / "models"
    )
    model = Store(Path(folder)).ensure("kokoro")
    voice = KokoroVoice(model, stock_styles(), TextFrontEnd(), model.parent, 1)
    chunks = list(voice.speak(text, name, language))
    pcm = np.concatenate([chunk.pcm for chunk in chunks])
    exact = visemes([m for c in chunks for m in c.marks], len(pcm) / SAMPLE_RATE)
    return pcm, trim_to_sound(exact, pcm, SAMPLE_RATE)


@pytest.fixture(scope="module")
def japanese() -> tuple[Pcm, tuple[Viseme, ...]]:
    return said("お荷物は昨日届きましたので、受付で受け取れます。", "jf_alpha", "ja")


@pytest.fixture(scope="module")
def english() -> tuple[Pcm, tuple[Viseme, ...]]:
    text = "Thank you so much for waiting, everything is ready now. "
    text += "Would you like to hear the news or some quiet music? I wish you a lovely holiday."
    return said(text, "af_heart", "en")


def opening(shapes: tuple[Viseme, ...], duration_s: float) -> NDArray[np.float32]:
    return track(shapes, duration_s).table(50)[:, OPEN]


def agreement(pcm: Pcm, rate: int, exact: tuple[Viseme, ...]) -> float:
    """Correlation of the openings."""
    duration_s = len(pcm) / rate
    ours, wanted = opening(heard(pcm, rate), duration_s), opening(exact, duration_s)
    return float(np.corrcoef(ours, wanted)[0, 1])


def hum(seconds: float, rate: int = 16_000) -> Pcm:
    times = np.arange(round(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * 140 * times)).astype(np.float32)


@pytest.mark.parametrize(("fixture", "least"), [("english", 0.5), ("japanese", 0.65)])
def test_the_mouth_opens_as_for_the_words_that_were_said(
    fixture: str, least: float, request: pytest.FixtureRequest
) -> None:
    pcm, exact = request.getfixturevalue(fixture)
    found = agreement(pcm, SAMPLE_RATE, exact)
    assert found > least
    assert agreement(np.roll(pcm, SAMPLE_RATE), SAMPLE_RATE, exact) < 0.6 * found


def test_neither_gain_nor_noise_nor_another_rate_upset_it(
    japanese: tuple[Pcm, tuple[Viseme, ...]],
) -> None:
    pcm, exact = japanese
    clean = agreement(pcm, SAMPLE_RATE, exact)
    noise = np.random.default_rng(1).standard_normal(len(pcm)).astype(np.float32)
    hissing = 0.05 * pcm + noise * np.sqrt(np.square(0.05 * pcm).mean()) * 10 ** (-25 / 20)
    assert agreement(0.05 * pcm, SAMPLE_RATE, exact) == pytest.approx(clean, abs=0.05)
    assert agreement(hissing, SAMPLE_RATE, exact) > clean - 0.2
    slower = np.interp(np.arange(0, len(pcm), 1.5), np.arange(len(pcm)), pcm).astype(np.float32)
    assert agreement(slower, 16_000, exact) > clean - 0.15


def test_silence_is_rest(japanese: tuple[Pcm, tuple[Viseme, ...]]) -> None:
    pcm, _ = japanese
    quiet = np.zeros(SAMPLE_RATE, np.float32)
    shapes = heard(np.concatenate([quiet, pcm, quiet]), SAMPLE_RATE)
    assert shapes[0].shape == shapes[-1].shape == "sil"
    assert 0.9 < shapes[0].end_s < 1.3
    assert 0.8 < shapes[-1].end_s - shapes[-1].start_s < 1.4


@pytest.mark.parametrize(
    "pcm",
    [
        hum(0.7),
        np.zeros(16_000, np.float32),
        np.full(5_000, np.nan, np.float32),
        np.random.default_rng(2).uniform(-1, 1, 16_000).astype(np.float32),
        np.ones(7, np.float32),
    ],
    ids=["hum", "silence", "not numbers", "noise", "seven samples"],
)
def test_any_sound_is_covered_without_gap_or_overlap(pcm: Pcm) -> None:
    shapes = heard(pcm, 16_000)
    assert shapes[0].start_s == 0.0
    assert shapes[-1].end_s == pytest.approx(len(pcm) / 16_000)
    for before, after in itertools.pairwise(shapes):
        assert before.end_s == after.start_s
    assert all(v.end_s > v.start_s for v in shapes)


def test_no_sound_has_no_shapes() -> None:
    assert heard(np.zeros(0, np.float32), 16_000) == ()


@pytest.mark.parametrize("rate", [4_000, 400_000])
def test_impossible_rates_are_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="Hz"):
        heard(np.zeros(100, np.float32), rate)


def test_a_long_recording_gives_the_same_as_its_parts_see(
    japanese: tuple[Pcm, tuple[Viseme, ...]],
) -> None:
    """Work is done by chunks; no seam may show."""
    frames = normalised(log_mel(np.tile(japanese[0], 30), SAMPLE_RATE))
    network = shipped()
    whole = network.logits(frames)
    assert len(whole) > 6_500
    around = network.logits(frames[5_900:6_100])
    assert np.allclose(whole[5_920:6_080], around[20:180], atol=1e-4)


def test_features_of_any_rate_are_alike() -> None:
    low, high = log_mel(hum(1.0, 16_000), 16_000), log_mel(hum(1.0, 48_000), 48_000)
    assert low.shape == high.shape == (100, BANDS)
    assert np.abs(low[10:90, :8] - high[10:90, :8]).max() < 0.7


def test_a_minute_costs_little(japanese: tuple[Pcm, tuple[Viseme, ...]]) -> None:
    minute = np.resize(japanese[0], 60 * SAMPLE_RATE)
    began = time.thread_time()
    heard(minute, SAMPLE_RATE)
    assert time.thread_time() - began < 60 * 0.02
