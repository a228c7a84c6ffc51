"""Portrait: one picture of a face in, frames of that face speaking out.

    finding = Finder(models).find(picture)               # where the face is, what kind of picture
    rig = bake(picture, finding, Framing(512, 512))      # once per character
    for pose in track(cues, duration_s).poses(fps=25):   # what the face does, by the audio's clock
        rgba = renderer.frame(rig, pose)

Coordinates are pixels with x to the right, y down, the centre of the first pixel at (0, 0).
"Left" and "right" are sides of the picture, not of the person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Rgba = NDArray[np.uint8]
"""[height, width, 4], red first, straight (not premultiplied) alpha."""


class Kind(StrEnum):
    """Which way of animating a picture asks for."""

    PHOTO = "photo"
    """Photos and paintings with modelled light: the picture's own skin is bent."""
    DRAWING = "drawing"
    """Anime and illustrations: mouths and lids are drawn in the art's own line and colours."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the picture, in its pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Anchors:
    """What a person can place by hand: enough to animate a drawing."""

    left_eye: Box
    """Lash line to lower lid, corner to corner; of the eye at the left of the picture."""
    right_eye: Box
    mouth: Box
    chin: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a picture won't do, or will look worse than it could."""

    code: str
    """`no_face`, `several_faces`, `face_too_small`, `turned_away`, `mouth_hidden`, ..."""
    fatal: bool
    """Nothing can be baked from it as it is."""
    message: str
    """One sentence: what was seen."""
    hint: str
    """One sentence: what to do about it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in a picture. Coordinates are pixels of the picture."""

    kind: Kind
    kind_is_certain: bool
    """False when photo or drawing was a close call: worth asking the user."""
    faces: int
    face: Box | None
    """Hairline to chin, ear to ear; of the largest face."""
    anchors: Anchors | None
    landmarks: NDArray[np.float32] | None
    """[468, 3], x, y and depth in pixels (negative = nearer), MediaPipe's face mesh order; lips
    and lids refined. None where no mesh fits (most drawings)."""
    matte: NDArray[np.uint8] | None
    """[height, width], 255 where the person is; the picture's own alpha if it has some."""
    confidence: float
    """0..1, of face and anchors."""
    problems: tuple[Problem, ...]

    @property
    def usable(self) -> bool:
        return not any(problem.fatal for problem in self.problems)


class NoFace(ValueError):
    """Nothing can be baked from this picture; `problems` says why."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems[0].message if problems else "no face was found")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Framing:
    """The frame that a rig fills, in pixels: the face is placed and cropped for it while baking."""

    width: int = 512
    height: int = 512


@dataclass(frozen=True, slots=True)
class Pose:
    """What the face does at one moment. 0 everywhere is the picture as it was given.

    Mouth channels 0..1 (`wide` and `round` may go slightly below 0), lids 0 open .. 1 closed,
    gaze -1..1 (right and down positive), angles in radians, shifts in distances between the eyes'
    outer corners, breath 0..1.
    """

    open: float = 0.0
    """Jaw."""
    wide: float = 0.0
    round: float = 0.0
    upper: float = 0.0
    """Upper lip raised off the teeth."""
    lower: float = 0.0
    """Lower lip drawn down off the teeth."""
    press: float = 0.0
    """Lips pressed: p b m."""
    bite: float = 0.0
    """Lower lip to the upper teeth: f v."""
    tongue: float = 0.0
    """Tongue tip to the upper teeth: t d n l th."""
    smile: float = 0.0
    speaking: float = 0.0
    """0 = the picture's own expression at rest, 1 = a mouth at work: closes an open smile."""
    blink_left: float = 0.0
    blink_right: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    brow: float = 0.0
    """-1 lowered .. 1 raised."""
    yaw: float = 0.0
    """Positive turns the face to the picture's right."""
    pitch: float = 0.0
    """Positive nods down."""
    roll: float = 0.0
    """Positive is clockwise on the picture."""
    shift_x: float = 0.0
    shift_y: float = 0.0
    sway: float = 0.0
    """How far hair lags behind the head, in distances between the eyes."""
    breath: float = 0.0


CHANNELS: tuple[str, ...] = tuple(field.name for field in fields(Pose))
"""The order of a pose as a row of numbers, in files, streams and the browser."""


@dataclass(frozen=True, slots=True)
class Rig:
    """A face ready to move, as plain data: what a renderer needs and the browser loads.

    `data` is JSON-able (arrays by `rigfile.pack_array`); every picture it draws from is in
    `textures`, by name. See `rigfile` for how it is written to files and read again.
    """

    kind: Kind
    width: int
    height: int
    data: Mapping[str, object]
    textures: Mapping[str, Rgba]


class Renderer(Protocol):
    """Draws rigs. One at a time per instance; keeps what it prepared for recent rigs."""

    def frame(self, rig: Rig, pose: Pose) -> Rgba:
        """The face at this pose, [rig.height, rig.width, 4], transparent around the person.

        The array is the caller's until the next call.
        """
        ...

    def frame_over(self, rig: Rig, pose: Pose, plate: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The same frame drawn on an opaque RGB plate of its size, [height, width, 3].

        The plate is left as it is; the array is the caller's until the next call.
        """
        ...

    def plate(self, rig: Rig) -> Rgba:
        """What stands behind the person, opaque, of the same size: the picture's own background."""
        ...
