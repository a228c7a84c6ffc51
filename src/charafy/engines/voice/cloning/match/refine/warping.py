"""Dynamic time warping (Sakoe and Chiba, 1978): the same words in two recordings."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rows = NDArray[np.float64]

_STANDING: Final = 1.3
"""Cost of standing still in one of them beside that of moving on in both."""


def warp(one: Floats, other: Floats) -> tuple[Rows, Rows]:
    """Rows of `one` (each once, ascending) and the row of `other` that is the same moment.

    Both are [rows, coefficients]. Time and memory grow with the product of the rows.
    """
    total = _costs()(_distances(one, other), _STANDING)
    first, second = _back(total)
    # The median of several, which is the middle one.
    rows, begin, count = np.unique(first, return_index=True, return_counts=True)
    middle = (second[begin] + second[begin + count - 1]) / 2.0
    return rows.astype(np.float64), middle


def _distances(one: Floats, other: Floats) -> NDArray[np.float32]:
    squares = np.square(one).sum(axis=1)[:, np.newaxis] + np.square(other).sum(axis=1)
    distances: Floats = np.sqrt(np.maximum(squares - 2.0 * one @ other.T, 0.0)).astype(np.float32)
    return distances


def _back(came: NDArray[np.int8]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    i, j = came.shape[0] - 1, came.shape[1] - 1
    path = [(i, j)]
    while i > 0 or j > 0:
        step = came[i, j]
        i -= int(step != 2)
        j -= int(step != 1)
        path.append((i, j))
    first, second = np.array(path[::-1], np.intp).T
    return first, second


@cache
def _costs() -> Any:
    """Compiled when first called: [rows, rows] of distances -> how each place was reached."""
    import numba

    @numba.njit(cache=True)
    def came_from(distances: Any, standing: float) -> Any:
        rows, columns = distances.shape
        came = np.zeros((rows, columns), np.int8)
        last = np.full(columns, np.inf)
        own = np.empty(columns)
        for i in range(rows):
            for j in range(columns):
                here = distances[i, j]
                both = last[j - 1] + here if j > 0 else np.inf
                down = last[j] + standing * here
                right = own[j - 1] + standing * here if j > 0 else np.inf
                if i == 0 and j == 0:
                    own[j] = here
                elif both <= down and both <= right:
                    own[j] = both
                elif down <= right:
                    own[j], came[i, j] = down, 1
                else:
                    own[j], came[i, j] = right, 2
            last[:] = own
        return came

    return came_from
