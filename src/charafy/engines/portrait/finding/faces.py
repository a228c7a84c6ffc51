"""Faces in a picture: MediaPipe's short-range detector on overlapping squares of several sizes.

The network sees 128x128 pixels and finds faces from a tenth of that on: squares of half and a
quarter of the picture let it find small ones, a margin around the picture those that fill it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.finding.networks import Floats, Network

Rgb = NDArray[np.uint8]
"""[height, width, 3]."""


def as_rgb(pixels: object) -> Rgb:
    """OpenCV's answer, of which its types only say that it is an array of numbers."""
    return np.asarray(pixels, np.uint8)


SIDE: Final = 128
SCORE: Final = 0.5
"""A candidate of less isn't one: the model card's own threshold."""
SAME: Final = 0.3
"""Two boxes that share more of their union are one face."""
INSIDE: Final = 0.6
"""... or of the smaller one: a part of a face is no second face."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face's box (brows to chin), in pixels of the picture it was found in."""

    x: float
    y: float
    width: float
    height: float
    score: float
    eyes: tuple[tuple[float, float], tuple[float, float]]
    """Left and right on the picture when upright."""

    @property
    def size(self) -> float:
        return max(self.width, self.height)

    @property
    def roll(self) -> float:
        """Radians, clockwise on the picture."""
        (x0, y0), (x1, y1) = self.eyes
        return float(np.arctan2(y1 - y0, x1 - x0))

    def scaled(self, by: float) -> Face:
        """The same face in the picture at another size."""
        (x0, y0), (x1, y1) = self.eyes
        eyes = ((x0 * by, y0 * by), (x1 * by, y1 * by))
        return Face(self.x * by, self.y * by, self.width * by, self.height * by, self.score, eyes)


@dataclass(frozen=True, slots=True)
class _Square:
    """A view on the picture: corner (may lie outside) and side, in pixels."""

    x: float
    y: float
    side: float


def detect(network: Network, picture: Rgb) -> list[Face]:
    """All candidates, largest first, some of them false: the mesh tells (`Mesh.presence`).

    A face that is a fortieth of the longer side is found at best.
    """
    height, width = picture.shape[:2]
    found = _among(network, picture, [*_whole(width, height), *_grid(width, height, 2)])
    if not found:
        found = _among(network, picture, _grid(width, height, 4))
    return sorted(_apart(found), key=lambda face: -face.size)


def _whole(width: int, height: int) -> Iterator[_Square]:
    for margin in (1.0, 1.7):
        side = max(width, height) * margin
        yield _Square((width - side) / 2, (height - side) / 2, side)


def _grid(width: int, height: int, parts: int) -> Iterator[_Square]:
    """Squares of a part of the longer side, half overlapping, over the whole picture."""
    side = max(width, height) / parts
    for y in _starts(height, side):
        for x in _starts(width, side):
            yield _Square(x, y, side)


def _starts(length: int, side: float) -> Iterable[float]:
    if length <= side:
        return [(length - side) / 2]
    steps = int(np.ceil((length - side) / (side / 2))) + 1
    return [float(start) for start in np.linspace(0, length - side, steps)]


def _among(network: Network, picture: Rgb, squares: Iterable[_Square]) -> list[Face]:
    return [face for square in squares for face in _in_square(network, picture, square)]


def _in_square(network: Network, picture: Rgb, square: _Square) -> Iterator[Face]:
    boxes, logits = network.run(_view(picture, square))
    scores = 1 / (1 + np.exp(-np.clip(logits[:, 0], -60, 60)))
    for index in np.flatnonzero(scores >= SCORE):
        # Row: centre, size, six points (eyes, nose, mouth, ears), offset from the anchor.
        points = boxes[index].reshape(8, 2) / SIDE
        points[[0, 2, 3, 4, 5, 6, 7]] += _anchors()[index]
        points = points * square.side
        size = points[1]
        origin = np.array([square.x, square.y])
        corner = points[0] - size / 2 + origin
        eyes = points[2:4] + origin
        yield Face(
            float(corner[0]),
            float(corner[1]),
            float(size[0]),
            float(size[1]),
            float(scores[index]),
            ((float(eyes[0, 0]), float(eyes[0, 1])), (float(eyes[1, 0]), float(eyes[1, 1]))),
        )


def _view(picture: Rgb, square: _Square) -> Floats:
    """What the network sees of the square: -1..1, black outside of the picture."""
    import cv2

    x, y, side = round(square.x), round(square.y), round(square.side)
    height, width = picture.shape[:2]
    part = picture[max(0, y) : min(height, y + side), max(0, x) : min(width, x + side)]
    scale = SIDE / side
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    left, top = max(0, round(-x * scale)), max(0, round(-y * scale))
    canvas = np.zeros((SIDE, SIDE, 3), np.float32)
    small = small[: SIDE - top, : SIDE - left]
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas / np.float32(127.5) - np.float32(1)


@cache
def _anchors() -> NDArray[np.float64]:
    """[896, 2]: cell centres of a 16x16 grid twice, then of an 8x8 grid six times."""
    rows = []
    for cells, times in ((16, 2), (8, 6)):
        for y in range(cells):
            for x in range(cells):
                rows += [((x + 0.5) / cells, (y + 0.5) / cells)] * times
    anchors = np.array(rows)
    anchors.setflags(write=False)
    return anchors


def _apart(faces: Iterable[Face]) -> list[Face]:
    """Of boxes that show the same face, the surest."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if not any(_same(face, other) for other in kept):
            kept.append(face)
    return kept


def _same(one: Face, other: Face) -> bool:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if across <= 0 or down <= 0:
        return False
    shared = across * down
    areas = one.width * one.height, other.width * other.height
    return shared > SAME * (sum(areas) - shared) or shared > INSIDE * min(areas)
