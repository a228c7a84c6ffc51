"""The face mesh: 468 points fitted to one face, and what follows from them.

Point numbers are those of MediaPipe's canonical face mesh. "Left" is the side of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Anchors, Box
from charafy.engines.portrait.finding.faces import Face, Rgb, as_rgb
from charafy.engines.portrait.finding.networks import Floats, Network

SIDE: Final = 192
MARGIN: Final = 1.5
"""Side of the square that the network sees, by the face's longer side."""
ROUNDS: Final = 3
"""Each round looks again with the square that the points of the last one suggest."""

LEFT_EYE: Final = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
RIGHT_EYE: Final = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
"""Outer corner, upper lid to the inner corner, lower lid back."""
INNER_UPPER: Final = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER: Final = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
OUTER_UPPER: Final = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
OUTER_LOWER: Final = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
CHIN: Final = 152
NOSE: Final = 1
CHEEKS: Final = (234, 454)
"""Where the face ends before the ears."""


@dataclass(frozen=True, slots=True)
class Square:
    """What the network is shown: a turned square of the picture, in its pixels."""

    centre: tuple[float, float]
    side: float
    roll: float
    """Radians, clockwise."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """A fitted mesh."""

    points: Floats
    """[468, 3], pixels of the picture; depth negative towards the viewer."""
    presence: float
    """0..1: how sure the network is that it looks at a face."""

    @property
    def eye_distance(self) -> float:
        """Between the outer corners of the eyes, in pixels."""
        return float(np.linalg.norm(self.points[263, :2] - self.points[33, :2]))


def around(face: Face) -> Square:
    """The square that a detected face suggests."""
    centre = (face.x + face.width / 2, face.y + face.height / 2)
    return Square(centre, face.size * MARGIN, face.roll)


def around_anchors(anchors: Anchors) -> Square:
    """The square that eyes, mouth and chin placed by hand suggest."""
    left, right = np.array(anchors.left_eye.centre), np.array(anchors.right_eye.centre)
    eyes = (left + right) / 2
    down = np.array(anchors.chin) - eyes
    across = right - left
    # Eyes stand in the middle between crown and chin; the mesh ends at the hairline.
    centre = eyes + down * 0.25
    side = float(np.hypot(*down)) * 1.5 * MARGIN
    roll = float(np.arctan2(across[1], across[0]))
    return Square((float(centre[0]), float(centre[1])), side, roll)


def fit(network: Network, picture: Rgb, square: Square) -> Mesh | None:
    """The mesh of the face in `square`, or None when the network loses it."""
    mesh = None
    for _ in range(ROUNDS):
        mesh = _look(network, picture, square)
        if not np.isfinite(mesh.points).all():
            return None
        square = _around_points(mesh.points)
        if square.side < 8:
            return None
    return mesh


def box(points: NDArray[np.float32]) -> Box:
    """Hairline to chin, ear to ear."""
    (x0, y0), (x1, y1) = points[:, :2].min(0), points[:, :2].max(0)
    return Box(float(x0), float(y0), float(x1 - x0), float(y1 - y0))


def anchors(points: NDArray[np.float32]) -> Anchors:
    """Eyes, mouth and chin of a fitted mesh."""
    return Anchors(
        left_eye=box(points[list(LEFT_EYE)]),
        right_eye=box(points[list(RIGHT_EYE)]),
        mouth=box(points[[*OUTER_UPPER, *OUTER_LOWER]]),
        chin=(float(points[CHIN, 0]), float(points[CHIN, 1])),
    )


def roll(points: NDArray[np.float32]) -> float:
    """Radians, clockwise on the picture."""
    across = points[263] - points[33]
    return float(np.arctan2(across[1], across[0]))


def yaw(points: NDArray[np.float32]) -> float:
    """Radians, positive when the face is turned to the picture's right.

    By the plane through both cheeks, forehead and chin: depth over width.
    """
    across = points[CHEEKS[1]] - points[CHEEKS[0]]
    return float(np.arctan2(across[2], np.hypot(across[0], across[1])))


def pitch(points: NDArray[np.float32]) -> float:
    """Radians, positive when the face looks down."""
    down = points[CHIN] - points[10]
    return float(-np.arctan2(down[2], np.hypot(down[0], down[1])))


def _around_points(points: Floats) -> Square:
    """Of the face's own upright box, so that a turned head is not shown smaller."""
    across = points[263, :2] - points[33, :2]
    roll = float(np.arctan2(across[1], across[0]))
    turn = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    upright = points[:, :2] @ turn.T
    low, high = upright.min(0), upright.max(0)
    centre = (low + high) / 2 @ turn
    return Square((float(centre[0]), float(centre[1])), float((high - low).max()) * MARGIN, roll)


def _look(network: Network, picture: Rgb, square: Square) -> Mesh:
    import cv2

    part, corner, scale = _part(picture, square)
    to_square = _turn(square, corner, scale)
    seen = cv2.warpAffine(part, to_square, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
    output, presence = network.run(seen.astype(np.float32) / np.float32(255))
    local = output.reshape(468, 3)
    back = cv2.invertAffineTransform(to_square)
    points = np.empty((468, 3), np.float32)
    points[:, :2] = (local[:, :2] @ back[:, :2].T + back[:, 2]) / scale + corner
    points[:, 2] = local[:, 2] * square.side / SIDE
    return Mesh(points, float(1 / (1 + np.exp(-float(presence.ravel()[0])))))


def _part(picture: Rgb, square: Square) -> tuple[Rgb, NDArray[np.float64], float]:
    """What the square may show, its corner in the picture, and how much smaller it was made.

    Sampling far below one pixel per pixel would alias: large parts go down by areas first.
    """
    import cv2

    reach = square.side * 0.75
    height, width = picture.shape[:2]
    x, y = square.centre
    left, top = int(np.clip(x - reach, 0, width - 1)), int(np.clip(y - reach, 0, height - 1))
    right = int(np.clip(x + reach + 1, left + 1, width))
    bottom = int(np.clip(y + reach + 1, top + 1, height))
    part, scale = picture[top:bottom, left:right], 1.0
    if square.side > 2 * SIDE:
        scale = 2 * SIDE / square.side
        size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
        part = as_rgb(cv2.resize(part, size, interpolation=cv2.INTER_AREA))
    return part, np.array([left, top], np.float64), scale


def _turn(square: Square, corner: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """[2, 3]: from the (scaled) part of the picture to what the network sees."""
    zoom = SIDE / (square.side * scale)
    cos, sin = np.cos(square.roll) * zoom, np.sin(square.roll) * zoom
    x, y = (np.array(square.centre) - corner) * scale
    return np.array(
        [[cos, sin, SIDE / 2 - cos * x - sin * y], [-sin, cos, SIDE / 2 + sin * x - cos * y]]
    )
