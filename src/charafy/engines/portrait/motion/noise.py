"""Chance without memory: the same numbers for the same seed, at any time, in any order.

Everything is 32-bit integer arithmetic and IEEE doubles, so the browser's port agrees.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
"""Seconds, one per pose wanted."""

_MASK: Final = 0xFFFFFFFF
_GOLDEN: Final = 0x9E3779B1
_FIRST: Final = np.uint32(0x85EBCA6B)
_SECOND: Final = np.uint32(0xC2B2AE35)
_SIXTEEN: Final = np.uint32(16)
_THIRTEEN: Final = np.uint32(13)
_SCALE: Final = np.float64(1.0 / 2**32)


def unit(
    seed: int, stream: int | tuple[int, ...], index: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Evenly spread numbers in [0, 1) for whole numbers in (-2^31, 2^31); streams are independent.

    With several streams the last axis of `index` has one entry for each.
    """
    key = _keys(seed, stream) if isinstance(stream, tuple) else np.uint32(_key(seed, stream))
    whole = index.astype(np.int64).astype(np.uint32)
    return _scrambled(whole * np.uint32(_GOLDEN) + key) * _SCALE


def _scrambled(value: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """MurmurHash3's finaliser (Austin Appleby, public domain)."""
    value = (value ^ (value >> _SIXTEEN)) * _FIRST
    value = (value ^ (value >> _THIRTEEN)) * _SECOND
    return value ^ (value >> _SIXTEEN)


def _key(seed: int, stream: int) -> int:
    """The same scrambling on Python's integers, which is faster for a single one."""
    key = (seed + (stream + 1) * _GOLDEN) & _MASK
    key = ((key ^ (key >> 16)) * int(_FIRST)) & _MASK
    key = ((key ^ (key >> 13)) * int(_SECOND)) & _MASK
    return key ^ (key >> 16)


def _keys(seed: int, streams: tuple[int, ...]) -> NDArray[np.uint32]:
    return np.array([_key(seed, stream) for stream in streams], np.uint32)


def eased(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 below 0, 1 above 1, and a smooth way between them."""
    x = np.minimum(np.maximum(x, 0.0), 1.0)
    smooth: NDArray[np.float64] = x * x * (3.0 - 2.0 * x)
    return smooth


def wander(seed: int, stream: int | tuple[int, ...], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Value noise in (-1, 1): smooth up to its second derivative, a new value at every integer."""
    whole = np.floor(x)
    f = x - whole
    blend = f * f * f * (f * (6.0 * f - 15.0) + 10.0)
    here, there = unit(seed, stream, np.stack([whole, whole + 1.0]))
    value: NDArray[np.float64] = 2.0 * (here + (there - here) * blend) - 1.0
    return value


def drift(
    seed: int, stream: int, t: Times, waves: tuple[tuple[float, float], ...]
) -> NDArray[np.float64]:
    """Several wanderings together; `waves` are (Hz, share). Within the sum of the shares."""
    hertz, shares = np.array(waves).T
    streams = tuple(range(stream, stream + len(waves)))
    total: NDArray[np.float64] = wander(seed, streams, t[:, None] * hertz) @ shares
    return total
