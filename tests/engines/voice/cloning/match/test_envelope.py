"""The difference of two spectra is found, within limits, and leaves the very top alone."""

from __future__ import annotations

import numpy as np
import pytest

from charafy.engines.voice import SAMPLE_RATE, Pcm
from charafy.engines.voice.cloning.match.envelope import (
    BANDS,
    HIGHEST_HZ,
    LIMIT_DB,
    centres_hz,
    difference_db,
)
from charafy.engines.voice.kokoro.equaliser import Equaliser, minimum_phase
from tests.support.listening import recorded


def shaped(pcm: Pcm, gains: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Pcm:
    return Equaliser(minimum_phase(centres_hz(), gains)).feed(pcm)


def test_a_recording_equals_itself() -> None:
    pcm = recorded("sonnet.flac")
    assert difference_db(pcm, pcm) == pytest.approx(np.zeros(BANDS), abs=1e-6)


def test_what_a_filter_did_is_found_again() -> None:
    pcm = recorded("sonnet.flac")
    tilt = np.linspace(-6.0, 6.0, BANDS)
    found = difference_db(shaped(pcm, tilt), pcm)
    hertz = centres_hz()
    middle = (hertz > 300.0) & (hertz < 5000.0)
    assert np.ptp((found - tilt)[middle]) < 2.5


def test_half_the_strength_is_half_the_gain() -> None:
    one, other = recorded("sonnet.flac"), recorded("sensibility.flac")
    hertz = centres_hz()
    middle = (hertz > 300.0) & (hertz < 3000.0)
    whole, half = (difference_db(one, other, strength)[middle] for strength in (1.0, 0.5))
    inside = np.abs(whole) < LIMIT_DB
    assert half[inside] == pytest.approx(whole[inside] / 2.0)


def test_gains_are_limited_and_nothing_is_added_at_the_top() -> None:
    noise = np.random.default_rng(0).normal(0.0, 0.1, 2 * SAMPLE_RATE).astype(np.float32)
    dull = shaped(noise, np.where(centres_hz() > 3000.0, -40.0, 0.0))
    gains = difference_db(noise, dull)
    assert np.abs(gains).max() <= LIMIT_DB
    assert gains[centres_hz() > HIGHEST_HZ].max() <= 0.0
