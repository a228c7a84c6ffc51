"""Mouths as an artist would draw them: in the art's line and colours, one cel per shape.

Shapes stand on a grid of openings by widths, with and without teeth, plus three that the grid
can't make: teeth on the lip, teeth on teeth, tongue at the teeth. Corners meet the ends of the
art's own closed line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.drawing.colours import Floats, f32, stacked
from charafy.engines.portrait.drawing.marks import Style
from charafy.engines.portrait.drawing.mouth import Mouth


@dataclass(frozen=True, slots=True)
class Stops:
    """Where on the axes of opening and width there are cels."""

    openings: Sequence[float]
    widths: Sequence[float]
    """-1 round .. 1 wide, with 0 among them."""

    @property
    def neutral(self) -> int:
        """Index of the width as it is."""
        return self.widths.index(0.0)


DRAWN: Final = Stops((0.0, 0.08, 0.2, 0.4, 0.7, 1.0), (-1.0, -0.6, -0.3, 0.0, 0.4, 1.0))
PARTED: Final = Stops((0.0, 0.08, 0.25, 0.55, 1.0), (-1.0, -0.5, 0.0, 1.0))
"""For lips, which stay themselves while they move: fewer do."""
_TEETH_FROM: Final = 2
"""Index of the first opening that shows teeth."""
_FINE: Final = 4
"""Cels are drawn this much larger and averaged down."""
_MARGIN: Final = 2
_POINTS: Final = 49


@dataclass(frozen=True, slots=True)
class Shape:
    """One mouth to draw."""

    open: float
    wide: float
    """-1 round .. 1 wide."""
    teeth: bool = False
    clenched: bool = False
    """Teeth on teeth: the whole gap shows them."""
    tongue: float = 0.0
    """How far the tongue is raised."""


@dataclass(frozen=True, slots=True)
class Cel:
    """A painted mouth; `place` and `box` are the same rectangle, left top right bottom."""

    image: NDArray[np.uint8]
    """Straight alpha."""
    box: tuple[float, float, float, float]
    """The mouth without margins and line width, in the image's pixels."""
    place: tuple[float, float, float, float]
    """The same in the frame."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Upper and lower edge in frame pixels, from the left corner to the right one."""

    upper: NDArray[np.float64]
    lower: NDArray[np.float64]

    def bounds(self, least: float) -> tuple[float, float, float, float]:
        """Left, top, right, bottom, at least that tall: a flat line can't be stretched."""
        both = np.concatenate([self.upper, self.lower])
        left, top = both.min(axis=0)
        right, bottom = both.max(axis=0)
        return float(left), float(top), float(right), float(max(bottom, top + least))


BITE: Final = Shape(0.10, 0.35, teeth=True)
CLENCH: Final = Shape(0.24, 0.9, clenched=True)
TONGUE: Final = Shape(0.22, 0.15, teeth=True, tongue=1.0)


def shapes_with_teeth(stops: Stops) -> Sequence[tuple[int, int]]:
    """Places on the grid, (opening, width), that have a second cel with teeth."""
    widths = range(stops.neutral - 1, len(stops.widths))
    return [(i, j) for i in range(_TEETH_FROM, len(stops.openings)) for j in widths]


def draw(mouth: Mouth, shape: Shape, apart: float) -> Cel:
    """`apart`: distance between the eyes, which mouths are measured in."""
    outline = _outline(mouth, shape, apart)
    left, top, right, bottom = outline.bounds(max(mouth.thickness, 2.0))
    margin = _MARGIN + mouth.thickness
    x0, y0 = float(np.floor(left - margin)), float(np.floor(top - margin))
    size = (
        int(np.ceil(right + margin) - x0) + 1,
        int(np.ceil(bottom + margin + mouth.deep) - y0) + 1,
    )
    origin = np.array([x0, y0])
    painter = Painter(size, origin)
    if shape.open > 0:
        paint_inside(painter, mouth, shape, outline, apart)
    _paint_lines(painter, mouth, shape, outline, apart)
    _add_shade(painter, mouth, shape, outline)
    box = (left - x0, top - y0, right - x0, bottom - y0)
    return Cel(painter.image(), box, (left, top, right, bottom))


def own_line(mouth: Mouth, rgb: NDArray[np.uint8]) -> Cel:
    """The art's own closed mouth, lifted off the skin."""
    picture = mouth.patch.of(rgb).astype(np.float32)
    off = picture - mouth.erased
    strength = np.linalg.norm(off, axis=-1) * (mouth.cover > 0)
    full = max(float(np.percentile(strength[mouth.found], 90)) if mouth.found.any() else 0, 12.0)
    alpha = np.clip(strength / full, 0, 1)
    alpha[strength < 2] = 0
    colour = mouth.erased + off / np.maximum(alpha, 0.02)[..., None]
    frame = mouth.to_frame(mouth.curve)
    left, top = frame.min(axis=0)
    right, bottom = frame.max(axis=0)
    bottom = max(bottom, top + max(mouth.thickness, 2.0))
    x, y = mouth.patch.left, mouth.patch.top
    box = (left - x, top - y, right - x, bottom - y)
    return Cel(stacked(colour, alpha), box, (left, top, right, bottom))


