"""Coloured lips: the art's own are lifted off the skin and parted over the drawn inside."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.drawing.cels import Cel, Outline, Painter, Shape, paint_inside
from charafy.engines.portrait.drawing.colours import Floats, Rgb, f32
from charafy.engines.portrait.drawing.mouth import Mouth

_POINTS = 49


def part(mouth: Mouth, rgb: Rgb, shape: Shape, apart: float) -> Cel:
    """The lips of `mouth` in the frame `rgb`, open as `shape` says."""
    spread, rounded = max(0.0, shape.wide), max(0.0, -shape.wide)
    narrow = (1 + 0.07 * spread - 0.36 * rounded) * (1 - 0.05 * shape.open)
    outline = _outline(mouth, shape, apart, narrow)
    above, below = _heights(mouth)
    left, top, right, bottom = outline.bounds(1.0)
    place = (left, top - above, right, bottom + below)
    margin = 4 + mouth.thickness
    x0, y0 = np.floor(place[0] - margin), np.floor(place[1] - margin)
    size = int(np.ceil(place[2] + margin) - x0) + 1, int(np.ceil(place[3] + margin) - y0) + 1
    painter = Painter(size, np.array([x0, y0]))
    if shape.open > 0:
        paint_inside(painter, mouth, shape, outline, apart)
    for layer, alpha in _pieces(mouth, rgb, outline, narrow, painter):
        painter.cover(layer, alpha)
    box = (place[0] - x0, place[1] - y0, place[2] - x0, place[3] - y0)
    return Cel(painter.image(), box, place)


def _outline(mouth: Mouth, shape: Shape, apart: float, narrow: float) -> Outline:
    x = np.linspace(-1, 1, _POINTS)
    rounded, spread = max(0.0, -shape.wide), max(0.0, shape.wide)
    height = min(0.27 * apart, mouth.room) * shape.open**0.85
    height *= 1 - 0.25 * spread - 0.05 * rounded
    ends = np.abs(x)
    above = 0.10 * (1 - ends**2.4) * (1 - rounded) + 0.28 * np.sqrt(1 - ends**2) * rounded
    below = (1 - ends ** (2.0 + 0.6 * spread)) ** 0.85
    below = 0.90 * below * (1 - rounded) + 0.72 * np.sqrt(1 - ends**2) * rounded
    curve = _closed(mouth, x)
    across = x * mouth.width / 2 * narrow
    upper = np.stack([across, curve - height * above], axis=1)
    lower = np.stack([across, curve + height * below], axis=1)
    return Outline(mouth.to_frame(upper), mouth.to_frame(lower))


def _closed(mouth: Mouth, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height of the line between the lips over -1..1, mouth coordinates."""
    at = mouth.curve[:, 0] / max(mouth.width / 2, 1e-3)
    return np.asarray(np.interp(x, at, mouth.curve[:, 1]))


def _heights(mouth: Mouth) -> tuple[float, float]:
    """Of the upper and the lower lip at the middle, pixels."""
    rows = np.flatnonzero(mouth.found.any(axis=1)) + mouth.patch.top
    line = mouth.to_frame(mouth.curve)[:, 1]
    return float(max(line.min() - rows[0], 1)), float(max(rows[-1] - line.max(), 1))


def _pieces(
    mouth: Mouth,
    rgb: Rgb,
    outline: Outline,
    narrow: float,
    painter: Painter,
) -> list[tuple[Floats, Floats]]:
    """Lower and upper lip as colour and alpha, moved to their edges of the opening."""
    colour, alpha = _lifted(mouth, rgb)
    c, s = np.cos(mouth.tilt), np.sin(mouth.tilt)
    (width, height), (left, top) = painter.size, painter.origin
    gx = np.arange(width, dtype=np.float64)[None, :] + left - mouth.centre[0]
    gy = np.arange(height, dtype=np.float64)[:, None] + top - mouth.centre[1]
    x, y = c * gx + s * gy, c * gy - s * gx
    own_x = x / narrow
    line = _closed(mouth, own_x / (mouth.width / 2))
    pieces = []
    for edge, side in ((outline.lower, 1), (outline.upper, -1)):
        local_x, local_y = _local(mouth, edge)
        own_y = y - (np.interp(x, local_x, local_y) - line)
        own_y = np.where(np.abs(own_x) > mouth.width / 2, y, own_y)
        across = mouth.centre[0] + c * own_x - s * own_y - mouth.patch.left
        down = mouth.centre[1] + s * own_x + c * own_y - mouth.patch.top
        maps = across.astype(np.float32), down.astype(np.float32)
        moved = cv2.remap(colour, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        seen = cv2.remap(alpha, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        kept = mouth.thickness * (0.5 if side < 0 else 0.1)
        mine = np.clip(side * (own_y - line) + kept + 0.5, 0, 1)
        pieces.append((f32(moved), f32(seen * mine)))
    return pieces


def _local(mouth: Mouth, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    c, s = np.cos(mouth.tilt), np.sin(mouth.tilt)
    x, y = points[:, 0] - mouth.centre[0], points[:, 1] - mouth.centre[1]
    return c * x + s * y, c * y - s * x


def _lifted(mouth: Mouth, rgb: Rgb) -> tuple[Floats, Floats]:
    """Colour and alpha of the lips over the erased skin: together they are the picture."""
    picture = mouth.patch.of(rgb).astype(np.float32)
    off = picture - mouth.erased
    strength = np.linalg.norm(off, axis=-1)
    usual = float(np.median(strength[mouth.found])) if mouth.found.any() else 20.0
    alpha = np.clip(strength / max(0.6 * usual, 6.0), 0, 1) * (mouth.cover > 0.02)
    core = cv2.GaussianBlur(mouth.found.astype(np.float32), (0, 0), 1.0)
    alpha = np.maximum(alpha, np.clip(2 * core - 0.8, 0, 1))
    colour = mouth.erased + off / np.maximum(alpha, 0.05)[..., None]
    return np.clip(colour, 0, 255).astype(np.float32), alpha.astype(np.float32)
