"""Words that several parts of the API share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["ja", "en"]
AvatarType = Literal["sprite", "motion"]
AudioFormat = Literal["mp3", "wav", "flac", "opus", "aac", "pcm"]
Mode = Literal["video", "audio-only"]
PictureKind = Literal["photo", "drawing"]


@dataclass(frozen=True, slots=True)
class Point:
    """Shares of a picture's sides, from its top left corner."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Box:
    """Its top left corner and its sides, as shares of a picture's."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Anchors:
    """Where a face has what moves."""

    left_eye: Box
    right_eye: Box
    mouth: Box
    chin: Point
