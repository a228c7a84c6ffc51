"""How much of a recording was too loud for whatever recorded it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import Pcm

_BANDS: Final = ((0.975, 1.015, 0.90, 0.96), (0.94, 1.06, 0.80, 0.90), (0.90, 1.12, 0.72, 0.87))
"""Where to look for the pile beside a rail and with what to compare it, in parts of the rail: the
narrow one for peaks cut flat, the others for what resampling and lossy codecs make of them."""
_RATIO: Final = 1.3
"""A pile holds so much more than the stretch below it would let expect. Without clipping, louder
samples are always rarer than less loud ones."""
_LEAST: Final = 20
"""Samples more than expected; fewer are chance."""
_BEYOND: Final = 0.5
"""Of the pile, what may lie beyond it at most: a rail is where it ends."""
_BINS: Final = 1000
_RAILS: Final = 125


def clipped(samples: Pcm) -> float:
    """Share of the speech in `samples` that lies at the rails, 0..1.

    Told from the pile that clipping leaves in the amplitudes, wherever the rail is by now: a
    recording that was made quieter, resampled or coded after it was clipped is found as well.
    Reads 1.3 times the truth where half of the pile is slopes; nothing below 0.001.
    """
    if not len(samples):
        return 0.0
    return min(1.0, (_pile(samples) + _pile(-samples)) / len(samples))


def _pile(samples: Pcm) -> float:
    """Samples at the upper rail."""
    up = np.sort(samples[samples > 0])
    if len(up) < 200:
        return 0.0
    top = float(up[-max(2, len(up) // 5000)])
    edges = np.linspace(0.0, 1.25 * top, _BINS + 1)
    below = np.concatenate(([0], np.cumsum(np.histogram(up, edges)[0])))
    rails = top * np.linspace(0.4, 1.02, _RAILS)

    def up_to(amplitude: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.interp(amplitude, edges, below)

    most = 0.0
    for begin, end, low, high in _BANDS:
        pile = up_to(end * rails) - up_to(begin * rails)
        usual = (up_to(high * rails) - up_to(low * rails)) * (end - begin) / (high - low)
        beyond = len(up) - up_to(end * rails)
        found = (pile > _RATIO * usual + _LEAST) & (beyond < _BEYOND * pile)
        most = max(most, float((len(up) - up_to(begin * rails))[found].max(initial=0.0)))
    return most
