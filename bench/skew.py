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
_SMOOTH_S: Final = 0.08
_MOUTH: Final = ((0.50, 0.68), (0.40, 0.60))
"""Rows and columns of a frame, in shares of it, in which `Framing` places the mouth."""
_SLOW_S: Final = 1.2
"""What takes longer is no syllable."""


def openness(seen: Sequence[tuple[float, Grey]], heard: Sequence[tuple[float, float]]) -> Floats:
    """How far the mouth is open in each picture, 0..1 of what there is.

    `seen`: when each picture came; `heard`: when sound came, and how loud. Raises `ValueError`
    where it was never both loud and quiet.
    """
    when = np.array([at for at, _ in seen])
    pixels = _quick(np.stack([_mouth(picture).ravel() for _, picture in seen]), when)
    level = _sampled(np.array(heard, float), when)
    loud, quiet = level > 0.5 * level.max(), level < 0.1 * level.max()
    if not loud.any() or not quiet.any():
        raise ValueError("nothing was said, or there was no pause")
    change = pixels[loud].mean(axis=0) - pixels[quiet].mean(axis=0)
    opened = np.asarray(pixels @ change, float)
    low, high = np.percentile(opened, [2, 98])
    return np.asarray(np.clip((opened - low) / max(high - low, 1e-9), 0.0, 1.0), float)


def skew(
    seen: Sequence[tuple[float, Grey]], heard: Sequence[tuple[float, float]]
) -> dict[str, Any]:
    """By how many seconds the picture is late (below 0: early), and how well both agree, 0..1."""
    opened = np.stack([np.array([at for at, _ in seen]), openness(seen, heard)], axis=1)
    sound = np.array(heard, float)
    begin = max(opened[0, 0], sound[0, 0]) + _MOST_S
    end = min(opened[-1, 0], sound[-1, 0]) - _MOST_S
    grid = np.arange(begin, end, _STEP_S)
    level = _normal(_sampled(sound, grid))
    lags = np.arange(-_MOST_S, _MOST_S + _STEP_S / 2, _STEP_S)
    agreement = np.array([(_normal(_sampled(opened, grid + lag)) * level).mean() for lag in lags])
    best = int(np.argmax(agreement))
    return {"late_s": round(float(lags[best]), 3), "agreement": round(float(agreement[best]), 2)}


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