def _outline(mouth: Mouth, shape: Shape, apart: float) -> Outline:
    x = np.linspace(-1, 1, _POINTS)
    rounded, spread = max(0.0, -shape.wide), max(0.0, shape.wide)
    own_open = mouth.style is Style.OPEN
    widest = 0.56 if own_open else 0.48
    usual = float(np.clip(mouth.width, 0.26 * apart, widest * apart))
    if shape.open == 0 and mouth.style is Style.LINE:
        usual = mouth.width
    width = usual * (1 + 0.14 * spread - 0.50 * rounded) * (1 - 0.08 * shape.open)
    height = min(max(0.31 * apart, 0.9 * mouth.gape), mouth.room) * shape.open**0.8
    height *= 1 - 0.28 * spread - 0.12 * rounded
    ends = np.abs(x)
    rounded = rounded**0.6
    above = 0.13 * (1 - ends**2.6) * (1 - rounded) + 0.42 * np.sqrt(1 - ends**2) * rounded
    below = (1 - ends ** (1.7 + 0.9 * spread)) ** 0.8 * (1 - rounded)
    below = 0.87 * below + 0.58 * np.sqrt(1 - ends**2) * rounded
    # A pen's width must not fill the opening.
    height += max(mouth.thickness - 0.03 * apart, 0) * min(1.0, 4 * shape.open)
    rest = _rest_curve(mouth, x, apart) * (1 - 0.55 * shape.open) * (1 - 0.8 * rounded)
    half = x * width / 2
    upper = np.stack([half, rest - height * above], axis=1)
    lower = np.stack([half, rest + height * below], axis=1)
    return Outline(mouth.to_frame(upper), mouth.to_frame(lower))


