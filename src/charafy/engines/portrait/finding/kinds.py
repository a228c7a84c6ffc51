"""Photo or drawing, by how its brightness changes around the face.

Drawings are flat areas and hard lines; photos are full of gradients in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from charafy.engines.portrait import Box, Kind
from charafy.engines.portrait.finding.faces import Rgb

SIDE: Final = 256
DRAWING_BELOW: Final = 1.5
PHOTO_ABOVE: Final = 3.05


@dataclass(frozen=True, slots=True)
class Look:
    """How a face crop of 256 pixels is drawn, as shares of its pixels."""

    hard: float
    """Gradients of lines."""
    soft: float
    """Gradients of modelled surfaces."""
    flat: float
    """No gradient at all."""

    @property
    def softness(self) -> float:
        return self.soft / max(self.hard, 1e-3)


def look(picture: Rgb, face: Box | None) -> Look:
    """Of the face with a quarter around it; of the whole picture without a face."""
    import cv2

    part = picture if face is None else _around(picture, face)
    scale = SIDE / max(part.shape[:2])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(part, None, fx=scale, fy=scale, interpolation=way)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0) / 8
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1) / 8
    steep = np.hypot(across, down)
    return Look(
        hard=float((steep > 12).mean()),
        soft=float(((steep >= 2) & (steep < 8)).mean()),
        flat=float((steep < 0.8).mean()),
    )


def judge(seen: Look) -> tuple[Kind, bool]:
    """The kind and whether it is certain."""
    if seen.softness < DRAWING_BELOW:
        return Kind.DRAWING, True
    if seen.softness > PHOTO_ABOVE:
        return Kind.PHOTO, True
    return Kind.PHOTO, False


def _around(picture: Rgb, face: Box) -> Rgb:
    margin = 0.25 * face.width
    height, width = picture.shape[:2]
    left, top = max(0, int(face.x - margin)), max(0, int(face.y - margin))
    right = min(width, max(left + 8, int(face.x + face.width + margin)))
    bottom = min(height, max(top + 8, int(face.y + face.height + margin)))
    part = picture[top:bottom, left:right]
    return part if part.size else picture
