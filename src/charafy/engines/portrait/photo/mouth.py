"""A mouth's own measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.photo.landmarks import (
    INNER_LOWER,
    INNER_UPPER,
    MOUTH_CORNERS,
    Axes,
    Points,
)

_TYPICAL_HALF_MOUTH: Final = 0.27


@dataclass(frozen=True, slots=True)
class Mouth:
    """Lengths are spans."""

    half: float
    """Half its width."""
    lateral: NDArray[np.float64]
    """[468], -1 at the left corner, 0 in the middle of the lips, 1 at the right corner; each
    half by its own length, so that a turned head's lips move as far as they look."""
    gaps: NDArray[np.float64]
    """[11], between the inner lips, from left to right."""
    unit: float
    """Of amplitudes, in spans."""

    @property
    def stretch(self) -> float:
        """Of amplitudes across, in spans: what is wider narrows and widens by more."""
        return float(np.clip(self.half / _TYPICAL_HALF_MOUTH, 0.6, 1.3))

    @property
    def gap(self) -> float:
        """The largest opening at rest, 0 for closed lips."""
        return max(float(self.gaps.max()), 0.0)

    def bow(self, vertex: int) -> float:
        """1 in the middle of the lips, 0 at and beyond the corners: a parabola."""
        return max(0.0, 1 - float(self.lateral[vertex]) ** 2)

    def arch(self, vertex: int) -> float:
        """Like `bow` but fuller towards the corners."""
        bow = self.bow(vertex)
        return 0.7 * bow + 0.3 * float(np.sqrt(bow))


def measure(points: Points, axes: Axes) -> Mouth:
    """The mouth of 468 landmarks."""
    middle = points[[0, 13, 14, 17], :2].mean(axis=0)
    x = axes.of(points, middle)[:, 0]
    left, right = (abs(float(x[corner])) for corner in MOUTH_CORNERS)
    half = max((left + right) / 2, 1e-3)
    lateral = x / np.where(x < 0, max(left, half / 4), max(right, half / 4))
    between = points[list(INNER_LOWER), :2] - points[list(INNER_UPPER), :2]
    unit = float(np.clip(0.35 + 0.65 * half / _TYPICAL_HALF_MOUTH, 0.7, 1.1))
    return Mouth(half, lateral, between @ axes.down / axes.span, unit)
