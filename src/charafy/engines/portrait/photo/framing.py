"""Where the frame goes on a picture, for any width and height, and the picture cut to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Framing

_FACE_OF_HEIGHT: Final = 0.40
"""Forehead to chin, of the frame's height: head and shoulders with air above."""
_FACE_OF_WIDTH: Final = 0.55
_LARGEST: Final = 1.2
"""How much larger the face may become than that before the picture is extended at its sides."""
_TALLEST: Final = 1.45
"""... and before it is extended above: people end where their picture ends, backgrounds don't."""
_FACE_CENTRE: Final = 0.44
"""Of the frame's height: where the middle between forehead and chin sits."""
_SHARPEN_FROM: Final = 1.2
"""Enlargements above this are sharpened a little: the eye misses edges more than detail."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A frame on a picture: frame = (picture - (x, y)) * scale. May reach beyond the picture."""

    x: float
    """Picture pixels: what lies on the frame's first column."""
    y: float
    scale: float
    """Frame pixels per picture pixel."""
    framing: Framing

    def to_frame(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """[..., 2] or [..., 3] points of the picture, in the frame's pixels; depth is scaled."""
        moved: NDArray[np.float64] = np.array(points, dtype=np.float64)
        # A pixel's centre is a whole number: half pixels keep both grids on each other.
        moved[..., 0] = (moved[..., 0] + 0.5 - self.x) * self.scale - 0.5
        moved[..., 1] = (moved[..., 1] + 0.5 - self.y) * self.scale - 0.5
        if moved.shape[-1] > 2:
            moved[..., 2:] *= self.scale
        return moved

    def cut(self, picture: NDArray[np.uint8], margin: int, border: int) -> NDArray[np.uint8]:
        """The picture under the frame and `margin` pixels around it; `border` is cv2's mode."""
        size = (self.framing.width + 2 * margin, self.framing.height + 2 * margin)
        seen, x, y = self._region(picture, margin)
        # Whole pixels are averaged first: what lies between sampled points counts too.
        fewer = max(int(1 / self.scale), 1)
        if fewer > 1:
            small = (max(seen.shape[1] // fewer, 1), max(seen.shape[0] // fewer, 1))
            seen = _u8(
                cv2.resize(
                    seen[: small[1] * fewer, : small[0] * fewer], small, None, 0, 0, cv2.INTER_AREA
                )
            )
        scale = self.scale * fewer
        if scale < 0.95:
            seen = _u8(cv2.GaussianBlur(seen, (0, 0), 0.45 / scale - 0.25))
        shift = (0.5 - np.array([self.x - x, self.y - y]) / fewer) * scale - 0.5 + margin
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        flags = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_LINEAR
        taken = _u8(cv2.warpAffine(seen, matrix, size, flags=flags, borderMode=border))
        if self.scale > _SHARPEN_FROM and taken.ndim == 3:
            soft = cv2.GaussianBlur(taken, (0, 0), 0.6 * self.scale + 0.6)
            taken = _u8(cv2.addWeighted(taken, 1.4, soft, -0.4, 0))
        return taken

    def _region(
        self, picture: NDArray[np.uint8], margin: int
    ) -> tuple[NDArray[np.uint8], int, int]:
        """The part of the picture that the frame needs, and its left and top."""
        reach = (margin + 2) / self.scale + 2
        left, top = max(int(self.x - reach), 0), max(int(self.y - reach), 0)
        right = math.ceil(self.x + self.framing.width / self.scale + reach)
        bottom = math.ceil(self.y + self.framing.height / self.scale + reach)
        return picture[top : max(bottom, top + 1), left : max(right, left + 1)], left, top

    def beyond(self, width: int, height: int, margin: int) -> NDArray[np.float32]:
        """How far outside a picture of this size each pixel lies, in frame pixels; 0 inside.

        On sides where the picture fills the frame, the margin counts as inside.
        """
        dx = _outside(self.x * self.scale, width * self.scale, self.framing.width, margin)
        dy = _outside(self.y * self.scale, height * self.scale, self.framing.height, margin)
        return np.asarray(np.hypot(dx[None, :], dy[:, None]), dtype=np.float32)


def place(
    forehead: NDArray[Any], chin: NDArray[Any], width: int, height: int, framing: Framing
) -> Crop:
    """The frame for a face on a picture of `width` x `height`.

    `forehead` and `chin` are (x, y) of the face's highest and lowest point on the picture. The
    picture's own borders are respected as long as the face doesn't become much too large; the
    frame never reaches below the picture.
    """
    face = max(float(np.hypot(*(np.asarray(chin) - np.asarray(forehead))[:2])), 1.0)
    wanted = min(_FACE_OF_HEIGHT * framing.height, _FACE_OF_WIDTH * framing.width) / face
    scale = max(
        min(max(wanted, framing.width / width), wanted * _LARGEST),
        min(max(wanted, framing.height / height), wanted * _TALLEST),
    )
    span_x, span_y = framing.width / scale, framing.height / scale
    middle_x = (float(forehead[0]) + float(chin[0])) / 2 + 0.5
    middle_y = (float(forehead[1]) + float(chin[1])) / 2 + 0.5
    x = _within(middle_x - span_x / 2, span_x, width)
    y = min(_within(middle_y - span_y * _FACE_CENTRE, span_y, height), height - span_y)
    return Crop(x, y, scale, framing)


def _within(start: float, span: float, length: int) -> float:
    """A start that keeps the span on the picture; as centred as asked when it is longer."""
    if span > length:
        return min(max(start, length - span), 0.0)
    return min(max(start, 0.0), length - span)


def _outside(start: float, length: float, frame: int, margin: int) -> NDArray[np.float64]:
    """Along one axis: how far each pixel of the frame with its margin is off the picture."""
    at = np.arange(-margin, frame + margin, dtype=np.float64)
    before, after = -start - at, at - (length - start - 1)
    if start > -0.5:
        before[:] = 0
    if length - start > frame - 0.5:
        after[:] = 0
    return np.maximum(np.maximum(before, after), 0)


def _u8(image: Any) -> NDArray[np.uint8]:
    return np.asarray(image, dtype=np.uint8)
