"""How loud speech is over time, and where it is silent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

STEP_S: Final = 0.01
QUIET_DB: Final = 38.0
"""This far below the speech's loud parts nothing is heard."""
FLOOR_DB: Final = -62.0
"""Below full scale: nothing is heard whatever the rest is like."""


def levels(pcm: NDArray[np.float32], sample_rate: int) -> NDArray[np.float64]:
    """Loudness of every 10 ms, in dB of full scale, averaged over 20 ms."""
    step = round(STEP_S * sample_rate)
    count = len(pcm) // step
    if not count:
        return np.empty(0)
    power = np.square(pcm[: count * step], dtype=np.float64).reshape(count, step).mean(axis=1)
    around = np.pad(power, 1, mode="edge")
    smooth = 0.5 * around[1:-1] + 0.25 * (around[:-2] + around[2:])
    level: NDArray[np.float64] = 10.0 * np.log10(smooth + 1e-10)
    return level


def reference(level: NDArray[np.float64]) -> float:
    """dB of the loud parts of a speech, however much silence is around them."""
    heard = level[level > max(FLOOR_DB, float(level.max()) - 50.0)]
    return float(np.percentile(heard, 85)) if len(heard) else FLOOR_DB


def silent(level: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Steps of `levels` in which nothing is heard."""
    if not len(level):
        return np.zeros(0, np.bool_)
    return level < max(reference(level) - QUIET_DB, FLOOR_DB)


def runs(mask: NDArray[np.bool_]) -> Iterator[tuple[float, float]]:
    """Start and end, in seconds, of every stretch of true steps."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    for begin, end in edges.reshape(-1, 2):
        # The last step may stand for a few samples more.
        yield begin * STEP_S, np.inf if end == len(mask) else end * STEP_S
