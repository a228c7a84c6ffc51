"""A face, what it does and what it says -> one video file.

Audio is the clock: every frame is drawn for the moment of the sound at which it is shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from charafy.engines.portrait import Pose, Renderer, Rgba, Rig
from charafy.kernel.media.audio import SAMPLE_RATE, Pcm
from charafy.kernel.media.video import Film, VideoFormat
from charafy.videos.scene import Backdrop, Rgb, plate_for

TAIL_S: Final = 0.3
"""The mouth comes to rest after the last sound."""


class Face(Protocol):
    """Something that can be filmed: a rig with its renderer, or sprites."""

    def frame(self, pose: Pose) -> Rgba:
        """[height, width, 4] with alpha; valid until the next call."""
        ...

    def frame_over(self, pose: Pose, plate: Rgb) -> Rgb:
        """The same drawn on an opaque plate, which it leaves as it is."""
        ...

    def plate(self) -> Rgba:
        """The picture's own background."""
        ...


class Moves(Protocol):
    """What the face does."""

    def poses(self, fps: float) -> Iterator[Pose]:
        """One for every frame, the first at 0 s."""
        ...


@dataclass(frozen=True, slots=True)
class RigFace:
    """A rig in the hands of a renderer."""

    rig: Rig
    renderer: Renderer

    def frame(self, pose: Pose) -> Rgba:
        return self.renderer.frame(self.rig, pose)

    def frame_over(self, pose: Pose, plate: Rgb) -> Rgb:
        return self.renderer.frame_over(self.rig, pose, plate)

    def plate(self) -> Rgba:
        return self.renderer.plate(self.rig)


@dataclass(frozen=True, slots=True)
class Filmed:
    """What was made."""

    duration_s: float
    frames: int
    width: int
    height: int


def frames_of(speech_s: float, fps: int) -> int:
    """How many frames a video of `speech_s` seconds of sound has."""
    return math.ceil(round((speech_s + TAIL_S) * fps, 6))


def film(
    path: Path,
    face: Face,
    moves: Moves,
    pcm: Pcm,
    *,
    fps: int = 25,
    backdrop: Backdrop | None = None,
    video_format: VideoFormat = "mp4",
    on_frame: Callable[[float], None] = lambda done: None,
) -> Filmed:
    """Film the speech `pcm` (mono at `SAMPLE_RATE`) into `path`, which must not matter yet.

    `on_frame` hears after every frame how much is done, 0..1; what it raises ends the work and
    leaves an unplayable file. Raises `OSError` when the disk is full.
    """
    backdrop = backdrop or Backdrop()
    own = face.plate()
    height, width = own.shape[:2]
    plate = plate_for(backdrop, own)
    count = frames_of(len(pcm) / SAMPLE_RATE, fps)
    with Film(
        path,
        pcm,
        width=width,
        height=height,
        fps=fps,
        video_format=video_format,
        transparent=plate is None,
    ) as out:
        for number, pose in enumerate(_exactly(count, moves.poses(fps)), 1):
            out.show(face.frame(pose) if plate is None else face.frame_over(pose, plate))
            on_frame(number / count)
    return Filmed(count / fps, count, width, height)


def _exactly(count: int, poses: Iterator[Pose]) -> Iterator[Pose]:
    """The first `count` poses; when there are fewer, the last one stays."""
    pose = Pose()
    for _ in range(count):
        pose = next(poses, pose)
        yield pose
