"""Eyes, mouth and chin of a drawn face: animeface at several scales, voting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Anchors, Box
from charafy.engines.portrait.finding.animeface import AnimeFace, Rect, ask
from charafy.engines.portrait.finding.faces import Rgb, as_rgb

FACE_SIDES: Final = (90, 140, 210)
"""Known faces are shown to the library at these sizes, in pixels."""
PICTURE_SIDES: Final = (300, 450, 600, 760)
"""Whole pictures are, at these longer sides ..."""
QUICK: Final = 2
"""... of which so many must do where something like a face was seen already."""
BORDER: Final = 0.12
"""Of the longer side, around the picture: the library misses faces at the very edge."""
SAME: Final = 0.4
SURE: Final = 0.9


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn face, in pixels of the picture."""

    face: Box
    anchors: Anchors
    likelihood: float
    votes: int
    """Scales that agree."""


@dataclass(frozen=True, slots=True)
class _View:
    """A part of the picture as the library is shown it."""

    left: float
    top: float
    scale: float
    pixels: Rgb


def find(picture: Rgb, near: Box | None, *, sure: bool) -> Drawn | None:
    """The drawn face: at `near` if there is one, then anywhere unless that one is `sure`."""
    found = _ask(list(_near(picture, near))) if near else []
    if not found and not sure:
        everywhere = list(_everywhere(picture))
        found = _ask(everywhere[:QUICK] if near else everywhere)
    return _elect(found) if found else None


def _ask(views: Sequence[_View]) -> list[AnimeFace]:
    answers = ask([view.pixels for view in views])
    return [
        _in_picture(face, view)
        for view, faces in zip(views, answers, strict=False)
        for face in faces
        if face.likelihood >= SURE
    ]


def _near(picture: Rgb, face: Box) -> Iterator[_View]:
    side = max(face.width, face.height) * 2
    x, y = face.centre
    y -= 0.05 * side
    for wish in FACE_SIDES:
        scale = wish * 2 / side
        yield _view(picture, x - side / 2, y - side / 2, side, scale)


def _everywhere(picture: Rgb) -> Iterator[_View]:
    longer = max(picture.shape[:2])
    side = longer * (1 + 2 * BORDER)
    height, width = picture.shape[:2]
    for wish in PICTURE_SIDES:
        scale = wish / longer
        yield _view(picture, (width - side) / 2, (height - side) / 2, side, scale)


def _view(picture: Rgb, left: float, top: float, side: float, scale: float) -> _View:
    import cv2

    height, width = picture.shape[:2]
    x0, y0 = max(0, round(left)), max(0, round(top))
    x1, y1 = min(width, round(left + side)), min(height, round(top + side))
    part = picture[y0:y1, x0:x1]
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    small = cv2.resize(part, size, interpolation=way)
    border = max(8, round(BORDER * max(size)))
    edges = (border, border, border, border)
    framed = as_rgb(cv2.copyMakeBorder(small, *edges, cv2.BORDER_REPLICATE))
    return _View(x0 - border / scale, y0 - border / scale, scale, framed)


def _in_picture(face: AnimeFace, view: _View) -> AnimeFace:
    def rect(box: Rect) -> Rect:
        x, y, width, height = box
        return (
            view.left + x / view.scale,
            view.top + y / view.scale,
            width / view.scale,
            height / view.scale,
        )

    chin = view.left + face.chin[0] / view.scale, view.top + face.chin[1] / view.scale
    return AnimeFace(
        face.likelihood,
        rect(face.face),
        rect(face.left_eye),
        rect(face.right_eye),
        rect(face.mouth),
        chin,
    )


def _elect(found: Sequence[AnimeFace]) -> Drawn:
    """Medians over those that agree with the one most agree with."""
    parties = [[other for other in found if _overlap(one.face, other.face) > SAME] for one in found]
    party = max(parties, key=lambda members: (len(members), members[0].face[2]))

    def middle(parts: list[Rect]) -> Box:
        x, y, width, height = (float(value) for value in np.median(np.array(parts), axis=0))
        return Box(x, y, width, height)

    chin: NDArray[np.float64] = np.median(np.array([face.chin for face in party]), axis=0)
    return Drawn(
        face=middle([face.face for face in party]),
        anchors=Anchors(
            left_eye=middle([face.left_eye for face in party]),
            right_eye=middle([face.right_eye for face in party]),
            mouth=middle([face.mouth for face in party]),
            chin=(float(chin[0]), float(chin[1])),
        ),
        likelihood=max(face.likelihood for face in party),
        votes=len(party),
    )


def _overlap(one: Rect, other: Rect) -> float:
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)
