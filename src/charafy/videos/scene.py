"""What stands behind the character in a video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Rgba

Rgb = NDArray[np.uint8]
"""[height, width, 3], red first."""

_BLUR: Final = 1 / 40
"""Sigma of the blurred background, of the frame's longer side."""


@dataclass(frozen=True, slots=True)
class Backdrop:
    """Behind the character: the photo's own background, made soft, a colour, a picture, nothing."""

    kind: Literal["keep", "blur", "colour", "image", "transparent"] = "keep"
    colour: tuple[int, int, int] = (255, 255, 255)
    image: Rgba | None = None


def plate_for(backdrop: Backdrop, own: Rgba) -> Rgb | None:
    """The opaque plate to draw on, of the size of `own` (the picture's own background).

    None for a transparent film.
    """
    height, width = own.shape[:2]
    match backdrop.kind:
        case "transparent":
            return None
        case "colour":
            return np.full((height, width, 3), backdrop.colour, np.uint8)
        case "image" if backdrop.image is not None:
            return _covering(backdrop.image, width, height)
        case "blur":
            return _blurred(_opaque(own))
        case _:
            return _opaque(own)


def _opaque(own: Rgba) -> Rgb:
    """A see-through background (a cut-out picture) stands on white."""
    if (own[..., 3] == 255).all():
        return np.ascontiguousarray(own[..., :3])
    from charafy.engines.portrait.over import over

    return over(own, np.full(own[..., :3].shape, 255, np.uint8))


def _blurred(plate: Rgb) -> Rgb:
    import cv2

    sigma = max(plate.shape[:2]) * _BLUR
    return np.asarray(cv2.GaussianBlur(plate, (0, 0), sigma), np.uint8)


def _covering(image: Rgba, width: int, height: int) -> Rgb:
    """The picture scaled to cover the frame, its middle shown."""
    import cv2

    scale = max(width / image.shape[1], height / image.shape[0])
    size = (max(width, round(image.shape[1] * scale)), max(height, round(image.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = np.asarray(cv2.resize(image, size, interpolation=way), np.uint8)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return _opaque(np.ascontiguousarray(scaled[top : top + height, left : left + width]))
