"""A picture of a face becomes a rig, once per character."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Finding, Framing, Kind, NoFace, Rgba, Rig
from charafy.engines.portrait.photo import atlas, bases, interior, lids, mesh, plate, relax
from charafy.engines.portrait.photo.bases import Basis, Mouth
from charafy.engines.portrait.photo.framing import Crop, place
from charafy.engines.portrait.photo.landmarks import (
    CHIN_TIP,
    EYES,
    FOREHEAD_TOP,
    INNER_LOWER,
    INNER_UPPER,
    OVAL,
    Axes,
    Points,
    axes,
    smoothstep,
)
from charafy.engines.portrait.photo.mesh import FACE, Mesh
from charafy.engines.portrait.rigfile import pack_array

_MARGIN: Final = 0.045
"""Of the frame's shorter side: how far the person goes on beyond the frame."""
_GAZE: Final = (0.030, 0.014)
"""How far gaze 1 moves the iris, in spans."""
_TEETH_DEPTH: Final = 0.10
_SUBPIXEL: Final = 64
_COLUMNS: Final = 3


def bake(picture: Rgba, finding: Finding, framing: Framing) -> Rig:
    """Raises `NoFace` when the finding has no landmarks."""
    if finding.landmarks is None:
        raise NoFace(finding.problems)
    found = finding.landmarks
    height, width = picture.shape[:2]
    crop = place(found[FOREHEAD_TOP], found[CHIN_TIP], width, height, framing)
    points = crop.to_frame(found)
    margin = max(round(_MARGIN * min(framing.width, framing.height)), 4)
    colours, alpha = plate.person(picture, finding.matte, crop, margin)
    face = axes(points)
    net = mesh.build(points, face, framing.width, framing.height, margin)
    mouth = bases.measure(points, face)
    moves = [
        *bases.bases(net, points, face, mouth),
        *bases.body(net, points, face, _border(net, crop, finding.matte is None)),
    ]
    inner = slice(margin, margin + framing.height), slice(margin, margin + framing.width)
    beyond = crop.beyond(width, height, 0)
    textures = {
        "skin": np.dstack([plate.clean_edges(colours, alpha), alpha]),
        "plate": plate.background(colours[inner], _masked(alpha[inner], finding), beyond),
    }
    sprites, parts_data = _parts(textures["skin"], net, points, face, mouth, moves, margin)
    textures["parts"], places = atlas.pack(sprites)
    data = _data(net, moves, points, face, alpha if finding.matte is not None else None, margin)
    data |= {"parts": places, **_placed(parts_data, places)}
    return Rig(Kind.PHOTO, framing.width, framing.height, data, textures)


def _masked(alpha: NDArray[np.uint8], finding: Finding) -> NDArray[np.uint8]:
    return np.zeros_like(alpha) if finding.matte is None else alpha


def _border(net: Mesh, crop: Crop, still: bool) -> NDArray[np.float64]:
    if not still:
        return np.ones(len(net.vertices))
    size = np.array([crop.framing.width, crop.framing.height])
    near = np.minimum(net.vertices[:, :2], size - 1 - net.vertices[:, :2]).min(axis=1)
    return smoothstep(0, 0.08, near / min(size))


def _data(
    net: Mesh,
    moves: list[Basis],
    points: Points,
    face: Axes,
    alpha: NDArray[np.uint8] | None,
    margin: int,
) -> dict[str, object]:
    loose = alpha is not None
    border = 1.0 if loose else _frame_still(net, points, face)
    weights = bases.head_weights(net, points, face, loose) * border
    return {
        "margin": margin,
        "span": face.span,
        "across": face.across.tolist(),
        "down": face.down.tolist(),
        "pivot": (points[CHIN_TIP, :2] + 0.35 * face.height * face.down).tolist(),
        "pivot_depth": float(points[list(OVAL), 2].mean() + 0.25 * face.height),
        "vertices": pack_array(net.vertices.astype(np.float32)),
        "head": pack_array(weights.astype(np.float32)),
        "triangles": pack_array(_seen(net, alpha, margin).astype(np.uint16)),
        "eyes_from": net.eyes_from,
        "gaze": pack_array(net.gaze.astype(np.float32)),
        "gaze_reach": [reach * face.span for reach in _GAZE],
        "bases": [_packed(basis) for basis in moves],
    }


def _seen(net: Mesh, alpha: NDArray[np.uint8] | None, margin: int) -> mesh.Triangles:
    """Without triangles that show nothing of the person."""
    if alpha is None:
        return net.triangles
    grown = cv2.dilate((alpha > 0).astype(np.uint8), np.ones((5, 5), np.uint8))
    sums = cv2.integral(grown)
    corners = net.vertices[net.triangles, :2] + margin
    limit = np.array(alpha.shape[::-1])
    low = np.clip(np.floor(corners.min(axis=1)).astype(int), 0, limit)
    high = np.clip(np.ceil(corners.max(axis=1)).astype(int) + 1, 0, limit)
    shown = (
        sums[high[:, 1], high[:, 0]]
        - sums[low[:, 1], high[:, 0]]
        - sums[high[:, 1], low[:, 0]]
        + sums[low[:, 1], low[:, 0]]
    )
    return net.triangles[shown > 0]


