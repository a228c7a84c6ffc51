"""What the timbre could not give: the mean spectrum of a recording beside that of the clone."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import SAMPLE_RATE, Pcm

Floats = NDArray[np.float64]

BANDS: Final = 40
LIMIT_DB: Final = 12.0
HIGHEST_HZ: Final = 7500.0
"""Above, recordings differ by their microphone and codec more than by their speaker: what is
missing there is taken away as well, but nothing is added."""

_SIZE: Final = 1024
_HOP: Final = 256
_DEPTH_DB: Final = 25.0
"""Frames that much below the loudest don't count: pauses belong to rooms, not to speakers."""
_MIDDLE: Final = (200.0, 4000.0)


def centres_hz() -> Floats:
    """[`BANDS`]: evenly on the mel scale, 0 Hz to half the sample rate."""
    highest = 2595.0 * np.log10(1.0 + SAMPLE_RATE / 2 / 700.0)
    return 700.0 * (10.0 ** (np.linspace(0.0, highest, BANDS) / 2595.0) - 1.0)


def difference_db(wanted: Pcm, got: Pcm, strength: float = 1.0) -> Floats:
    """[`BANDS`]: gains that bring the spectrum of `got` towards that of `wanted`.

    0 dB in the mean from 200 to 4000 Hz, at most `LIMIT_DB` either way. `strength`: 0..1.
    """
    gains = _smoothed(_mean_db(wanted) - _mean_db(got))
    hertz = centres_hz()
    middle = (hertz > _MIDDLE[0]) & (hertz < _MIDDLE[1])
    gains = np.clip((gains - gains[middle].mean()) * strength, -LIMIT_DB, LIMIT_DB)
    last = gains[hertz <= HIGHEST_HZ][-1]
    return np.where(hertz > HIGHEST_HZ, min(0.0, float(last)), gains)


def _mean_db(pcm: Pcm) -> Floats:
    """[bins]: mean power of the frames in which somebody speaks, dB."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(pcm, (0, _SIZE)), _SIZE)[::_HOP]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(_SIZE), axis=1)))
    level = power.sum(axis=1)
    loud = level >= np.percentile(level, 95) * 10.0 ** (-_DEPTH_DB / 10.0)
    mean: Floats = 10.0 * np.log10(power[loud].mean(axis=0) + 1e-12)
    return mean


def _smoothed(decibels: Floats) -> Floats:
    """Means over triangles that overlap by two thirds, on the mel scale."""
    mel = 2595.0 * np.log10(1.0 + np.fft.rfftfreq(_SIZE, 1 / SAMPLE_RATE) / 700.0)
    centres = 2595.0 * np.log10(1.0 + centres_hz() / 700.0)
    width = 1.5 * (centres[1] - centres[0])
    weights = np.maximum(0.0, 1.0 - np.abs(mel - centres[:, np.newaxis]) / width)
    smooth: Floats = (weights @ decibels) / weights.sum(axis=1)
    return smooth
