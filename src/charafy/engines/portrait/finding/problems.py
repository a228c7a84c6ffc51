"""What can be wrong with a picture, said so that someone can do something about it.

Each threshold was set by looking at pictures on both sides of it; docs/decisions/finding-faces.md
has the figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Box, Problem
from charafy.engines.portrait.finding import mesh
from charafy.engines.portrait.finding.faces import Rgb
from charafy.engines.portrait.finding.lips import Mouth

TOO_SMALL: Final = 40
"""Pixels of a face's width: below, eyes are four pixels wide and no lips can be told apart."""
_WIDEST: Final = 1.5
"""A face that is wider than so many times its height counts as one of that width."""
SMALL: Final = 80
RIVAL: Final = 0.6
"""A second face of that share of the largest one's size may as well be the one that was meant."""
COMPANION: Final = 0.3
TURNED: Final = np.radians(42)
HALF_TURNED: Final = np.radians(22)
TILTED: Final = np.radians(60)
"""Clockwise or not: a head is never held like that, a picture is."""
OUTSIDE: Final = 0.08
"""Share of the face beyond the picture's edge that is still no loss worth a word."""
LOST: Final = 0.02
"""Distances between the eyes by which eyes and mouth may stick out."""
CLOSED: Final = 0.15
"""Mean openness of both eyes: smiling eyes are 0.21 open."""
GAPING: Final = 0.1
"""Gap between the lips, in distances between the eyes, that a resting mouth does not have."""
SMILE: Final = 0.4
"""Share of teeth in that gap that makes it a smile: closing it looks natural."""
DARK: Final = 45
"""Lightness of the skin, 0..255."""


def no_face() -> Problem:
    return Problem(
        "no_face",
        fatal=True,
        message="No face was found in this picture.",
        hint="Use a picture that shows one face from the front, well lit; in a drawing you can"
        " place eyes, mouth and chin by hand.",
    )


def face_sideways(quarter_turns: int) -> Problem:
    """`quarter_turns` to the right would set the face upright."""
    ways = {1: "a quarter to the right", 2: "upside down", 3: "a quarter to the left"}
    return Problem(
        "face_sideways",
        fatal=True,
        message="The face in this picture lies on its side or stands on its head.",
        hint=f"Turn the picture {ways[quarter_turns]} and upload it again.",
    )


def unsure_anchors() -> Problem:
    return Problem(
        "unsure_anchors",
        fatal=False,
        message="It is not certain where the eyes and the mouth of this drawing are.",
        hint="Check them, and place eyes, mouth and chin by hand where they are wrong.",
    )


def unsure_kind() -> Problem:
    return Problem(
        "unsure_kind",
        fatal=False,
        message="This picture could be a photo or a drawing.",
        hint="If the face moves oddly, choose photo or drawing yourself.",
    )


def of_crowd(sizes: Sequence[float]) -> Iterator[Problem]:
    """`sizes` of all faces, largest first."""
    rivals = sum(size >= RIVAL * sizes[0] for size in sizes[1:])
    if rivals:
        yield Problem(
            "several_faces",
            fatal=True,
            message=f"There are {len(sizes)} faces in this picture, {rivals + 1} of them about"
            " equally large.",
            hint="Crop the picture so that it shows the one person who is to speak.",
        )
    elif any(size >= COMPANION * sizes[0] for size in sizes[1:]):
        yield Problem(
            "several_faces",
            fatal=False,
            message=f"There are {len(sizes)} faces in this picture; the largest one will speak.",
            hint="Crop the picture if it is not the one you mean.",
        )


def of_size(face: Box) -> Iterator[Problem]:
    # A face placed by hand may be as flat as the strip of a picture that it was placed in.
    pixels = round(min(face.width, _WIDEST * face.height))
    if pixels < TOO_SMALL:
        yield Problem(
            "face_too_small",
            fatal=True,
            message=f"The face is only {pixels} pixels large.",
            hint=f"Use a picture in which it is at least {SMALL} pixels wide, better 200.",
        )
    elif pixels < SMALL:
        yield Problem(
            "face_too_small",
            fatal=False,
            message=f"The face is only {pixels} pixels large and will look blurred.",
            hint="Use a picture in which it is 200 pixels wide or more.",
        )


def of_edges(points: NDArray[np.float32], width: int, height: int) -> Iterator[Problem]:
    eyes = float(np.linalg.norm(points[263, :2] - points[33, :2]))
    needed = [*mesh.LEFT_EYE, *mesh.RIGHT_EYE, *mesh.OUTER_UPPER, *mesh.OUTER_LOWER]
    if _beyond(points[needed], width, height) > LOST * eyes:
        yield Problem(
            "face_cut_off",
            fatal=True,
            message="The edge of the picture cuts through the eyes or the mouth.",
            hint="Use a picture that shows the whole face with some room around it.",
        )
    elif _beyond(points, width, height) > OUTSIDE * mesh.box(points).height:
        yield Problem(
            "face_cut_off",
            fatal=False,
            message="The edge of the picture cuts off a part of the face.",
            hint="Use a picture that shows the whole face with some room around it.",
        )


def of_turn(points: NDArray[np.float32]) -> Iterator[Problem]:
    turn = abs(mesh.yaw(points))
    if turn > TURNED:
        yield Problem(
            "turned_away",
            fatal=True,
            message=f"The face is turned away, by about {round(np.degrees(turn))} degrees.",
            hint="Use a picture in which the face looks towards the camera.",
        )
    elif turn > HALF_TURNED:
        yield Problem(
            "turned_away",
            fatal=False,
            message="The face is turned to the side: its far half will move less well.",
            hint="A picture from the front looks more natural.",
        )


def of_eyes(openness: tuple[float, float]) -> Iterator[Problem]:
    if sum(openness) / 2 < CLOSED:
        yield Problem(
            "eyes_closed",
            fatal=False,
            message="The eyes look closed, so they cannot open while speaking.",
            hint="A picture with open eyes looks alive.",
        )


def of_mouth(mouth: Mouth) -> Iterator[Problem]:
    if mouth.gap > GAPING and mouth.teeth < SMILE:
        yield Problem(
            "mouth_open",
            fatal=False,
            message="The mouth is wide open, so its rest has to be guessed.",
            hint="A closed mouth or a smile that shows teeth looks more natural.",
        )


def of_light(picture: Rgb, face: Box) -> Iterator[Problem]:
    height, width = picture.shape[:2]
    left, top = int(np.clip(face.x, 0, width - 1)), int(np.clip(face.y, 0, height - 1))
    right, bottom = int(face.x + face.width) + 1, int(face.y + face.height) + 1
    part = picture[top : max(top + 1, bottom), left : max(left + 1, right)]
    lightness = float(np.percentile(part.astype(np.float32).mean(2), 70))
    if lightness < DARK:
        yield Problem(
            "too_dark",
            fatal=False,
            message="The face is very dark.",
            hint="Use a picture with light on the face.",
        )


def _beyond(points: NDArray[np.float32], width: int, height: int) -> float:
    """By how many pixels the points reach beyond the picture."""
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    return float(max(-low[0], -low[1], high[0] - width + 1, high[1] - height + 1, 0.0))
