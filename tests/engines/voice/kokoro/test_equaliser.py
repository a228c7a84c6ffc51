"""A filter shapes what is said without delay and without seams."""

from __future__ import annotations

import numpy as np
import pytest

from charafy.engines.voice import SAMPLE_RATE
from charafy.engines.voice.kokoro.equaliser import TAPS, Equaliser, minimum_phase

HERTZ = np.array([0.0, 200.0, 1000.0, 4000.0, 12000.0])
GAINS = np.array([-6.0, 0.0, 6.0, -3.0, -12.0])


def noise(samples: int = SAMPLE_RATE) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.random.default_rng(0).normal(0.0, 0.1, samples).astype(np.float32)


def test_pieces_give_what_the_whole_gives() -> None:
    taps = minimum_phase(HERTZ, GAINS)
    whole = Equaliser(taps).feed(noise())
    pieces = Equaliser(taps)
    cut = np.split(noise(), [1, 7, 300, 5000, 5001, 20000])
    assert np.concatenate([pieces.feed(piece) for piece in cut]) == pytest.approx(whole, abs=1e-6)


def test_it_has_the_gains_that_were_asked_for() -> None:
    response = 20.0 * np.log10(np.abs(np.fft.rfft(minimum_phase(HERTZ, GAINS), 24_000)))
    for hertz in (150, 600, 1000, 2500, 6000, 9000):
        assert response[hertz] == pytest.approx(np.interp(hertz, HERTZ, GAINS), abs=1.0)


def test_it_delays_less_than_a_millisecond() -> None:
    energy = np.square(minimum_phase(HERTZ, GAINS))
    assert (energy * np.arange(TAPS)).sum() / energy.sum() < SAMPLE_RATE / 1000.0


def test_without_gains_nothing_changes() -> None:
    assert Equaliser(None).feed(noise()) is not None
    assert Equaliser(None).feed(noise()) == pytest.approx(noise())
    flat = Equaliser(minimum_phase(HERTZ, np.zeros(5)))
    assert flat.feed(noise()) == pytest.approx(noise(), abs=1e-5)


def test_nothing_gives_nothing() -> None:
    assert len(Equaliser(minimum_phase(HERTZ, GAINS)).feed(noise(0))) == 0
