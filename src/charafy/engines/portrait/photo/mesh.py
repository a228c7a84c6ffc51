"""The mesh: 468 points of the face, a grid around them, and eyeballs behind the lids."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.photo.landmarks import (
    EYES,
    INNER_LOWER,
    INNER_UPPER,
    OVAL,
    Axes,
    Eye,
    Points,
)

Triangles = NDArray[np.int32]
FACE: Final = 468
_CELLS: Final = 17
"""Of the outer grid along the frame's shorter side."""
_INSET: Final = 0.26
"""Of the way from the lids to the middle of the eye, where the eyeball moves wholly with gaze."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """Vertices in the frame's pixels and triangles in drawing order."""

    vertices: Points
    """[n, 3]: the face, the grid around it, then the eyeballs'."""
    triangles: Triangles
    skin: Triangles
    """Those that bend as one skin: everything but eyeballs and the inside of the mouth."""
    eyes_from: int
    gaze: NDArray[np.float64]
    """[n - eyes_from], 1 where the eyeball moves wholly with gaze."""


def topology() -> Triangles:
    """[852, 3] triangles of the face mesh; openings of eyes are filled, the mouth's isn't."""
    file = resources.files(__package__) / "topology.npy"
    with resources.as_file(file) as path:
        return np.asarray(np.load(path), np.int32)


def build(points: Points, axes: Axes, width: int, height: int, margin: int) -> Mesh:
    """The mesh of a face at 468 `points` in a frame of this size."""
    grid = _grid(points, axes, width, height, margin)
    vertices = np.concatenate([points, grid])
    all_face = topology()
    rings = [set(eye.ring) for eye in EYES]
    in_eye = np.array([any(set(t) <= ring for ring in rings) for t in all_face.tolist()])
    face = _ordered(vertices, all_face[~in_eye])
    outer = _around(vertices, face, width, height, margin)
    mouth = _mouth_opening()
    eyes_from = len(vertices)
    eyeballs, eye_triangles, gaze = _eyeballs(points, eyes_from)
    return Mesh(
        np.concatenate([vertices, eyeballs]),
        np.concatenate([outer, eye_triangles, mouth, face]),
        np.concatenate([outer, face]),
        eyes_from,
        gaze,
    )


def _grid(points: Points, axes: Axes, width: int, height: int, margin: int) -> Points:
    step = min(width, height) / _CELLS
    across = round((width + 2 * margin) / step) + 1
    along = round((height + 2 * margin) / step) + 1
    xs = np.linspace(-margin - 0.5, width + margin - 0.5, across)
    ys = np.linspace(-margin - 0.5, height + margin - 0.5, along)
    hull = cv2.convexHull(points[:, :2].astype(np.float32))
    kept = [
        (x, y)
        for y in ys
        for x in xs
        if cv2.pointPolygonTest(hull, (float(x), float(y)), True) < -step * 0.4
    ]
    away = np.array([-cv2.pointPolygonTest(hull, (float(x), float(y)), True) for x, y in kept])
    # Hair and neck curve away from the viewer, like the sides of the head do.
    rim = points[list(OVAL), 2].mean()
    depth = rim + 0.35 * np.minimum(away, 0.5 * axes.height)
    return np.column_stack([np.array(kept), depth])


