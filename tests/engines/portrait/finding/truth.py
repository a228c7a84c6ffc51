"""Where eyes and mouths are, placed by hand on enlarged pictures, in pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

Point = tuple[float, float]
Edges = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class PhotoTruth:
    left_pupil: Point
    right_pupil: Point
    left_corner: Point
    """Of the mouth."""
    right_corner: Point


@dataclass(frozen=True, slots=True)
class DrawingTruth:
    left_eye: Edges
    right_eye: Edges
    mouth: Edges


PHOTOS: Final[Mapping[str, PhotoTruth]] = {
    "astronaut.jpg": PhotoTruth((203, 101), (247, 103), (204, 141), (244, 140)),
    "biden.jpg": PhotoTruth((421, 254), (516, 275), (403, 364), (501, 379)),
    "hopper.jpg": PhotoTruth((222, 190), (308, 187), (229, 277), (303, 277)),
    "obama.jpg": PhotoTruth((292, 213), (399, 212), (289, 320), (404, 319)),
}

LIP_LINES: Final[Mapping[str, Point]] = {
    "biden.jpg": (452, 366),
    "hopper.jpg": (268, 278),
    "emma.webp": (514, 610),
    "leo.webp": (511, 621),
}
"""A point on the line at which closed lips meet, near its middle."""

DRAWINGS: Final[Mapping[str, DrawingTruth]] = {
    "eileen.png": DrawingTruth((94, 154, 131, 190), (190, 154, 225, 190), (148, 221, 171, 225)),
    "lucy.png": DrawingTruth((157, 166, 194, 196), (232, 166, 269, 196), (203, 216, 222, 220)),
    "sylvie_blue.png": DrawingTruth((89, 88, 118, 117), (149, 83, 184, 115), (126, 142, 157, 148)),
    "sylvie_green.png": DrawingTruth((83, 87, 105, 117), (139, 84, 169, 117), (111, 142, 148, 158)),
    "lorelei.png": DrawingTruth((212, 221, 279, 261), (328, 215, 370, 258), (251, 313, 325, 335)),
    "open_peeps.png": DrawingTruth(
        (297, 254, 316, 285), (379, 254, 397, 285), (284, 325, 395, 374)
    ),
}
