"""Pitch is found from the deepest to the highest voices, and not where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from charafy.engines.voice import SAMPLE_RATE, Pcm
from charafy.engines.voice.cloning.match.pitch import HOP, median_hz, track
from tests.support.listening import recorded


def buzz(hertz: float, seconds: float = 1.0, glide: float = 0.0) -> Pcm:
    """A source with many harmonics; `glide` octaves per second."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    rate = hertz * 2.0 ** (glide * time)
    phase = 2.0 * np.pi * np.cumsum(rate) / SAMPLE_RATE
    harmonics = np.sum([np.sin(n * phase) / n for n in range(1, 12)], axis=0)
    return np.asarray(0.2 * harmonics, np.float32)


@pytest.mark.parametrize("hertz", [70.0, 110.0, 180.0, 290.0, 400.0])
def test_a_steady_voice_is_told_to_one_percent(hertz: float) -> None:
    assert median_hz(buzz(hertz)) == pytest.approx(hertz, rel=0.01)


def test_a_glide_is_followed() -> None:
    hertz = track(buzz(120.0, glide=1.0))
    inside = slice(8, -8)
    wanted = 120.0 * 2.0 ** ((np.arange(len(hertz)) + 0.5) * HOP / SAMPLE_RATE)
    assert np.median(np.abs(hertz[inside] / wanted[inside] - 1.0)) < 0.02


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(0.0, 0.1, SAMPLE_RATE).astype(np.float32)
    assert median_hz(noise) is None
    assert median_hz(np.zeros(SAMPLE_RATE, np.float32)) is None
    assert median_hz(np.zeros(0, np.float32)) is None


def test_the_level_does_not_matter() -> None:
    pcm = recorded("sonnet.flac")
    assert median_hz(pcm * np.float32(0.02)) == pytest.approx(median_hz(pcm), rel=0.03)


def test_people_speak_in_their_registers() -> None:
    low, high = median_hz(recorded("sensibility.flac")), median_hz(recorded("mahiruma.mp3"))
    assert low is not None
    assert high is not None
    assert 80.0 < low < 140.0
    assert 180.0 < high < 280.0