def _ordered(vertices: Points, triangles: Triangles) -> Triangles:
    """From back to front; those that the picture shows from behind, or edge on, first of all.

    These are hidden at rest and have no texture of their own, but belong to the skin: without
    them it would have holes when it moves.
    """
    a, b, c = (vertices[triangles[:, i], :2] for i in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    hidden = area * np.sign(np.median(area)) <= 0
    depth = vertices[triangles, 2].mean(axis=1)
    return triangles[np.lexsort((-depth, ~hidden))]


def _around(vertices: Points, face: Triangles, width: int, height: int, margin: int) -> Triangles:
    """Triangles between the face's outline and the grid, and below the face near its outline.

    Those that the face covers deep inside are left out; around the outline they lie below it, so
    that no hole opens where parts of the face turn away.
    """
    indices = np.array([*OVAL, *range(FACE, len(vertices))])
    triangles = indices[_delaunay(vertices[indices, :2])]
    covered = np.zeros((height + 2 * margin, width + 2 * margin), np.uint8)
    for triangle in np.concatenate([face, *(_fan(eye) for eye in EYES), _mouth_opening()]):
        corners = np.round(vertices[triangle, :2] + margin).astype(np.int32)
        cv2.fillConvexPoly(covered, corners, 255)
    covered[...] = cv2.morphologyEx(covered, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    kept = []
    for triangle in triangles:
        corners = np.round(vertices[triangle, :2] + margin).astype(np.int32)
        x, y, w, h = cv2.boundingRect(corners)
        mask = np.zeros((h, w), np.uint8)
        cv2.fillConvexPoly(mask, corners - [x, y], 255)
        seen = covered[max(y, 0) : y + h, max(x, 0) : x + w]
        mask = mask[max(-y, 0) :, max(-x, 0) :][: seen.shape[0], : seen.shape[1]]
        if (mask & ~seen[: mask.shape[0], : mask.shape[1]]).any():
            kept.append(triangle)
    return np.array(kept, dtype=np.int32).reshape(-1, 3)


def _delaunay(points: Points) -> NDArray[np.intp]:
    low, high = points.min(axis=0) - 8, points.max(axis=0) + 8
    plane = cv2.Subdiv2D((int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])))
    known: dict[tuple[float, float], int] = {}
    for index, (x, y) in enumerate(points.astype(np.float32)):
        known.setdefault((float(x), float(y)), index)
        plane.insert((float(x), float(y)))
    triangles = []
    for x0, y0, x1, y1, x2, y2 in np.asarray(plane.getTriangleList()).tolist():
        corners = [known.get(corner, -1) for corner in ((x0, y0), (x1, y1), (x2, y2))]
        if min(corners) >= 0:
            triangles.append(corners)
    return np.array(triangles, dtype=np.intp).reshape(-1, 3)


def _fan(eye: Eye) -> Triangles:
    ring = eye.ring
    return np.array([(ring[0], ring[i], ring[i + 1]) for i in range(1, len(ring) - 1)], np.int32)


def _mouth_opening() -> Triangles:
    cells = []
    for i in range(10):
        upper, lower = INNER_UPPER[i : i + 2], INNER_LOWER[i : i + 2]
        cells += [(upper[0], upper[1], lower[1]), (upper[0], lower[1], lower[0])]
    return np.array([cell for cell in cells if len(set(cell)) == 3], np.int32)


def inset_of(eye: Eye) -> NDArray[np.int32]:
    """For each point of the ring, the two points its inner companion lies between (itself and
    the one across the opening)."""
    ring = list(eye.ring)
    across = [ring[0], *eye.lower, ring[8], *reversed(eye.upper)]
    return np.array([ring, across], dtype=np.int32).T


def _eyeballs(points: Points, first: int) -> tuple[Points, Triangles, NDArray[np.float64]]:
    vertices: list[NDArray[Any]] = []
    triangles: list[tuple[int, int, int]] = []
    gaze: list[float] = []
    for eye in EYES:
        base = first + len(gaze)
        rim, inner = eyeball_points(points, eye)
        vertices += [rim, inner]
        gaze += [0.0] * 16 + [1.0] * 16
        for i in range(16):
            j = (i + 1) % 16
            triangles += [
                (base + i, base + j, base + 16 + j),
                (base + i, base + 16 + j, base + 16 + i),
            ]
        for i in range(8):
            up, low = base + 16 + i, base + 16 + (16 - i) % 16
            up2, low2 = base + 17 + i, base + 16 + (15 - i)
            triangles += [(up, up2, low2), (up, low2, low)]
    kept = [t for t in triangles if len(set(t)) == 3]
    return np.concatenate(vertices), np.array(kept, np.int32), np.array(gaze)


def eyeball_points(points: NDArray[Any], eye: Eye) -> tuple[NDArray[Any], NDArray[Any]]:
    """The rim of an eyeball's visible part and the points inside of it, [16, k] each.

    Linear in `points`, so that it maps displacements of the lids as well.
    """
    pairs = inset_of(eye)
    rim = points[pairs[:, 0]]
    inner = rim * (1 - _INSET) + points[pairs[:, 1]] * _INSET
    left, right = points[eye.corners[0]], points[eye.corners[1]]
    inner[0] = left * (1 - 0.12) + right * 0.12
    inner[8] = right * (1 - 0.12) + left * 0.12
    return rim, inner