def _rest_curve(mouth: Mouth, x: NDArray[np.float64], apart: float) -> NDArray[np.float64]:
    """The closed line's height over -1..1, mouth coordinates; a hint of a smile where none is."""
    if mouth.style in {Style.OPEN, Style.NONE}:
        return np.asarray(0.025 * apart * (1 - x**2))
    at = mouth.curve[:, 0] / max(float(np.abs(mouth.curve[:, 0]).max()), 1e-3)
    curve = np.interp(x, at, mouth.curve[:, 1])
    # Half of it is kept as it is, half as its even parabola: wobbles don't grow with the mouth.
    depth = float(np.clip(curve[len(x) // 2], -0.08 * apart, 0.2 * apart))
    return np.asarray(0.5 * np.clip(curve, -0.2 * apart, 0.2 * apart) + 0.5 * depth * (1 - x**2))


class Painter:
    """Layers of flat colour with smooth edges."""

    def __init__(self, size: tuple[int, int], origin: NDArray[np.float64]) -> None:
        self.size = size
        self.origin = origin
        self._rgb = np.zeros((size[1], size[0], 3), dtype=np.float32)
        self._alpha = np.zeros((size[1], size[0]), dtype=np.float32)

    def area(self, *polygons: NDArray[np.float64]) -> NDArray[np.uint8]:
        """The union of polygons of frame pixels, at the fine scale."""
        fine = np.zeros((self.size[1] * _FINE, self.size[0] * _FINE), np.uint8)
        for polygon in polygons:
            points = ((polygon - self.origin + 0.5) * _FINE - 0.5) * 16
            cv2.fillPoly(fine, [np.round(points).astype(np.int32)], 255, cv2.LINE_8, 4)
        return fine

    def lay(self, area: NDArray[np.uint8], colour: Any, opacity: float = 1.0) -> None:
        """`colour`: one, or [height, 1, 3]."""
        small = cv2.resize(area, self.size, interpolation=cv2.INTER_AREA)
        a = small.astype(np.float32) * (opacity / 255)
        total = a + self._alpha * (1 - a)
        kept = (self._alpha * (1 - a) / np.maximum(total, 1e-6))[..., None]
        self._rgb = np.asarray(colour * (1 - kept) + self._rgb * kept, dtype=np.float32)
        self._alpha = total

    def cover(self, colour: Floats, opacity: Floats) -> None:
        """Lay a picture of the same size over what is there."""
        total = opacity + self._alpha * (1 - opacity)
        share = (opacity / np.maximum(total, 1e-6))[..., None]
        self._rgb = np.asarray(colour * share + self._rgb * (1 - share), dtype=np.float32)
        self._alpha = total

    def behind(self, colour: Floats, opacity: Floats) -> None:
        """Slip one colour under what is there."""
        total = self._alpha + opacity * (1 - self._alpha)
        share = (self._alpha / np.maximum(total, 1e-6))[..., None]
        self._rgb = np.asarray(self._rgb * share + colour * (1 - share), dtype=np.float32)
        self._alpha = total

    def image(self) -> NDArray[np.uint8]:
        return stacked(self._rgb, self._alpha)


def paint_inside(
    painter: Painter, mouth: Mouth, shape: Shape, outline: Outline, apart: float
) -> None:
    ink = mouth.ink
    hole = painter.area(np.concatenate([outline.upper, outline.lower[::-1]]))
    painter.lay(hole, ink.cavity)
    gap = outline.lower - outline.upper
    height = float(np.hypot(*gap[_POINTS // 2]))
    if shape.clenched:
        painter.lay(hole, ink.teeth)
        return
    if shape.tongue or shape.open > 0.3:
        painter.lay(_both(hole, _tongue(painter, shape, outline)), ink.tongue)
    if shape.teeth:
        # Nearly closed teeth fill the gap; wide open they are a strip of their own height.
        strip = height * float(np.interp(shape.open, [0.2, 0.5], [0.8, 0.34]))
        strip = min(strip, 0.062 * apart)
        share = np.clip(strip / np.maximum(np.hypot(gap[:, 0], gap[:, 1]), 1e-3), 0, 1)
        inner = slice(_POINTS // 12, -(_POINTS // 12))
        edge = (outline.upper + gap * share[:, None])[inner]
        area = painter.area(np.concatenate([outline.upper[inner], edge[::-1]]))
        painter.lay(_both(hole, area), ink.teeth)


def _both(area: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.bitwise_and(area, other), dtype=np.uint8)


def _tongue(painter: Painter, shape: Shape, outline: Outline) -> NDArray[np.uint8]:
    """A rounded hump lying on the lower edge."""
    gap = outline.lower - outline.upper
    x = np.linspace(-1, 1, _POINTS)
    rise = 0.42 + 0.33 * shape.tongue
    reach = 0.72
    hump = np.sqrt(np.clip(1 - (x / reach) ** 2, 0, 1))
    crown = outline.lower - gap[_POINTS // 2] * (rise * hump)[:, None]
    below = outline.lower + gap[_POINTS // 2] * 0.3
    return painter.area(np.concatenate([crown, below[::-1]]))


def _paint_lines(
    painter: Painter, mouth: Mouth, shape: Shape, outline: Outline, apart: float
) -> None:
    thick = mouth.thickness
    # Thick outlines are drawn with a marker, which doesn't taper.
    blunt = float(np.clip((thick / apart - 0.03) / 0.06, 0, 1))
    if shape.open == 0:
        tip = 0.25 + 0.55 * blunt
        painter.lay(painter.area(_stroke(outline.upper, thick, tip)), mouth.ink.line)
        return
    pen = thick * (1 - 0.35 * blunt)
    lower = painter.area(_stroke(outline.lower, pen * 0.8, 0.35 + 0.4 * blunt))
    upper = painter.area(_stroke(outline.upper, pen * 1.1, 0.45 + 0.3 * blunt))
    painter.lay(lower, mouth.ink.line, 0.9 + 0.1 * blunt)
    painter.lay(upper, mouth.ink.line)


def _add_shade(painter: Painter, mouth: Mouth, shape: Shape, outline: Outline) -> None:
    """The shade that the art draws under the lower lip rides down with the lip."""
    if mouth.shade is None:
        return
    middle = _POINTS // 2
    down = float(outline.lower[middle, 1] - outline.upper[middle, 1])
    narrow = 1 - 0.4 * max(0.0, -shape.wide)
    x = mouth.centre[0] - mouth.patch.left
    left, top = painter.origin
    shift = mouth.centre[0] - left - narrow * x
    matrix = np.array([[narrow, 0, shift], [0, 1, down + mouth.patch.top - top]])
    faded = mouth.shade * np.float32(max(0.0, 1 - 4 * shape.open))
    moved = f32(cv2.warpAffine(faded, matrix, painter.size, flags=cv2.INTER_LINEAR))
    painter.behind(mouth.shade_colour, moved)


def _stroke(line: NDArray[np.float64], thick: float, tip: float) -> NDArray[np.float64]:
    """The outline of a line drawn with a pen that presses less towards the ends."""
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    x = np.linspace(-1, 1, len(line))
    press = tip + (1 - tip) * (1 - np.abs(x) ** 2.5)
    side = across * (thick * press / 2)[:, None]
    return np.concatenate([line + side, (line - side)[::-1]])
