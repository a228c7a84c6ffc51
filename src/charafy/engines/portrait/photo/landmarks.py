"""Names for the points of MediaPipe's face mesh that the rig needs, and a face's own axes.

Chains run from left to right in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""[n, 2] or [n, 3] in pixels."""

OVAL: Final[tuple[int, ...]] = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
INNER_UPPER: Final[tuple[int, ...]] = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER: Final[tuple[int, ...]] = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
OUTER_UPPER: Final[tuple[int, ...]] = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LOWER: Final[tuple[int, ...]] = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
# fmt: off
CHIN: Final[tuple[int, ...]] = (
    152, 148, 176, 149, 150, 377, 400, 378, 379, 175, 199, 200, 18, 83, 313, 201, 421, 208, 428,
    171, 396, 32, 262, 140, 369,
)
# fmt: on
FOREHEAD_TOP: Final = 10
CHIN_TIP: Final = 152
NOSE_TIP: Final = 4
NOSE_BASE: Final = 2
NOSE_ROOT: Final = 168
MOUTH_CORNERS: Final = (61, 291)
EYE_CORNERS: Final = (33, 263)
"""The outer ones."""
NOSE_BRIDGE: Final[tuple[int, ...]] = (168, 6, 197, 9, 8)
CHEEKS: Final[tuple[int, ...]] = (50, 280, 205, 425)
BROWS: Final[tuple[int, ...]] = (
    *(70, 63, 105, 66, 107, 46, 53, 52, 65, 55),
    *(300, 293, 334, 296, 336, 276, 283, 282, 295, 285),
)


@dataclass(frozen=True, slots=True)
class Eye:
    """The points of one eye; chains have seven points, corners are apart."""

    upper: tuple[int, ...]
    lower: tuple[int, ...]
    corners: tuple[int, int]
    fold: tuple[int, ...]
    """The crease above the upper lid, point by point above `upper`."""

    @property
    def ring(self) -> tuple[int, ...]:
        """Around the opening: left corner, upper lid, right corner, lower lid backwards."""
        return (self.corners[0], *self.upper, self.corners[1], *reversed(self.lower))


LEFT_EYE: Final = Eye(
    (246, 161, 160, 159, 158, 157, 173),
    (7, 163, 144, 145, 153, 154, 155),
    (33, 133),
    (247, 30, 29, 27, 28, 56, 190),
)
RIGHT_EYE: Final = Eye(
    (398, 384, 385, 386, 387, 388, 466),
    (382, 381, 380, 374, 373, 390, 249),
    (362, 263),
    (414, 286, 258, 257, 259, 260, 467),
)
EYES: Final = (LEFT_EYE, RIGHT_EYE)


@dataclass(frozen=True, slots=True)
class Axes:
    """A face's own directions and size."""

    across: Points
    down: Points
    span: float
    """Between the eyes' outer corners, pixels."""
    height: float
    """Top of the forehead to chin, pixels."""

    def of(self, points: NDArray[Any], origin: NDArray[Any]) -> Points:
        """Points as (across, down) from `origin`, in spans."""
        away = np.asarray(points, dtype=np.float64)[..., :2] - np.asarray(origin)[:2]
        return np.stack([away @ self.across, away @ self.down], axis=-1) / self.span


def axes(points: Points) -> Axes:
    """Of 468 landmarks."""
    between = points[EYE_CORNERS[1], :2] - points[EYE_CORNERS[0], :2]
    span = float(np.hypot(*between)) or 1.0
    across = between / span
    down = np.array([-across[1], across[0]])
    tall = points[CHIN_TIP, :2] - points[FOREHEAD_TOP, :2]
    # Turned away, the eyes come closer together on the picture than they are.
    height = float(np.hypot(*tall)) or 1.0
    return Axes(across, down, max(span, 0.42 * height), height)


def smoothstep(low: float, high: float, value: NDArray[Any] | float) -> NDArray[np.float64]:
    """0 below `low`, 1 above `high`, smooth between them."""
    t = np.clip((np.asarray(value, dtype=np.float64) - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
