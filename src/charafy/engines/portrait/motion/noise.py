"""Chance without memory: the same numbers for the same seed, at any time, in any order.

Everything is 32-bit integer arithmetic and IEEE doubles, so the browser's port agrees.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
"""Seconds, one per pose wanted."""

_GOLDEN: Final = 0x9E3779B1
_SCALE: Final = 1.0 / 2**32


def unit(seed: int, stream: int, index: NDArray[np.float64]) -> NDArray[np.float64]:
    """Evenly spread numbers in [0, 1) for whole numbers in (-2^31, 2^31); streams are independent.

    The scrambling is MurmurHash3's finaliser (Austin Appleby, public domain).
    """
    key = np.uint32((seed + (stream + 1) * _GOLDEN) & 0xFFFFFFFF)
    whole = index.astype(np.int64).astype(np.uint32)
    mixed = _scrambled(whole * np.uint32(_GOLDEN) + _scrambled(np.atleast_1d(key)))
    return mixed.astype(np.float64) * _SCALE


def _scrambled(value: NDArray[np.uint32]) -> NDArray[np.uint32]:
    value = (value ^ (value >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    value = (value ^ (value >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return value ^ (value >> np.uint32(16))


def eased(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 below 0, 1 above 1, and a smooth way between them."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def wander(seed: int, stream: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Value noise in (-1, 1): smooth up to its second derivative, a new value at every integer."""
    whole = np.floor(x)
    f = x - whole
    blend = f * f * f * (f * (6.0 * f - 15.0) + 10.0)
    here = unit(seed, stream, whole)
    return 2.0 * (here + (unit(seed, stream, whole + 1.0) - here) * blend) - 1.0


def drift(
    seed: int, stream: int, t: Times, waves: tuple[tuple[float, float], ...]
) -> NDArray[np.float64]:
    """Several wanderings together; `waves` are (Hz, share). Within the sum of the shares."""
    total = np.zeros_like(t)
    for octave, (hertz, share) in enumerate(waves):
        total += share * wander(seed, stream + octave, t * hertz)
    return total
