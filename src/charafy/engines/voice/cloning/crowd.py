"""Whether one person speaks in a recording, or more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import SAMPLE_RATE, Pcm
from charafy.engines.voice.cloning.speakers import SpeakerEncoder

Floats = NDArray[np.float32]

_WINDOW_S: Final = 1.68
"""Speech that one embedding is made of: what the encoder sees at once."""
_STEP_S: Final = 0.8
_MOST: Final = 40
"""Windows that are looked at, however long the speech is."""
_SIDE: Final = 3
"""Windows on the smaller side, at least."""
_TURNS: Final = 20
"""Rounds of sorting windows to the nearer side; three or four are usual."""


@dataclass(frozen=True, slots=True)
class Split:
    """The speech sorted into the two groups that sound least alike."""

    alike: float
    """Cosine between the groups: one person has 0.82-0.97, two have 0.45-0.80."""
    smaller: int
    """Windows in the smaller group, 0.8 seconds apart."""


def split(speech: Pcm, encoder: SpeakerEncoder) -> Split | None:
    """None where there is too little speech to tell: less than six seconds."""
    window = round(_WINDOW_S * SAMPLE_RATE)
    count = min(_MOST, 1 + int((len(speech) - window) // round(_STEP_S * SAMPLE_RATE)))
    if count < 2 * _SIDE:
        return None
    starts = np.linspace(0, len(speech) - window, count).astype(np.intp)
    windows = np.stack([encoder.embed(speech[start : start + window]) for start in starts])
    found = [_sorted(windows, seed) for seed in _seeds(windows)]
    kept = [sides for sides in found if _SIDE <= sides.sum() <= count - _SIDE]
    if not kept:
        return Split(1.0, 0)
    best = max(kept, key=lambda sides: _tightness(windows, sides))
    one, other = _middle(windows[best]), _middle(windows[~best])
    return Split(float(one @ other), int(min(best.sum(), (~best).sum())))


def _seeds(windows: Floats) -> list[NDArray[np.bool_]]:
    """First guesses: along the widest spread, and around the two windows that differ most."""
    away = windows - windows.mean(axis=0)
    widest = np.linalg.svd(away, full_matrices=False)[0][:, 0]
    alike = windows @ windows.T
    first, second = np.unravel_index(int(alike.argmin()), alike.shape)
    return [widest > 0, widest > np.median(widest), alike[first] > alike[second]]


def _sorted(windows: Floats, sides: NDArray[np.bool_]) -> NDArray[np.bool_]:
    for _ in range(_TURNS):
        if sides.all() or not sides.any():
            break
        nearer = windows @ _middle(windows[sides]) > windows @ _middle(windows[~sides])
        if (nearer == sides).all():
            break
        sides = nearer
    return sides


def _tightness(windows: Floats, sides: NDArray[np.bool_]) -> float:
    """How near all windows are to the middle of their own group."""
    groups = (windows[sides], windows[~sides])
    return float(sum((group @ _middle(group)).sum() for group in groups))


def _middle(group: Floats) -> Floats:
    mean: Floats = group.mean(axis=0)
    unit: Floats = mean / max(float(np.linalg.norm(mean)), 1e-9)
    return unit
