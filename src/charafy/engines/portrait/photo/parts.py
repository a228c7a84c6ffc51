"""What is drawn beside the skin, and where it goes: lids, the mouth's inside, a relaxed smile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from charafy.engines.portrait import Rgba
from charafy.engines.portrait.photo import atlas, bases, interior, lids, relax
from charafy.engines.portrait.photo.bases import Basis
from charafy.engines.portrait.photo.face import Face
from charafy.engines.portrait.photo.landmarks import EYES, INNER_LOWER, INNER_UPPER, Points
from charafy.engines.portrait.photo.mesh import FACE, Mesh
from charafy.engines.portrait.rigfile import pack_array

_TEETH_DEPTH: Final = 0.10
_COLUMNS: Final = 3
_SHOWS_TEETH: Final = 0.045
"""Spans between the lips from which the picture's own teeth can be used."""
_NEEDS_LINE: Final = 0.03
"""Spans between the lips from which they have no line of their own when closed."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The atlas and the rig's data that refers to it."""

    atlas: Rgba
    data: dict[str, object]


def make(face: Face, net: Mesh, moves: Sequence[Basis]) -> Parts:
    """All parts of one face."""
    sprites: dict[str, Rgba] = {}
    softened = relax.patch(face, bases.smiling(face.points, face.axes, face.mouth))
    relaxed: dict[str, object] | None = None
    if softened is not None:
        sprites["relaxed"], at = softened
        relaxed = {"part": "relaxed", "at": list(at)}
    inside, mouth = _mouth(face)
    closed = _lids(face, net, moves)
    sprites |= inside | {f"lid_{side}": lid.image for side, (lid, _) in closed.items()}
    packed, places = atlas.pack(sprites)
    data: dict[str, object] = {
        "parts": places,
        "relax": relaxed,
        "lids": [_lid(side, *made, places[f"lid_{side}"]) for side, made in closed.items()],
        "mouth": mouth,
    }
    return Parts(packed, data)


def _lids(face: Face, net: Mesh, moves: Sequence[Basis]) -> dict[str, tuple[lids.Lid, Points]]:
    """By side: the painted lid and the landmarks while it is closed."""
    made: dict[str, tuple[lids.Lid, Points]] = {}
    triangles = net.skin[(net.skin < FACE).all(axis=1)]
    for side, eye in zip(("left", "right"), EYES, strict=True):
        offsets = next(move.offsets for move in moves if move.drivers == (f"blink_{side}",))
        closed = face.points[:, :2] + offsets[:FACE]
        made[side] = lids.paint(face, closed, eye, triangles), closed
    return made


def _lid(side: str, lid: lids.Lid, closed: Points, place: Sequence[int]) -> dict[str, object]:
    vertices, triangles = np.unique(lid.triangles, return_inverse=True)
    uv = closed[vertices] - np.array(lid.origin) + np.array(place[:2])
    return {
        "driver": f"blink_{side}",
        "part": f"lid_{side}",
        "vertices": pack_array(vertices.astype(np.uint16)),
        "triangles": pack_array(triangles.reshape(-1, 3).astype(np.uint16)),
        "uv": pack_array(uv.astype(np.float32)),
    }


def _mouth(face: Face) -> tuple[dict[str, Rgba], dict[str, object]]:
    """Sprites by name and the data of the mouth."""
    light = interior.light_of(face)
    texels = interior.texels_per_span(face.axes.span)
    origin = _mouth_origin(face)
    gap, unit = face.mouth.gap, face.mouth.unit
    own = interior.own_teeth(face, origin, texels) if gap > _SHOWS_TEETH else None
    sprites = {
        "teeth_upper": own or interior.upper_teeth(light, unit, texels),
        "teeth_lower": interior.lower_teeth(light, unit, texels),
        "tongue": interior.tongue(light, unit, texels),
    }
    data: dict[str, object] = {
        "upper": pack_array(np.array(INNER_UPPER, np.uint16)),
        "lower": pack_array(np.array(INNER_LOWER, np.uint16)),
        "origin": origin.tolist(),
        "columns": _COLUMNS,
        "edge": max(0.7, 0.006 * face.axes.span),
        "contact": 0.55 if gap > _NEEDS_LINE else 0.0,
        "drop": bases.DROP * unit,
        "depth": _TEETH_DEPTH,
        "buccal": 0.85 if own else 1.0,
        "texels": texels,
        "lip_shadow": [0.5, 0.035],
        "floor_shadow": [0.8, 0.025],
        "cavity": interior.cavity(light).tolist(),
        **{name: {"part": name, "at": list(sprite.at)} for name, sprite in sprites.items()},
    }
    return {name: sprite.image for name, sprite in sprites.items()}, data


def _mouth_origin(face: Face) -> Points:
    """Where the middle of the closed lips is, or would be."""
    points, axes = face.points, face.axes
    corners = points[[INNER_UPPER[0], INNER_UPPER[-1]], :2].mean(axis=0)
    away = 0.6 * points[13, :2] + 0.4 * points[14, :2] - corners
    return np.asarray(
        corners + axes.down * (away @ axes.down) + 0.5 * axes.across * (away @ axes.across)
    )
