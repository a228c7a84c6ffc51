"""Closed lids: what a blink shows, painted from the skin around the eye and its lash line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Rgba
from charafy.engines.portrait.photo.face import Face
from charafy.engines.portrait.photo.landmarks import BROWS, Axes, Eye, Points
from charafy.engines.portrait.photo.mesh import Triangles
from charafy.engines.portrait.photo.plate import fill

_LASHES_ABOVE: Final = 0.040
_LASHES_BELOW: Final = 0.030
"""How far lashes and liner may reach from the opening, in spans."""


@dataclass(frozen=True, slots=True)
class Lid:
    """A patch of skin for one eye."""

    image: Rgba
    origin: tuple[int, int]
    """Frame pixels of its first texel."""
    triangles: Triangles
    """[k, 3], indices of the mesh's vertices."""


def paint(face: Face, closed: Points, eye: Eye, triangles: Triangles) -> Lid:
    """The lid of `eye`. `closed` are the landmarks during a blink, `triangles` all of the face."""
    skin, points, axes, margin = face.colours, face.points, face.axes, face.margin
    triangles = triangles[np.isin(triangles, [*eye.ring, *eye.fold]).any(axis=1)]
    corners = np.concatenate([points[triangles.ravel(), :2], closed[triangles.ravel(), :2]])
    low = np.floor(corners.min(axis=0)).astype(int) - 2
    high = np.ceil(corners.max(axis=0)).astype(int) + 3
    low = np.maximum(low, -margin)
    high = np.minimum(high, np.array([skin.shape[1], skin.shape[0]]) - margin)
    box = skin[low[1] + margin : high[1] + margin, low[0] + margin : high[0] + margin]
    size = (box.shape[0], box.shape[1])
    hidden = _hidden(points, eye, axes, low, size)
    others = _mask([points[list(BROWS[:10]), :2] - low, points[list(BROWS[10:]), :2] - low], size)
    ring = _mask([points[list(eye.ring), :2] - low], size)
    plain = _skin_like(box, (hidden < 0.01) & (others < 0.5))
    lid = fill(box, plain) + _grain(box, plain)
    lid = _shaded(lid, _edge(closed, eye, low, 33), axes)
    lid = _lashes(lid, _lash_colour(box, ring > 0.5), _edge(closed, eye, low, 41), axes.span)
    covered = np.zeros(size, np.uint8)
    for triangle in triangles:
        cv2.fillConvexPoly(covered, np.round(closed[triangle, :2] - low).astype(np.int32), 1)
    edge = max(0.02 * axes.span, 1.0)
    inside = cv2.distanceTransform(covered, cv2.DIST_L2, 3) / (2 * edge)
    alpha = np.minimum(np.clip(hidden * 1.5, 0, 1), np.clip(inside, 0, 1)) * (1 - others)
    image = np.dstack([np.clip(lid + 0.5, 0, 255), alpha * 255 + 0.5]).astype(np.uint8)
    return Lid(image, (int(low[0]), int(low[1])), triangles)


def _mask(polygons: list[NDArray[Any]], size: tuple[int, int]) -> NDArray[np.float32]:
    mask = np.zeros(size, np.uint8)
    for polygon in polygons:
        hull = cv2.convexHull(np.round(polygon * 16).astype(np.int32))
        cv2.fillConvexPoly(mask, hull, 255, cv2.LINE_AA, 4)
    return np.asarray(mask / np.float32(255), np.float32)


def _hidden(
    points: Points, eye: Eye, axes: Axes, low: NDArray[Any], size: tuple[int, int]
) -> NDArray[np.float32]:
    """1 where eye and lashes are at rest, fading outwards."""
    mask = (_mask([points[list(eye.ring), :2] - low], size) > 0.5).astype(np.uint8)
    above, below = (max(round(k * axes.span), 1) for k in (_LASHES_ABOVE, _LASHES_BELOW))
    kernel = np.zeros((2 * above + 1, 2 * below + 1), np.uint8)
    kernel[: above + below + 1] = cv2.getStructuringElement(
        cv2.MORPH_ELLIPSE, (2 * below + 1, above + below + 1)
    )
    grown = cv2.dilate(mask, kernel[::-1], anchor=(below, above))
    soft = cv2.GaussianBlur(grown.astype(np.float32), (0, 0), 0.012 * axes.span + 0.4)
    return np.asarray(soft, np.float32)


