"""What the art is made of: its skin, how far every pixel is from it, and how it draws lines.

Colours are measured in CIE Lab with L 0..100. Erasing paints skin over features, and takes it
from pixels known to be skin only: lines, hair and glasses are never smeared in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Rgb = NDArray[np.uint8]
Mask = NDArray[np.bool_]

_SKIN_NEAR: Final = 20.0
"""Lab distance up to which a pixel counts as skin."""
_SHADE_NEAR: Final = 16.0
"""Shaded or lit skin: the same hue, lightness at most 22 below."""


def f32(image: Any) -> Floats:
    return np.asarray(image, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Patch:
    """A rectangle of the frame, in whole pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def of(self, image: NDArray[Any]) -> NDArray[Any]:
        return image[self.top : self.bottom, self.left : self.right]

    def grid(self) -> tuple[Floats, Floats]:
        """x as a row and y as a column of frame coordinates."""
        xs = np.arange(self.left, self.right, dtype=np.float32)[None, :]
        ys = np.arange(self.top, self.bottom, dtype=np.float32)[:, None]
        return xs, ys


def patch(left: float, top: float, right: float, bottom: float, shape: tuple[int, ...]) -> Patch:
    """That rectangle rounded outwards and cut to an image of `shape`, at least 4 pixels a side."""
    height, width = shape[:2]
    x0 = int(np.clip(np.floor(left), 0, width - 4))
    y0 = int(np.clip(np.floor(top), 0, height - 4))
    x1 = int(np.clip(np.ceil(right) + 1, x0 + 4, width))
    y1 = int(np.clip(np.ceil(bottom) + 1, y0 + 4, height))
    return Patch(x0, y0, x1, y1)


def to_lab(rgb: NDArray[Any]) -> Floats:
    scaled = np.asarray(rgb, dtype=np.float32) / 255
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), dtype=np.float32)


def to_rgb(lab: Any) -> Floats:
    """One Lab colour as red, green, blue 0..255."""
    pixel = np.asarray(lab, dtype=np.float32).reshape(1, 1, 3)
    rgb = cv2.cvtColor(pixel, cv2.COLOR_LAB2RGB)[0, 0] * 255
    return np.asarray(np.clip(rgb, 0, 255), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Skin:
    """The face's plain colour and where it shows."""

    lab: Floats
    distance: Floats
    """[height, width] of every pixel, in Lab with lightness counting 0.8."""
    known: Mask
    """Where only skin is, clear of every line."""
    coloured: bool
    """False in black-and-white art."""


def measure_skin(lab: Floats, alpha: NDArray[np.uint8] | None, between: Patch) -> Skin:
    """`between`: from the eyes down to the mouth, where mostly skin is."""
    seen = between.of(lab).reshape(-1, 3)
    near = np.linalg.norm(seen - np.median(seen, axis=0), axis=1)
    tone = np.median(seen[near <= np.percentile(near, 70)], axis=0).astype(np.float32)
    off = lab - tone
    chroma = np.hypot(off[..., 1], off[..., 2])
    distance = np.sqrt((off[..., 0] * 0.8) ** 2 + chroma**2)
    known = (distance < _SKIN_NEAR) | ((chroma < _SHADE_NEAR) & (off[..., 0] > -22))
    if alpha is not None:
        known &= alpha > 200
    known = cv2.erode(known.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    coloured = bool(np.hypot(tone[1], tone[2]) >= 5)
    return Skin(tone, distance.astype(np.float32), known, coloured)


def line_width(lab: Floats, skin: Skin, face: Patch, largest: float) -> float:
    """Of the lines in `face`, pixels; at most `largest`: blots are no lines. 0 where none are."""
    dark = np.pad((face.of(lab)[..., 0] < skin.lab[0] - 22).astype(np.uint8), 1)
    if dark.sum() < 10:
        return 0.0
    inside = cv2.distanceTransform(dark, cv2.DIST_L2, 5)
    ridge = (inside >= cv2.dilate(inside, np.ones((3, 3), np.uint8)) - 1e-3) & (inside > 0)
    widths = 2 * inside[ridge] - 0.6
    lines = widths[widths <= largest]
    return float(np.median(lines)) if lines.size else 0.0


def painted_over(rgb: NDArray[Any], known: Mask, mask: Mask, sigma: float) -> Floats:
    """The image with `mask` filled from `known` pixels: normalised convolution, coarse to fine."""
    image = np.asarray(rgb, dtype=np.float32)
    weight = (known & ~mask).astype(np.float32)
    if weight.sum() < 12:
        weight = (~mask).astype(np.float32)
    # Nothing known for far around: the average of all that is known.
    filled = f32(np.broadcast_to(image[weight > 0].mean(axis=0), image.shape))
    for scale in (6.0, 3.0, 1.5, 0.75):
        near = cv2.GaussianBlur(weight, (0, 0), sigma * scale)[..., None]
        blurred = cv2.GaussianBlur(image * weight[..., None], (0, 0), sigma * scale)
        mean = blurred / np.maximum(near, 1e-5)
        trust = np.clip(near * 6, 0, 1)
        filled = f32(mean * trust + filled * (1 - trust))
    return np.asarray(np.where(mask[..., None], filled, image), dtype=np.float32)


def feathered(mask: Mask, grow: int, soft: float) -> Floats:
    """0..1: the mask grown by `grow` pixels with edges blurred by `soft`."""
    grown = f32(mask)
    if grow:
        grown = f32(cv2.dilate(grown, np.ones((2 * grow + 1, 2 * grow + 1), np.uint8)))
    return np.asarray(cv2.GaussianBlur(grown, (0, 0), soft), dtype=np.float32)


def components(mask: NDArray[Any]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Labels from 1, and [n + 1, 5] left, top, width, height, area; 8-connected."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return np.asarray(labels, dtype=np.int32), np.asarray(stats, dtype=np.int32)


def stacked(rgb: NDArray[Any], alpha: NDArray[Any]) -> NDArray[np.uint8]:
    """Straight-alpha RGBA bytes from 0..255 colours and 0..1 alpha; nothing where alpha is 0."""
    out = np.zeros((*alpha.shape, 4), dtype=np.uint8)
    out[..., 3] = np.clip(alpha * 255 + 0.5, 0, 255)
    out[..., :3] = np.clip(np.asarray(rgb, dtype=np.float32) + 0.5, 0, 255)
    out[out[..., 3] == 0] = 0
    return out
