"""How far sound and picture of a talking face are apart, from what arrived of both.

Of the face only is known where a frame has the mouth. What tells an open one is found as the
difference between pictures that came while it was loud and while it was quiet; what changes slowly
is the head that moves, and is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Grey = NDArray[np.uint8]
"""[height, width]."""

EARLY_S: Final = 0.045
LATE_S: Final = 0.125
"""What nobody minds (ITU-R BT.1359): sound this much before its picture, or this much after."""

_STEP_S: Final = 0.004
_MOST_S: Final = 0.5
_GUESSES_S: Final = (-0.3, -0.15, 0.0, 0.15, 0.3)
_SMOOTH_S: Final = 0.08
_MOUTH: Final = ((0.50, 0.68), (0.40, 0.60))
"""Rows and columns of a frame, in shares of it, in which `Framing` places the mouth."""
_SLOW_S: Final = 1.2
"""What takes longer is no syllable."""


def skew(
    seen: Sequence[tuple[float, Grey]], heard: Sequence[tuple[float, float]]
) -> dict[str, Any]:
    """By how many seconds the picture is late (below 0: early), and how well both agree, -1..1.

    `seen`: when each picture came; `heard`: when sound came, and how loud. Raises `ValueError`
    where one half of it was never both loud and quiet.
    """
    when, sound = np.array([at for at, _ in seen]), np.array(heard, float)
    pixels = _quick(np.stack([_mouth(picture).ravel() for _, picture in seen]), when)
    found = [
        # A mouth that is late by more than a syllable is open when it is quiet.
        _compared(when, _openness(pixels, _sampled(sound, when - late_s)), sound)
        for late_s in _GUESSES_S
    ]
    agreement, late_s = max(found)
    return {"late_s": round(late_s, 3), "agreement": round(agreement, 2)}


def _openness(pixels: NDArray[np.float32], level: Floats) -> Floats:
    """How far the mouth is open in each picture, 0..1 of what there is."""
    loud, quiet = level > 0.5 * level.max(), level < 0.1 * level.max()
    first = np.arange(len(pixels)) < len(pixels) // 2
    opened = np.empty(len(pixels))
    # What is learnt from one half is looked for in the other: noise has no mouth there.
    for known, asked in ((first, ~first), (~first, first)):
        if not (known & loud).any() or not (known & quiet).any():
            raise ValueError("nothing was said in a half of it, or there was no pause")
        change = pixels[known & loud].mean(axis=0) - pixels[known & quiet].mean(axis=0)
        opened[asked] = pixels[asked] @ change
        low, high = np.percentile(opened[asked], [2, 98])
        opened[asked] = np.clip((opened[asked] - low) / max(high - low, 1e-9), 0.0, 1.0)
    return opened


def _compared(when: Floats, openness: Floats, sound: Floats) -> tuple[float, float]:
    """How well they agree at best, and how late the picture is then."""
    opened = np.stack([when, openness], axis=1)
    begin, end = max(when[0], sound[0, 0]) + _MOST_S, min(when[-1], sound[-1, 0]) - _MOST_S
    grid = np.arange(begin, end, _STEP_S)
    level = _normal(_sampled(sound, grid))
    lags = np.arange(-_MOST_S, _MOST_S + _STEP_S / 2, _STEP_S)
    agreement = np.array([(_normal(_sampled(opened, grid + lag)) * level).mean() for lag in lags])
    best = int(np.argmax(agreement))
    return float(agreement[best]), float(lags[best])


def _mouth(picture: Grey) -> NDArray[np.float32]:
    rows, columns = (
        slice(int(low * size), int(high * size))
        for (low, high), size in zip(_MOUTH, picture.shape, strict=True)
    )
    return picture[rows, columns].astype(np.float32)


def _quick(pixels: NDArray[np.float32], when: Floats) -> NDArray[np.float32]:
    """[pictures, pixels] without what they are on average around each moment."""
    total = np.concatenate([np.zeros_like(pixels[:1]), np.cumsum(pixels, axis=0, dtype=np.float64)])
    first = np.searchsorted(when, when - _SLOW_S / 2)
    last = np.searchsorted(when, when + _SLOW_S / 2)
    mean = (total[last] - total[first]) / (last - first)[:, None]
    return np.asarray(pixels - mean, np.float32)


def _sampled(points: Floats, at: Floats) -> Floats:
    """[n, 2] of times and values, at other times; smoothed over about a syllable."""
    offsets = np.linspace(-_SMOOTH_S / 2, _SMOOTH_S / 2, 9)
    smooth = np.interp(at[:, None] + offsets, points[:, 0], points[:, 1])
    return np.asarray(smooth.mean(axis=1), float)


def _normal(values: Floats) -> Floats:
    spread = values.std()
    return np.asarray((values - values.mean()) / (spread if spread > 0 else 1.0), float)
