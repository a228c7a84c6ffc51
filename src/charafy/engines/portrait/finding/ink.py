"""Boxes of a drawing's eyes and mouth, drawn tight around what is really drawn there.

Detectors give boxes that are a little large, small or beside. What differs from skin and hangs
together inside of a box's surroundings without running out of them is the feature itself; what
runs out of them is hair, glasses or an outline, and then the detector's box stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Anchors, Box
from charafy.engines.portrait.finding.faces import Rgb
from charafy.engines.portrait.finding.networks import Floats

WORKING_SPAN: Final = 160
"""Pixels between the eyes' centres at which ink is looked for."""
INK: Final = 16.0
"""Distance from skin, in CIELAB, that a drawn mark has."""
FAINT: Final = 9.0
"""... and a mouth's thin line."""
ROOM_EYE: Final = 0.35
ROOMS_MOUTH: Final = (0.8, 0.45)
"""How far around the box is looked, by its longer side."""
WIDE_ENOUGH: Final = 0.7
LEAST: Final = 0.01
"""Share of the surroundings that a feature covers at least: less is a freckle or a highlight."""
UNLIKE: Final = 1.7
"""Two eyes differ by that factor at most; else one of them is something else."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """A connected mark: its box in pixels of the part, and how much of the part it covers."""

    x: int
    y: int
    width: int
    height: int
    area: int


def tightened(picture: Rgb, guess: Anchors) -> Anchors:
    """The anchors with eyes and mouth as drawn, where that can be told."""
    import cv2

    span = guess.right_eye.centre[0] - guess.left_eye.centre[0]
    if span < 8:
        return guess
    scale = min(4.0, WORKING_SPAN / span)
    part, corner = _cut(picture, guess, span)
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small = np.asarray(cv2.resize(part, size, interpolation=way), np.float32) / np.float32(255)
    lab = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), np.float32)

    def to_part(box: Box) -> Box:
        x, y = box.x - corner[0], box.y - corner[1]
        return Box(x * scale, y * scale, box.width * scale, box.height * scale)

    def back(box: Box) -> Box:
        x, y = box.x / scale + corner[0], box.y / scale + corner[1]
        return Box(x, y, box.width / scale, box.height / scale)

    left, right, mouth = (to_part(b) for b in (guess.left_eye, guess.right_eye, guess.mouth))
    unlike_skin = _unlike_skin(lab, left, right, mouth)
    ink = unlike_skin > INK
    eyes = left, right
    one, other = _eye(ink, left), _eye(ink, right)
    if one is not None and other is not None and _alike(one, other):
        eyes = one, other
    drawn_mouth = _mouth(unlike_skin, mouth) or mouth
    return Anchors(back(eyes[0]), back(eyes[1]), back(drawn_mouth), guess.chin)


def _cut(picture: Rgb, guess: Anchors, span: float) -> tuple[Rgb, tuple[int, int]]:
    height, width = picture.shape[:2]
    x, y = guess.left_eye.centre
    left, top = int(np.clip(x - span, 0, width - 1)), int(np.clip(y - span, 0, height - 1))
    right = int(np.clip(x + 2 * span, left + 1, width))
    bottom = int(np.clip(guess.chin[1] + 0.3 * span, top + 1, height))
    return picture[top:bottom, left:right], (left, top)


def _unlike_skin(lab: Floats, left: Box, right: Box, mouth: Box) -> Floats:
    """Distance in CIELAB from skin, which is what lies between the eyes and the mouth."""
    top = int(max(left.y + left.height, right.y + right.height))
    bottom = int(max(mouth.y, top + 4))
    across = lab[top:bottom, int(max(0, left.centre[0])) : int(max(4, right.centre[0]))]
    if across.size == 0:
        return np.zeros(lab.shape[:2], np.float32)
    colours = across.reshape(-1, 3)
    skin = np.median(colours, axis=0)
    nearest = np.argsort(np.linalg.norm(colours - skin, axis=1))[: max(1, len(colours) * 6 // 10)]
    skin = np.median(colours[nearest], axis=0)
    return np.asarray(np.linalg.norm(lab - skin, axis=2), np.float32)


def _eye(ink: NDArray[np.bool_], guess: Box) -> Box | None:
    """The mark nearest to where the eye should be."""
    side = max(guess.width, guess.height)
    half_width = guess.width / 2 + ROOM_EYE * side
    half_height = max(guess.height / 2 + ROOM_EYE * side, 0.95 * side)
    x, y = guess.centre
    marks, corner, size = _marks(
        ink, x - half_width, y - half_height, x + half_width, y + half_height
    )
    if not marks:
        return None
    own = np.array([x - corner[0], y - corner[1]])

    def astray(mark: _Mark) -> float:
        centre = np.array([mark.x + mark.width / 2, mark.y + mark.height / 2])
        away = np.maximum(np.abs(own - centre) - np.array([mark.width, mark.height]) / 2, 0)
        return float(np.hypot(*away) / side - 0.5 * (mark.area / size) ** 0.5)

    best = min(marks, key=astray)
    return Box(best.x + corner[0], best.y + corner[1], best.width, best.height)


def _mouth(unlike_skin: Floats, guess: Box) -> Box | None:
    """The mouth as drawn, rather about as wide as was guessed than a part of it."""
    narrow = None
    for room in ROOMS_MOUTH:
        for least in (FAINT, INK):
            found = _row(unlike_skin > least, guess, room)
            if found is not None and found.width >= WIDE_ENOUGH * guess.width:
                return found
            narrow = narrow or found
    return narrow


def _row(ink: NDArray[np.bool_], guess: Box, share: float) -> Box | None:
    """The widest mark and what lies in one row with it: a broken line, lips, tongue, teeth."""
    room = share * max(guess.width, guess.height)
    right, bottom = guess.x + guess.width + room, guess.y + guess.height + 0.6 * room
    marks, corner, _ = _marks(ink, guess.x - room, guess.y - 0.6 * room, right, bottom)
    if not marks:
        return None
    best = max(marks, key=lambda mark: mark.width * mark.area**0.5)
    reach = 0.35 * max(best.height, 0.25 * guess.width)
    row = [
        mark
        for mark in marks
        if mark.y < best.y + best.height + reach and mark.y + mark.height > best.y - reach
    ]
    x0, y0 = min(mark.x for mark in row), min(mark.y for mark in row)
    x1 = max(mark.x + mark.width for mark in row)
    y1 = max(mark.y + mark.height for mark in row)
    found = Box(x0 + corner[0], y0 + corner[1], x1 - x0, y1 - y0)
    aside = abs(found.centre[0] - guess.centre[0])
    if found.width < 0.4 * guess.width or aside > 0.4 * max(guess.width, found.width):
        return None
    return found


def _marks(ink: NDArray[np.bool_], *edges: float) -> tuple[Sequence[_Mark], tuple[int, int], int]:
    """Marks within left, top, right, bottom that don't run out of it, its corner and its area."""
    import cv2

    height, width = ink.shape
    left, top = max(0, int(edges[0])), max(0, int(edges[1]))
    right, bottom = min(width, int(edges[2])), min(height, int(edges[3]))
    part = ink[top:bottom, left:right]
    if part.size == 0:
        return [], (left, top), 1
    count, _, rows, _ = cv2.connectedComponentsWithStats(part.astype(np.uint8), connectivity=8)
    stats = np.asarray(rows)
    marks = [_Mark(*(int(value) for value in stats[number])) for number in range(1, count)]
    inside = [
        mark
        for mark in marks
        if mark.area >= LEAST * part.size
        and mark.x > 0
        and mark.y > 0
        and mark.x + mark.width < part.shape[1]
        and mark.y + mark.height < part.shape[0]
    ]
    return inside, (left, top), part.size


def _alike(one: Box, other: Box) -> bool:
    taller, wider = one.height / other.height, one.width / other.width
    # The far eye of a turned head is narrower; both stay equally high.
    apart = abs(one.centre[1] - other.centre[1]) / max(one.height, other.height)
    return 1 / UNLIKE < taller < UNLIKE and 1 / 2.2 < wider < 2.2 and apart < 1.2
