"""A picture of a face becomes a rig, once per character."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Finding, Framing, Kind, NoFace, Rgba, Rig
from charafy.engines.portrait.photo import bases, body, mesh, parts, plate
from charafy.engines.portrait.photo.bases import Basis
from charafy.engines.portrait.photo.face import Face
from charafy.engines.portrait.photo.framing import Crop, place
from charafy.engines.portrait.photo.landmarks import CHIN_TIP, FOREHEAD_TOP, OVAL, axes
from charafy.engines.portrait.photo.mesh import Mesh, Triangles
from charafy.engines.portrait.photo.mouth import measure
from charafy.engines.portrait.rigfile import pack_array

_MARGIN: Final = 0.045
"""Of the frame's shorter side: how far the person goes on beyond the frame."""
_GAZE: Final = (0.030, 0.014)
"""How far gaze 1 moves the iris, in spans."""
_SUBPIXEL: Final = 64


def bake(picture: Rgba, finding: Finding, framing: Framing) -> Rig:
    """Raises `NoFace` when the finding has no landmarks."""
    if finding.landmarks is None:
        raise NoFace(finding.problems)
    found = finding.landmarks
    height, width = picture.shape[:2]
    crop = place(found[FOREHEAD_TOP], found[CHIN_TIP], width, height, framing)
    margin = max(round(_MARGIN * min(framing.width, framing.height)), 4)
    colours, alpha, people = plate.person(picture, finding.matte, crop, margin)
    loose = finding.matte is not None
    behind = _behind(colours, people, crop, picture, margin)
    skin = np.dstack([plate.clean_edges(colours, alpha), alpha])
    points = crop.to_frame(found)
    measured = axes(points)
    face = Face(skin, margin, points, measured, measure(points, measured))
    net = mesh.build(points, measured, framing.width, framing.height, margin)
    still = np.ones(len(net.vertices)) if loose else body.away_from_border(net)
    moves = [
        *bases.bases(net, points, measured, face.mouth),
        *body.movements(net, points, measured, still),
    ]
    made = parts.make(face, net, moves)
    data = _data(face, net, moves, body.head_weights(net, points, measured, still))
    data["triangles"] = pack_array(_seen(net, alpha, margin).astype(np.uint16))
    textures = {"skin": skin, "parts": made.atlas, "plate": behind}
    return Rig(Kind.PHOTO, framing.width, framing.height, data | made.data, textures)


def _behind(
    colours: NDArray[np.uint8], people: NDArray[np.uint8], crop: Crop, picture: Rgba, margin: int
) -> Rgba:
    height, width = crop.framing.height, crop.framing.width
    inner = slice(margin, margin + height), slice(margin, margin + width)
    beyond = crop.beyond(picture.shape[1], picture.shape[0], 0)
    return plate.background(colours[inner], people[inner], beyond)


def _data(
    face: Face, net: Mesh, moves: Sequence[Basis], head: NDArray[np.float64]
) -> dict[str, object]:
    measured = face.axes
    pivot = face.points[CHIN_TIP, :2] + 0.35 * measured.height * measured.down
    return {
        "margin": face.margin,
        "span": measured.span,
        "across": measured.across.tolist(),
        "down": measured.down.tolist(),
        "pivot": pivot.tolist(),
        "pivot_depth": float(face.points[list(OVAL), 2].mean() + 0.25 * measured.height),
        "vertices": pack_array(net.vertices.astype(np.float32)),
        "head": pack_array(head.astype(np.float32)),
        "eyes_from": net.eyes_from,
        "gaze": pack_array(net.gaze.astype(np.float32)),
        "gaze_reach": [reach * measured.span for reach in _GAZE],
        "bases": [_packed(basis) for basis in moves],
    }


def _seen(net: Mesh, alpha: NDArray[np.uint8], margin: int) -> Triangles:
    """Without triangles that show nothing of the person."""
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
    return np.asarray(net.triangles[shown > 0], np.int32)


def _packed(basis: Basis) -> dict[str, object]:
    steps = np.round(basis.offsets * _SUBPIXEL)
    moved = np.flatnonzero(np.abs(steps).max(axis=1) >= 1)
    return {
        "drivers": list(basis.drivers),
        "indices": pack_array(moved.astype(np.uint16)),
        "offsets": pack_array(np.clip(steps[moved], -32768, 32767).astype(np.int16)),
    }