def _frame_still(net: Mesh, points: Points, face: Axes) -> NDArray[np.float64]:
    """Without a matte the whole picture bends: not at the frame's border."""
    grid = net.vertices[FACE : net.eyes_from, :2]
    low, high = grid.min(axis=0), grid.max(axis=0)
    near = np.minimum(net.vertices[:, :2] - low, high - net.vertices[:, :2]).min(axis=1)
    return np.where(
        np.arange(len(net.vertices)) < FACE, 1, smoothstep(0.04, 0.14, near / min(high - low))
    )


def _packed(basis: Basis) -> dict[str, object]:
    steps = np.round(basis.offsets * _SUBPIXEL)
    moved = np.flatnonzero(np.abs(steps).max(axis=1) >= 1)
    return {
        "drivers": list(basis.drivers),
        "indices": pack_array(moved.astype(np.uint16)),
        "offsets": pack_array(np.clip(steps[moved], -32768, 32767).astype(np.int16)),
    }


def _parts(
    skin: Rgba,
    net: Mesh,
    points: Points,
    face: Axes,
    mouth: Mouth,
    moves: list[Basis],
    margin: int,
) -> tuple[dict[str, Rgba], dict[str, object]]:
    """Sprites by name, and the rig's data that refers to them."""
    sprites: dict[str, Rgba] = {}
    data: dict[str, object] = {"relax": None}
    softened = relax.patch(skin, points, face, mouth, bases.smiling(points, face, mouth), margin)
    if softened is not None:
        sprites["relaxed"], at = softened
        data["relax"] = {"part": "relaxed", "at": list(at)}
    data["lids"] = _lids(skin, sprites, net, points, face, moves, margin)
    data["mouth"] = _mouth(skin, sprites, points, face, mouth, margin)
    return sprites, data


def _lids(
    skin: Rgba,
    sprites: dict[str, Rgba],
    net: Mesh,
    points: Points,
    face: Axes,
    moves: list[Basis],
    margin: int,
) -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    faces = net.skin[(net.skin < FACE).all(axis=1)]
    for side, eye in zip(("left", "right"), EYES, strict=True):
        driver = f"blink_{side}"
        offsets = next(move.offsets for move in moves if move.drivers == (driver,))
        closed = points[:, :2] + offsets[:FACE]
        lid = lids.paint(skin, closed, points, eye, face, faces, margin)
        name = f"lid_{side}"
        sprites[name] = lid.image
        vertices, triangles = np.unique(lid.triangles, return_inverse=True)
        made.append(
            {
                "driver": driver,
                "part": name,
                "vertices": pack_array(vertices.astype(np.uint16)),
                "triangles": pack_array(triangles.reshape(-1, 3).astype(np.uint16)),
                "uv": closed[vertices] - np.array(lid.origin),
            }
        )
    return made


def _mouth(
    skin: Rgba, sprites: dict[str, Rgba], points: Points, face: Axes, mouth: Mouth, margin: int
) -> dict[str, object]:
    light = interior.light_of(skin, points, margin)
    texels = interior.texels_per_span(face.span)
    origin = _mouth_origin(points, face)
    opening = points[[*INNER_UPPER, *reversed(INNER_LOWER)], :2]
    own = None
    if mouth.gap > 0.045:
        own = interior.own_teeth(skin, opening, origin, face, margin, texels)
    upper = own or interior.teeth(light, mouth, texels, upper=True)
    made = {
        "teeth_upper": upper,
        "teeth_lower": interior.teeth(light, mouth, texels, upper=False),
        "tongue": interior.tongue(light, mouth, texels),
    }
    sprites.update({name: sprite.image for name, sprite in made.items()})
    return {
        "upper": pack_array(np.array(INNER_UPPER, np.uint16)),
        "lower": pack_array(np.array(INNER_LOWER, np.uint16)),
        "origin": origin.tolist(),
        "columns": _COLUMNS,
        "edge": max(0.7, 0.006 * face.span),
        "contact": 0.55 if mouth.gap > 0.03 else 0.0,
        "drop": bases.DROP * mouth.unit,
        "depth": _TEETH_DEPTH,
        "buccal": 0.75 if own else 1.0,
        "texels": texels,
        "lip_shadow": [0.5, 0.035],
        "floor_shadow": [0.8, 0.025],
        "cavity": interior.cavity(light).tolist(),
        **{name: {"part": name, "at": list(sprite.at)} for name, sprite in made.items()},
    }


def _mouth_origin(points: Points, face: Axes) -> Points:
    """Where the middle of the closed lips is, or would be."""
    corners = points[[INNER_UPPER[0], INNER_UPPER[-1]], :2].mean(axis=0)
    middle = 0.6 * points[13, :2] + 0.4 * points[14, :2]
    away = middle - corners
    return corners + face.down * (away @ face.down) + 0.5 * face.across * (away @ face.across)


def _placed(data: dict[str, object], places: dict[str, list[int]]) -> dict[str, object]:
    """Lids' texture coordinates counted from the atlas's first texel, packed."""
    placed = dict(data)
    lids_data = data["lids"]
    assert isinstance(lids_data, list)
    placed["lids"] = [
        {
            **lid,
            "uv": pack_array((lid["uv"] + np.array(places[lid["part"]][:2])).astype(np.float32)),
        }
        for lid in lids_data
    ]
    return placed
