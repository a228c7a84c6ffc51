"""Is it flat? Figures of a long run, and what is wrong with them.

Judged is what comes after the first quarter: until then models load and caches fill. Growth is
the slope times the time, by the median of all slopes between two looks (Theil-Sen), which a
single outlier, as a film being made, can't bend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

SETTLED: Final = 0.25
SHORTEST_S: Final = 240.0
"""Memory and latency of less than this say nothing: a process is still warming up."""
_MOST_MB, _MOST_MEMORY = 16.0, 0.08
_MOST_THINGS, _MOST_SHARE = 4.0, 0.1
_SLOWER_P50, _SLOWER_P95 = (1.5, 0.05), (2.0, 0.25)
"""Times as slow, and seconds on top, that the last third may be against the first."""
_MOST_POINTS: Final = 500


@dataclass(frozen=True, slots=True)
class Trend:
    """How a quantity went over the judged time."""

    first: float
    last: float
    growth: float
    per_hour: float


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds of one operation in the first and the last third of the judged time."""

    number: int
    p50: tuple[float, float]
    p95: tuple[float, float]


def trend(at_s: Sequence[float], values: Sequence[float]) -> Trend | None:
    """None of too few looks."""
    at, found = _settled(at_s, values)
    if len(at) < 4:
        return None
    thin = max(1, len(at) // _MOST_POINTS)
    t, v = at[::thin], found[::thin]
    later, earlier = np.triu_indices(len(t), 1)[::-1]
    slope = float(np.median((v[later] - v[earlier]) / (t[later] - t[earlier])))
    piece = max(1, len(found) // 4)
    return Trend(
        first=float(np.median(found[:piece])),
        last=float(np.median(found[-piece:])),
        growth=slope * float(at[-1] - at[0]),
        per_hour=slope * 3_600,
    )


def waits(at_s: Sequence[float], seconds: Sequence[float]) -> Waits | None:
    """None of an operation that was done too seldom to compare."""
    at, took = _settled(at_s, seconds)
    if len(at) < 6:
        return None
    span = at[-1] - at[0]
    first, last = took[at <= at[0] + span / 3], took[at >= at[-1] - span / 3]
    if not len(first) or not len(last):
        return None
    return Waits(
        number=len(seconds),
        p50=(float(np.median(first)), float(np.median(last))),
        p95=(float(np.percentile(first, 95)), float(np.percentile(last, 95))),
    )


def memory_grew(found: Trend) -> bool:
    """MB; allowed is a little, as an allocator never gives back everything."""
    return found.growth > max(_MOST_MB, _MOST_MEMORY * found.first)


def things_grew(found: Trend) -> bool:
    """Open files, or threads."""
    allowed = max(_MOST_THINGS, _MOST_SHARE * found.first)
    return found.growth > allowed or found.last - found.first > allowed


def slowed_down(found: Waits) -> bool:
    pairs = ((found.p50, _SLOWER_P50), (found.p95, _SLOWER_P95))
    return any(last > first * times + more for (first, last), (times, more) in pairs)


def _settled(at_s: Sequence[float], values: Sequence[float]) -> tuple[Numbers, Numbers]:
    """In order, without the first quarter."""
    at, found = np.asarray(at_s, np.float64), np.asarray(values, np.float64)
    order = np.argsort(at, kind="stable")
    at, found = at[order], found[order]
    if not len(at):
        return at, found
    kept = at >= at[0] + SETTLED * (at[-1] - at[0])
    return at[kept], found[kept]
