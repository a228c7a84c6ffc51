"""From the rate that the house speaks at to the one that models of speech listen at."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import SAMPLE_RATE, Pcm

LISTENING_RATE: Final = 16_000
"""Hz."""

_UP, _DOWN = 2, 3
"""`LISTENING_RATE` / `SAMPLE_RATE`."""
_REACH: Final = 48
"""Input samples that count on either side of one output sample."""
_PASSED: Final = 0.97
"""Where the filter has fallen by half, as a share of 8 kHz: what aliases stays above 7.7 kHz."""
_CHUNK: Final = 1 << 15

assert SAMPLE_RATE * _UP == LISTENING_RATE * _DOWN


def listened(pcm: Pcm) -> NDArray[np.float32]:
    """`pcm` at `LISTENING_RATE`; sample n there is sound at the same time as n * 3 / 2 here."""
    count = -(-len(pcm) * _UP // _DOWN)
    groups = -(-count // _UP)
    taps = _taps()
    tail = max(0, groups * _DOWN + len(taps) - _REACH - len(pcm))
    padded = np.pad(pcm.astype(np.float32, copy=False), (_REACH, tail))
    windows = np.lib.stride_tricks.sliding_window_view(padded, len(taps))[::_DOWN][:groups]
    out = np.empty((groups, _UP), np.float32)
    for begin in range(0, groups, _CHUNK):
        np.matmul(windows[begin : begin + _CHUNK], taps, out=out[begin : begin + _CHUNK])
    return out.reshape(-1)[:count]


@cache
def _taps() -> NDArray[np.float32]:
    """[2 `_REACH` + 2, `_UP`]: a Kaiser-windowed sinc for each output of a group."""
    at = np.arange(_UP) * (_DOWN / _UP)
    distance = np.arange(2 * _REACH + _DOWN - 1)[:, None] - _REACH - at
    cutoff = _PASSED * _UP / _DOWN
    inside = np.clip(1.0 - np.square(distance / (_REACH + 1.0)), 0.0, None)
    taps = np.sinc(distance * cutoff) * np.i0(7.0 * np.sqrt(inside))
    taps[np.abs(distance) > _REACH + 1.0] = 0.0
    scaled: NDArray[np.float64] = taps / taps.sum(axis=0)
    return scaled.astype(np.float32)


def resampling() -> tuple[NDArray[np.float32], int, int]:
    """What `listened` does, for who must do it elsewhere: (taps, samples before, step).

    `taps` [count, 2] make two outputs from the `count` samples that begin `samples before` ahead of
    every `step`-th one.
    """
    return _taps(), _REACH, _DOWN