def _skin_like(box: NDArray[np.uint8], around: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without the rims of glasses, lashes and shine."""
    if not around.any():
        return around
    grey = box.mean(axis=2)
    usual = float(np.median(grey[around]))
    like = around & (grey > 0.75 * usual) & (grey < 1.35 * usual)
    return like if like.any() else around


def _grain(box: NDArray[np.uint8], plain: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Noise as strong as the skin's own finest texture; the same for the same size."""
    if not plain.any():
        return np.zeros((*box.shape[:2], 1), np.float32)
    grey = box.mean(axis=2).astype(np.float32)
    finest = (grey - cv2.GaussianBlur(grey, (0, 0), 1.0))[plain]
    strength = min(1.2 * float(np.median(np.abs(finest))), 6.0)
    noise = np.random.default_rng(1).standard_normal(box.shape[:2]).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.6)[..., None] * 2 * strength, np.float32)


def _edge(closed: Points, eye: Eye, low: NDArray[Any], count: int) -> Points:
    """The lash line of the closed lid: `count` points from corner to corner, smooth."""
    knots = closed[[eye.corners[0], *eye.upper, eye.corners[1]], :2] - low
    way = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(knots, axis=0).T))])
    at = np.linspace(0, way[-1], count)
    # A parabola through the knots is smoother than they are, and as near as a pixel.
    line = np.stack([np.polyval(np.polyfit(way, knots[:, k], 3), at) for k in (0, 1)], axis=1)
    return np.asarray(line)


def _shaded(lid: NDArray[np.float32], edge: Points, axes: Axes) -> NDArray[np.float32]:
    """The ball under the lid: lighter on its height, darker towards the lashes and corners."""
    ys, xs = np.mgrid[: lid.shape[0], : lid.shape[1]].astype(np.float64)
    spot = edge[16] - 0.07 * axes.span * axes.down
    away_x = ((xs - spot[0]) * axes.across[0] + (ys - spot[1]) * axes.across[1]) / axes.span
    away_y = ((xs - spot[0]) * axes.down[0] + (ys - spot[1]) * axes.down[1]) / axes.span
    ball = np.exp(-((away_x / 0.10) ** 2) - (away_y / 0.045) ** 2)
    line = np.full(lid.shape[:2], 255, np.uint8)
    cv2.polylines(line, [np.round(edge * 16).astype(np.int32)], False, 0, 1, cv2.LINE_8, 4)
    near = np.exp(-cv2.distanceTransform(line, cv2.DIST_L2, 3) / (0.03 * axes.span))
    shade = 1 + 0.05 * ball - 0.10 * near
    return np.asarray(lid * shade[..., None], np.float32)


def _lash_colour(box: NDArray[np.uint8], ring: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The darkest of what the eye shows."""
    if not ring.any():
        return np.array([40.0, 30.0, 30.0])
    grey = box.mean(axis=2)
    dark = ring & (grey <= np.percentile(grey[ring], 12))
    return np.asarray(np.median(box[dark], axis=0), np.float64)


def _lashes(
    lid: NDArray[np.float32], colour: NDArray[np.float64], edge: Points, span: float
) -> NDArray[np.float32]:
    """The line where closed lids meet, thickest in the middle."""
    scale = 4
    line = np.zeros((lid.shape[0] * scale, lid.shape[1] * scale), np.uint8)
    for i in range(len(edge) - 1):
        middle = 1 - abs(2 * (i + 0.5) / (len(edge) - 1) - 1)
        thick = max(1, round(scale * span * (0.007 + 0.012 * middle**0.7)))
        ends = [(edge[j] * scale + scale / 2) for j in (i, i + 1)]
        a, b = (tuple(np.round(end * 16).astype(int).tolist()) for end in ends)
        cv2.line(line, a, b, 255, thick, cv2.LINE_AA, 4)
    share = cv2.resize(line, (lid.shape[1], lid.shape[0]), interpolation=cv2.INTER_AREA)
    share = cv2.GaussianBlur(share.astype(np.float32) / 255, (0, 0), 0.004 * span + 0.25)
    share = np.clip(share * 0.92, 0, 1)[..., None]
    return np.asarray(lid * (1 - share) + colour * share, dtype=np.float32)
