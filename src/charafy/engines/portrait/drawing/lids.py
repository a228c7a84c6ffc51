"""Closing the eye: skin painted over it from above, the art's own lash line carried down."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.drawing.art import Art
from charafy.engines.portrait.drawing.colours import Floats, f32, feathered, stacked
from charafy.engines.portrait.drawing.eyes import Eye

STATES: Final = 8
"""Cels from nearly open to closed."""
_CLOSED_AT: Final = 0.84
"""Of the eye's height, from the top: where a closed lid lies."""
_FINE: Final = 4


def lids(art: Art, eye: Eye) -> list[NDArray[np.uint8]]:
    """One straight-alpha cel of `eye.patch` per state; transparent where the eye still shows."""
    closings = np.linspace(0, 1, STATES + 1)[1:]
    if eye.dot:
        return [_dot(art, eye, float(closing)) for closing in closings]
    return [_lid(art, eye, float(closing)) for closing in closings]


def _lid(art: Art, eye: Eye, closing: float) -> NDArray[np.uint8]:
    xs, ys = eye.patch.grid()
    u = _across(eye, xs[0])
    top = np.interp(xs[0], eye.columns, eye.top)
    edge = top + (_closed_line(eye, u) - top) * closing
    colour = eye.erased.copy()
    cover = feathered(eye.mask, 1, 0.8)
    # The eye shows between the lash line and the lower lid until it is closed.
    below = np.clip(ys - (edge[None, :] + 0.35 * eye.lash) + 0.5, 0, 1)
    inside = 1 - _smooth(0.98, 1.10, np.abs(u))[None, :]
    open_ = below * inside * (1 - _smooth(0.86, 1.0, np.full(1, closing)))
    alpha = cover * (1 - open_)
    lash, opacity = _carried_lash(art, eye, (xs, ys, u, top, edge), closing)
    colour, alpha = _over(colour, alpha, lash, opacity)
    stroke = _stroke(eye, xs[0], edge, u)
    drawn = stroke * float(np.clip(3 * closing, 0, 1))
    colour, alpha = _over(colour, alpha, eye.colour, drawn)
    return stacked(colour, alpha)


def _carried_lash(
    art: Art,
    eye: Eye,
    shape: tuple[Floats, Floats, Floats, Floats, Floats],
    closing: float,
) -> tuple[Floats, Floats]:
    """The art's own lash pixels, moved with the lid, and their opacity: they give way to a drawn
    line."""
    xs, ys, u, top, edge = shape
    picture = eye.patch.of(art.rgb).astype(np.float32)
    rows = (ys - edge[None, :] + top[None, :] - eye.patch.top).astype(np.float32)
    columns = np.broadcast_to(xs - eye.patch.left, rows.shape).astype(np.float32)
    moved = cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    dark = cv2.remap(eye.dark, columns, rows, cv2.INTER_LINEAR)
    strip = np.clip(ys - edge[None, :] + 1.2, 0, 1)
    strip = strip * np.clip(edge[None, :] + eye.lash * (1 - 0.5 * closing) - ys + 0.5, 0, 1)
    strip = strip * (1 - _smooth(0.80, 0.97, np.abs(u)))[None, :]
    kept = 1 - 0.5 * float(np.clip(1.6 * closing, 0, 1))
    return f32(moved), f32(dark * strip * kept)


def _over(colour: Floats, alpha: Floats, top: Floats, opacity: Floats) -> tuple[Floats, Floats]:
    total = opacity + alpha * (1 - opacity)
    share = (opacity / np.maximum(total, 1e-6))[..., None]
    return (colour * (1 - share) + top * share).astype(np.float32), total.astype(np.float32)


def _closed_line(eye: Eye, u: Floats) -> Floats:
    """A closed lid sags: an arc between the corners, which stay where the lashes end."""
    high = float(np.percentile(eye.top, 8))
    tall = eye.height
    lowest = high + _CLOSED_AT * tall
    across = np.clip(u, -1, 1)
    corners = eye.top[0] + (eye.top[-1] - eye.top[0]) * (across + 1) / 2
    deepest = lowest - min(0.30 * tall, 0.26 * eye.width)
    corners = np.clip(corners, deepest, max(deepest, high + 0.68 * tall))
    return np.asarray(lowest - (lowest - corners) * across**2, dtype=np.float32)


def _stroke(eye: Eye, xs: Floats, edge: Floats, u: Floats) -> Floats:
    """Coverage of a pen stroke hanging from `edge`, thin at its ends."""
    thick = float(np.clip(0.9 * eye.lash, 1.6, 0.15 * eye.height))
    press = 0.35 + 0.65 * np.clip(1 - np.abs(u) ** 3, 0, 1)
    chosen = np.abs(u) <= 1.03
    x, y = xs[chosen] - eye.patch.left, edge[chosen] - eye.patch.top
    lower = y + np.maximum(1.2, thick * press[chosen])
    points = np.concatenate([np.stack([x, y], axis=1), np.stack([x, lower], axis=1)[::-1]])
    return _filled(points, eye)


def _filled(points: NDArray[np.floating], eye: Eye) -> Floats:
    fine = np.zeros((eye.patch.height * _FINE, eye.patch.width * _FINE), np.uint8)
    scaled = np.round(((points + 0.5) * _FINE - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(fine, [scaled], 255, cv2.LINE_8, 4)
    size = (eye.patch.width, eye.patch.height)
    small = cv2.resize(fine, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small.astype(np.float32) / 255, dtype=np.float32)


def _dot(art: Art, eye: Eye, closing: float) -> NDArray[np.uint8]:
    """A dot is squeezed into a short arc."""
    cover = feathered(eye.mask, 2, 0.6)
    x = (eye.columns[0] + eye.columns[-1]) / 2 - eye.patch.left
    y = (eye.top.min() + eye.bottom.max()) / 2 - eye.patch.top
    tall = eye.height
    line = max(1.6, min(0.17 * tall, art.line or 9.0))
    half = eye.width / 2 * (1 + 0.45 * closing)
    t = np.linspace(0, 2 * np.pi, 48)
    if closing < 0.85:
        ry = max(tall / 2 * (1 - closing), line / 2)
        points = np.stack(
            [x + half * np.cos(t), y + 0.10 * tall * closing + ry * np.sin(t)], axis=1
        )
    else:
        a = np.linspace(-1, 1, 25)
        middle = y + 0.02 * tall + 0.20 * tall * (1 - a * a)
        press = line / 2 * (0.6 + 0.4 * np.sqrt(1 - a * a))
        upper = np.stack([x + a * half, middle - press], axis=1)
        lower = np.stack([x + a * half, middle + press], axis=1)
        points = np.concatenate([upper, lower[::-1]])
    colour, alpha = _over(eye.erased.copy(), cover, eye.colour, _filled(points, eye))
    return stacked(colour, alpha)


def _across(eye: Eye, xs: Floats) -> Floats:
    """-1 at the left corner, 1 at the right one."""
    middle = (eye.columns[0] + eye.columns[-1]) / 2
    return np.asarray((xs - middle) / max(eye.width / 2, 1), dtype=np.float32)


def _smooth(start: float, end: float, x: NDArray[np.floating]) -> Floats:
    t = np.clip((x - start) / (end - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)
