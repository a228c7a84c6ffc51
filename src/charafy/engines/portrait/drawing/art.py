"""The picture cut to its frame, with the anchors in frame pixels and its colours measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Anchors, Box, Framing, Rgba
from charafy.engines.portrait.drawing.colours import (
    Floats,
    Rgb,
    Skin,
    line_width,
    measure_skin,
    patch,
    to_lab,
)
from charafy.engines.portrait.drawing.ground import behind, decided
from charafy.engines.portrait.photo.framing import Crop, place

_FACE: Final = 1.9
"""Height of a drawn face from hairline to chin, in distances from the eyes to the chin."""


@dataclass(frozen=True, slots=True)
class Art:
    """A drawing ready to be rigged. Everything is in frame pixels."""

    rgb: Rgb
    alpha: NDArray[np.uint8] | None
    """None for an opaque picture whose person isn't known."""
    plate: Rgb | None
    """The picture's own background with the person painted over; None where it has none."""
    lab: Floats
    eyes: tuple[Box, Box]
    """Left and right on the picture."""
    mouth: Box
    chin: tuple[float, float]
    skin: Skin
    line: float
    """Usual width of its lines; 0 where it has none."""

    @property
    def eye_distance(self) -> float:
        """Between the eyes' centres."""
        (ax, ay), (bx, by) = self.eyes[0].centre, self.eyes[1].centre
        return float(max(np.hypot(bx - ax, by - ay), 8.0))

    @property
    def between_eyes(self) -> tuple[float, float]:
        (ax, ay), (bx, by) = self.eyes[0].centre, self.eyes[1].centre
        return (ax + bx) / 2, (ay + by) / 2

    @property
    def axis(self) -> float:
        """x of the face's middle where its mouth may be."""
        return 0.3 * self.between_eyes[0] + 0.7 * self.chin[0]

    @property
    def drop(self) -> float:
        """From the eyes down to the chin."""
        return float(max(self.chin[1] - self.between_eyes[1], 8.0))


def prepare(
    picture: Rgba, anchors: Anchors, matte: NDArray[np.uint8] | None, framing: Framing
) -> Art:
    """`matte`: where the person is on an opaque picture, if that is known."""
    crop = _crop(picture, anchors, framing)
    rgb, alpha = _cut(picture, crop)
    left, right = _moved(crop, anchors.left_eye), _moved(crop, anchors.right_eye)
    apart = max(float(np.hypot(*np.subtract(left.centre, right.centre))), 8.0)
    eyes = (_bounded(left, 1.1 * apart), _bounded(right, 1.1 * apart))
    mouth = _bounded(_moved(crop, anchors.mouth), 1.6 * apart)
    x, y = crop.to_frame(np.array(anchors.chin))
    plate = None
    if alpha is None and matte is not None:
        end, low = eyes[1].x + eyes[1].width, mouth.y + mouth.height
        face = patch(eyes[0].x, eyes[0].y, end, low, rgb.shape)
        alpha = decided(rgb, crop.cut(matte, 0, cv2.BORDER_REPLICATE), face)
        plate = None if alpha is None else behind(rgb, alpha)
    lab = to_lab(rgb)
    below_eyes = max(eye.y + eye.height for eye in eyes)
    centres = sorted(eye.centre[0] for eye in eyes)
    between = patch(
        centres[0], min(below_eyes, mouth.y - 6), centres[1], max(mouth.y, below_eyes), rgb.shape
    )
    own = alpha if plate is None else None
    skin = measure_skin(lab, own, between)
    face = patch(eyes[0].x, below_eyes, eyes[1].x + eyes[1].width, float(y), rgb.shape)
    line = line_width(lab, skin, face, 0.13 * apart)
    return Art(rgb, alpha, plate, lab, eyes, mouth, (float(x), float(y)), skin, line)


def _crop(picture: Rgba, anchors: Anchors, framing: Framing) -> Crop:
    (ax, ay), (bx, by) = anchors.left_eye.centre, anchors.right_eye.centre
    chin = np.array(anchors.chin, dtype=np.float64)
    eyes = np.array([(ax + bx) / 2, (ay + by) / 2])
    height, width = picture.shape[:2]
    return place(chin + (eyes - chin) * _FACE, chin, width, height, framing)


def _cut(picture: Rgba, crop: Crop) -> tuple[Rgb, NDArray[np.uint8] | None]:
    height, width = picture.shape[:2]
    left, top = int(max(crop.x - 8, 0)), int(max(crop.y - 8, 0))
    right = int(min(crop.x + crop.framing.width / crop.scale + 8, width))
    bottom = int(min(crop.y + crop.framing.height / crop.scale + 8, height))
    # Only what the frame shows is worked on, however large the picture is.
    picture = picture[top : max(bottom, top + 1), left : max(right, left + 1)]
    crop = replace(crop, x=crop.x - left, y=crop.y - top)
    alpha = picture[..., 3]
    if alpha.min() > 250:
        return crop.cut(picture[..., :3], 0, cv2.BORDER_REPLICATE), None
    seen = crop.cut(alpha, 0, cv2.BORDER_CONSTANT)
    return crop.cut(_bled(picture), 0, cv2.BORDER_REPLICATE), seen


def _bled(picture: Rgba) -> Rgb:
    """Colours carried on under transparency, so that edges interpolate to the art's own."""
    solid = (picture[..., 3] > 127).astype(np.float32)
    colour = picture[..., :3].astype(np.float32)
    weight = cv2.GaussianBlur(solid, (0, 0), 2.0)[..., None]
    carried = cv2.GaussianBlur(colour * solid[..., None], (0, 0), 2.0) / np.maximum(weight, 1e-4)
    out = np.where(picture[..., 3:] > 8, colour, np.where(weight > 1e-3, carried, 0))
    return np.asarray(np.clip(out + 0.5, 0, 255), dtype=np.uint8)


def _moved(crop: Crop, box: Box) -> Box:
    x, y = crop.to_frame(np.array([box.x, box.y]))
    return Box(float(x), float(y), box.width * crop.scale, box.height * crop.scale)


def _bounded(box: Box, largest: float) -> Box:
    """The box at most `largest` and at least 2 pixels a side, around the same centre."""
    x, y = box.centre
    width, height = (float(np.clip(side, 2, largest)) for side in (box.width, box.height))
    return Box(x - width / 2, y - height / 2, width, height)
