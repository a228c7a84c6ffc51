"""The inner edge of the lips, drawn to where they really meet.

The mesh reports a slit for a closed mouth, a little off. Where neither teeth nor a dark cavity are
seen between the lips, both inner edges move onto the darkest path from corner to corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.finding.faces import Rgb
from charafy.engines.portrait.finding.mesh import INNER_LOWER, INNER_UPPER, OUTER_LOWER, OUTER_UPPER
from charafy.engines.portrait.finding.networks import Floats

Doubles = NDArray[np.float64]

COLUMNS: Final = 64
ROWS: Final = 48
GAP: Final = 0.06
"""A wider gap between the lips, in distances between the eyes, is an open mouth."""
TEETH: Final = 0.15
BRIGHT: Final = 1.25
DARK: Final = 0.35
"""... and so is one that shows that share of teeth or of darkness."""


@dataclass(frozen=True, slots=True)
class Mouth:
    """What is seen between the lips."""

    gap: float
    """Widest, in distances between the eyes' outer corners."""
    teeth: float
    """Share of it that is light and colourless."""
    dark: float

    @property
    def closed(self) -> bool:
        return self.gap < GAP and self.teeth < TEETH and self.dark < DARK


def refine(picture: Rgb, points: Floats) -> tuple[Floats, Mouth]:
    """The points with the inner lips refined, and what was seen of the mouth."""
    import cv2

    start, end = points[78, :2].astype(np.float64), points[308, :2].astype(np.float64)
    width = float(np.linalg.norm(end - start))
    eyes = float(np.linalg.norm(points[263, :2] - points[33, :2]))
    if width < 4 or eyes < 8:
        return points, Mouth(0.0, 0.0, 0.0)
    along = (end - start) / width
    down = np.array([-along[1], along[0]])
    t = np.linspace(0, 1, COLUMNS)

    def edge(numbers: tuple[int, ...]) -> Doubles:
        heights = (points[list(numbers), :2] - start) @ down
        return np.asarray(np.interp(t, np.linspace(0, 1, len(numbers)), heights))

    top, bottom = edge(OUTER_UPPER), edge(OUTER_LOWER)
    part = np.linspace(0.12, 0.88, ROWS)[:, None]
    heights = top[None] * (1 - part) + bottom[None] * part
    places = start + (t * width)[None, :, None] * along + heights[..., None] * down
    x, y = (places[..., axis].astype(np.float32) for axis in (0, 1))
    sampled = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    seen = np.asarray(cv2.cvtColor(sampled, cv2.COLOR_RGB2LAB), np.float32)
    light = np.asarray(cv2.GaussianBlur(seen[..., 0], (0, 0), 1.2), np.float32)
    seen[..., 0] = light
    mouth = _look(seen, heights, (edge(INNER_UPPER), edge(INNER_LOWER)), eyes)
    if not mouth.closed:
        return points, mouth
    path = _darkest(light + 0.1 * np.abs(part - 0.45) * 76)
    line = np.take_along_axis(heights, path[None], 0)[0]
    line = np.convolve(np.pad(line, 3, mode="edge"), np.ones(7) / 7, "valid")
    return _onto(points, (start, along, down), t * width, line), mouth


def _look(seen: Floats, heights: Doubles, inner: tuple[Doubles, Doubles], eyes: float) -> Mouth:
    """`seen` is Lab at `heights` below the line between the corners, `inner` the lips' edges."""
    (upper, lower), light = inner, seen[..., 0]
    chroma = np.hypot(seen[..., 1] - 128, seen[..., 2] - 128)
    core = np.zeros(COLUMNS, bool)
    core[COLUMNS // 5 : -COLUMNS // 5] = True
    gap = lower - upper
    inside = (heights >= upper + 0.1 * gap) & (heights <= lower - 0.1 * gap) & core
    lips = ~((heights >= upper - 0.01 * eyes) & (heights <= lower + 0.01 * eyes)) & core
    widest = float(gap.max() / eyes)
    if not inside.any() or not lips.any():
        return Mouth(widest, 0.0, 0.0)
    lightness, colour = np.median(light[lips]), np.median(chroma[lips])
    pale = (light > lightness * 1.08) & (chroma < colour * 0.75)
    # In warm or dim light teeth are as coloured as skin, but far lighter than lips.
    pale |= light > lightness * BRIGHT
    return Mouth(
        gap=widest,
        teeth=float(pale[inside].mean()),
        dark=float((light < lightness * 0.45)[inside].mean()),
    )


def _darkest(cost: Doubles) -> NDArray[np.intp]:
    """Row of the cheapest path in each column, at most two rows up or down a step."""
    rows, columns = cost.shape
    total = cost.astype(np.float64).copy()
    came = np.zeros((rows, columns), np.intp)
    steps = np.arange(-2, 3)
    for column in range(1, columns):
        before = np.pad(total[:, column - 1], 2, constant_values=np.inf)
        options = np.stack([before[2 + s : 2 + s + rows] + 4.0 * abs(s) for s in steps])
        best = options.argmin(0)
        came[:, column] = np.arange(rows) + steps[best]
        total[:, column] += options.min(0)
    path = np.zeros(columns, np.intp)
    path[-1] = total[:, -1].argmin()
    for column in range(columns - 1, 0, -1):
        path[column - 1] = came[path[column], column]
    return path


def _onto(
    points: Floats, axes: tuple[Doubles, Doubles, Doubles], places: Doubles, line: Doubles
) -> Floats:
    """The inner lips' points moved across onto the line, each at its place along the mouth.

    `axes` are the left corner and the directions along and across the mouth.
    """
    start, along, down = axes
    moved = points.copy()
    for number in {*INNER_UPPER, *INNER_LOWER} - {78, 308}:
        x = float((points[number, :2] - start) @ along)
        moved[number, :2] = start + along * x + down * np.interp(x, places, line)
    return moved
