"""Where in a recording somebody speaks."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.hearing import SAMPLE_RATE, Samples, Vad

Stretch = tuple[float, float]
"""Start and end in seconds."""

_BEGINS: Final = 0.5
"""Speech starts where it is at least so likely ..."""
_ENDS: Final = 0.35
"""... and goes on until it is less likely than this ..."""
_PAUSE_S: Final = 0.3
"""... for so long."""
_LEAST_S: Final = 0.2
"""Shorter stretches are coughs and clicks."""
_AROUND_S: Final = 0.06
"""Kept on either side: first and last consonants are less likely speech than vowels."""


def stretches(vad: Vad, samples: Samples) -> list[Stretch]:
    """Stretches of speech in order, apart from each other; pauses within are short."""
    step = vad.frame / SAMPLE_RATE
    likely = vad.listen().feed(np.pad(samples, (0, vad.frame)))
    length = len(samples) / SAMPLE_RATE
    found = [
        (max(0.0, begin * step - _AROUND_S), min(length, end * step + _AROUND_S))
        for begin, end in _runs(likely, round(_PAUSE_S / step))
        if (end - begin) * step >= _LEAST_S
    ]
    return [(begin, end) for begin, end in found if end > begin]


def _runs(likely: NDArray[np.float32], pause: int) -> list[tuple[int, int]]:
    """Frames from where speech begins to where it was last likely before a pause."""
    runs: list[tuple[int, int]] = []
    begin = last = -1
    for number, value in enumerate(likely.tolist()):
        if begin < 0 and value >= _BEGINS:
            begin = number
        if begin >= 0 and value >= _ENDS:
            last = number
        if begin >= 0 and number - last > pause:
            runs.append((begin, last + 1))
            begin = -1
    return [*runs, (begin, last + 1)] if begin >= 0 else runs
