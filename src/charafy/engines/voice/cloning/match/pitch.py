"""How high somebody speaks: the fundamental frequency of a recording, frame by frame.

Normalised cross-correlation of two stretches, and the path through its peaks that jumps least
(the idea of Talkin's RAPT, 1995).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import SAMPLE_RATE, Pcm

Floats = NDArray[np.float64]

HOP: Final = 300
"""Samples per frame (12.5 ms): two frames are one of the vocoder's."""
LOW_HZ: Final = 55.0
HIGH_HZ: Final = 450.0

_RATE: Final = 8_000
_THIN: Final = SAMPLE_RATE // _RATE
_STRETCH: Final = 400
_JUMP: Final = 2.0
"""Cost of changing the period by a factor of e from one frame to the next."""
_LONG: Final = 0.12
"""Cost of a period per factor of e, so that twice the true one does not win because it fits the
samples better."""
_VOICED: Final = 0.6
_LOUD: Final = 0.05
_CHUNK: Final = 512


def track(pcm: Pcm) -> Floats:
    """[len(pcm) // `HOP`]: Hz, 0 where nothing voiced is heard."""
    count = len(pcm) // HOP
    if not count:
        return np.zeros(0)
    thinned = _thinned(pcm)
    loudest = max(float(np.abs(thinned).max()), 1e-9)
    samples = np.pad(thinned / loudest, (_STRETCH, 3 * _STRETCH))
    lags = np.arange(int(_RATE / HIGH_HZ), int(_RATE / LOW_HZ) + 1)
    likeness, level = _likeness(samples, lags, count)
    path = _smoothest(likeness, np.log(lags))
    frames = np.arange(count)
    inside = np.clip(path, 1, len(lags) - 2)
    before, at, after = (likeness[frames, inside + step] for step in (-1, 0, 1))
    bend = 2.0 * (before - 2.0 * at + after)
    offset = np.divide(before - after, bend, out=np.zeros(count), where=np.abs(bend) > 1e-9)
    hertz = _RATE / (lags[inside] + np.clip(offset, -0.5, 0.5))
    loud = level > _LOUD * np.percentile(level, 95)
    voiced: Floats = np.where((likeness[frames, path] > _VOICED) & loud, hertz, 0.0)
    return voiced


def median_hz(pcm: Pcm) -> float | None:
    """Median of the voiced frames; None when there are fewer than a quarter of a second."""
    hertz = track(pcm)
    voiced = hertz[hertz > 0]
    return float(np.median(voiced)) if len(voiced) * HOP >= SAMPLE_RATE // 4 else None


def _thinned(pcm: Pcm) -> Floats:
    """At `_RATE`, what is above 3 kHz taken away."""
    reach = 24
    at = np.arange(-reach, reach + 1)
    taps = np.sinc(at * 0.25) * np.hanning(len(at) + 2)[1:-1]
    clean = np.nan_to_num(np.asarray(pcm, np.float64))
    return np.convolve(clean, taps / taps.sum(), "same")[::_THIN]


def _likeness(samples: Floats, lags: NDArray[np.int64], count: int) -> tuple[Floats, Floats]:
    """[frames, lags]: how alike a stretch and the one a lag later are (-1..1), and its level."""
    hop = HOP // _THIN
    windows = np.lib.stride_tricks.sliding_window_view(samples, 2 * _STRETCH)
    windows = windows[_STRETCH // 2 :: hop][:count]
    likeness, level = np.empty((count, len(lags))), np.empty(count)
    size = 1 << (3 * _STRETCH - 1).bit_length()
    for begin in range(0, count, _CHUNK):
        frames = windows[begin : begin + _CHUNK]
        frames = frames - frames.mean(axis=1, keepdims=True)
        first = np.fft.rfft(frames[:, :_STRETCH], size, axis=1)
        products = np.fft.irfft(np.conj(first) * np.fft.rfft(frames, size, axis=1), size, axis=1)
        energy = np.cumsum(np.pad(np.square(frames), ((0, 0), (1, 0))), axis=1)
        own = energy[:, _STRETCH]
        later = energy[:, lags + _STRETCH] - energy[:, lags]
        both = np.sqrt(own[:, np.newaxis] * later + 1e-3)
        likeness[begin : begin + len(frames)] = products[:, lags] / both
        level[begin : begin + len(frames)] = np.sqrt(own / _STRETCH)
    return likeness, level


def _smoothest(likeness: Floats, periods: Floats) -> NDArray[np.intp]:
    """The index of a lag for every frame: likely ones, with few and small jumps (Viterbi)."""
    jumps = _JUMP * np.abs(periods[:, np.newaxis] - periods)
    costs = 1.0 - likeness + _LONG * periods
    came_from = np.zeros(likeness.shape, np.int16)
    own = np.arange(len(periods))
    total = costs[0]
    for frame in range(1, len(costs)):
        ways = total + jumps
        came_from[frame] = ways.argmin(axis=1)
        total = ways[own, came_from[frame]] + costs[frame]
    path = np.empty(len(costs), np.intp)
    path[-1] = total.argmin()
    for frame in range(len(costs) - 1, 0, -1):
        path[frame - 1] = came_from[frame, path[frame]]
    return path
