"""How the whole picture moves: one smooth field, made of a few weights times what the pose says.

Head and face move by different amounts, which reads as depth; hair ends lag behind; nothing is
cut out, so nothing can come apart. Around an opaque picture the field fades to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Box
from charafy.engines.portrait.drawing.art import Art
from charafy.engines.portrait.drawing.colours import Floats
from charafy.engines.portrait.drawing.eyes import Eye
from charafy.engines.portrait.drawing.mouth import Mouth

COLUMNS: Final = 65
"""Nodes across; as many rows as keep the cells square."""
_NEAR: Final = 0.35
"""How far the head's outline moves when the middle of the face moves 1."""


@dataclass(frozen=True, slots=True)
class Field:
    """Displacement = weights * (x, y), each a sum of channel * pixels."""

    weights: Floats
    """[rows, columns] 0..1."""
    x: Mapping[str, float] = field(default_factory=dict)
    y: Mapping[str, float] = field(default_factory=dict)
    pivot: tuple[float, float] | None = None
    """The point that `roll` turns about."""
    unless: str | None = None
    """A channel that takes the field away as it goes to 1."""


def rows_for(width: int, height: int) -> int:
    return max(2, round((height - 1) / (width - 1) * (COLUMNS - 1)) + 1)


def fields(art: Art, eyes: tuple[Eye, Eye], mouth: Mouth) -> list[Field]:
    grid = _grid(art)
    keep = _fading(art, *grid)
    outer = art.eyes[1].x + art.eyes[1].width - art.eyes[0].x
    moves = [*_head(art, grid, keep, max(outer, 8.0)), *_face(art, grid, mouth)]
    for eye, channel in zip(eyes, ("blink_left", "blink_right"), strict=True):
        moves.append(_gaze(eye, grid, channel))
    return moves


def _grid(art: Art) -> tuple[Floats, Floats]:
    height, width = art.rgb.shape[:2]
    xs = np.linspace(0, width - 1, COLUMNS, dtype=np.float32)[None, :]
    ys = np.linspace(0, height - 1, rows_for(width, height), dtype=np.float32)[:, None]
    return xs, ys


def _fading(art: Art, xs: Floats, ys: Floats) -> Floats:
    """1 around the face, 0 at the borders of an opaque picture."""
    if art.alpha is not None:
        return np.ones((ys.size, xs.size), dtype=np.float32)
    x, y, drop = *_face_centre(art), art.drop
    away = np.hypot((xs - x) / (2.6 * drop), (ys - (y - 0.4 * drop)) / (2.8 * drop))
    height, width = art.rgb.shape[:2]
    side = np.minimum(np.minimum(xs, width - 1 - xs) / (0.07 * width), 1)
    end = np.minimum(np.minimum(ys, height - 1 - ys) / (0.07 * height), 1)
    return (1 - smooth(0.62, 1.0, away)) * smooth(0, 1, side) * smooth(0, 1, end)


def _face_centre(art: Art) -> tuple[float, float]:
    (ex, ey), (cx, cy) = art.between_eyes, art.chin
    return 0.55 * ex + 0.45 * cx, 0.55 * ey + 0.45 * cy


def _head(art: Art, grid: tuple[Floats, Floats], keep: Floats, outer: float) -> list[Field]:
    xs, ys = grid
    x, y = _face_centre(art)
    drop, (chin_x, chin_y) = art.drop, art.chin
    head = (1 - smooth(chin_y + 0.02 * drop, chin_y + 1.15 * drop, ys)) * keep
    round_ = ((xs - x) / (1.05 * drop)) ** 2 + ((ys - y) / (1.15 * drop)) ** 2
    face = np.exp(-(round_**1.2)) * keep
    body = (1 - smooth(chin_y + 0.2 * drop, 1.02 * art.rgb.shape[0], ys)) * keep
    low = smooth(y, chin_y + 1.5 * drop, ys)
    hair = low * smooth(0.45 * drop, 1.2 * drop, np.abs(xs - chin_x)) * keep
    turn, nod = 0.95 * drop, 0.80 * drop
    return [
        Field(
            head,
            {"yaw": _NEAR * turn, "shift_x": outer},
            {"pitch": _NEAR * nod, "shift_y": outer},
            pivot=(chin_x, chin_y + 0.35 * drop),
        ),
        Field(face, {"yaw": (1 - _NEAR) * turn}, {"pitch": (1 - _NEAR) * nod}),
        Field(body, y={"breath": -0.022 * drop}),
        Field(hair, {"sway": art.eye_distance}),
    ]


def _face(art: Art, grid: tuple[Floats, Floats], mouth: Mouth) -> list[Field]:
    xs, ys = grid
    drop, apart, (chin_x, chin_y) = art.drop, art.eye_distance, art.chin
    jaw = _bump(xs, ys, (chin_x, chin_y + 0.02 * drop), 0.55 * drop, 0.26 * drop)
    brows = sum(_brow(eye, xs, ys) for eye in art.eyes)
    ends = mouth.to_frame(np.array([[-mouth.width / 2, 0.0], [mouth.width / 2, 0.0]]))
    wide = max(0.35 * mouth.width, 0.06 * apart)
    corners = sum(_bump(xs, ys, (end[0], end[1]), wide, 0.09 * apart) for end in ends)
    return [
        Field(jaw, y={"open": 0.06 * drop}),
        Field(np.clip(brows, 0, 1), y={"brow": -0.045 * drop}),
        Field(np.clip(corners, 0, 1), y={"smile": -0.035 * apart}),
    ]


def _brow(eye: Box, xs: Floats, ys: Floats) -> Floats:
    middle = (eye.centre[0], eye.y - 0.32 * eye.height)
    return _bump(xs, ys, middle, 0.60 * eye.width, 0.26 * eye.height)


def _gaze(eye: Eye, grid: tuple[Floats, Floats], blink: str) -> Field:
    """The eye's inside moves, its lids stay: nothing moves from the lash line outwards."""
    xs, ys = grid
    x = (eye.columns[0] + eye.columns[-1]) / 2
    y = (eye.top.min() + eye.bottom.max()) / 2
    across = np.clip(np.abs(xs - x) / (0.62 * eye.width), 0, 1)
    down = np.clip(np.abs(ys - y) / (0.66 * eye.height), 0, 1)
    weights = smooth(1.0, 0.0, across) * smooth(1.0, 0.0, down)
    reach = 0.5 if eye.dot else 0.105
    return Field(
        weights.astype(np.float32),
        {"gaze_x": min(reach * eye.width, 0.06 * eye.height * 10)},
        {"gaze_y": (0.14 if eye.dot else 0.06) * eye.height},
        unless=blink,
    )


def _bump(xs: Floats, ys: Floats, at: tuple[float, float], wide: float, tall: float) -> Floats:
    """A Gaussian that does come to an end."""
    off = ((xs - at[0]) / wide) ** 2 + ((ys - at[1]) / tall) ** 2
    return np.asarray(np.maximum(np.exp(-off) - 0.02, 0) / 0.98, dtype=np.float32)


def smooth(start: float, end: float, x: NDArray[np.floating]) -> Floats:
    """0 up to `start`, 1 from `end` on, smooth between."""
    t = np.clip((x - start) / (end - start), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)
