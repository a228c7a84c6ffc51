"""A smile let go: the skin without its creases, the lips without the teeth between them."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Rgba
from charafy.engines.portrait.photo.face import Face
from charafy.engines.portrait.photo.landmarks import (
    INNER_LOWER,
    INNER_UPPER,
    MOUTH_CORNERS,
    OUTER_LOWER,
    OUTER_UPPER,
    Axes,
    Points,
)
from charafy.engines.portrait.photo.plate import fill

_OPEN: Final = 0.015
"""Spans between the lips from which something is seen between them."""
_CREASES: Final = (
    (129, 142, 36, 205, 187, 207, 214, 210, 202, 212, 57, 186, 92, 165, 98),
    (358, 371, 266, 425, 411, 427, 434, 430, 422, 432, 287, 410, 322, 391, 327),
)
"""Outlines of the skin from each nostril to beside the mouth's corner."""


def patch(face: Face, smiling: float) -> tuple[Rgba, tuple[int, int]] | None:
    """Replacement of a part of the skin and its first texel's place; None if nothing changes.

    `smiling` is 0..1, how deep creases are expected to be.
    """
    skin, axes = face.colours, face.axes
    if face.mouth.gap < _OPEN and smiling < 0.15:
        return None
    shifted = face.points[:, :2] + face.margin
    used = shifted[[*OUTER_UPPER, *OUTER_LOWER, *_CREASES[0], *_CREASES[1]]]
    reach = 0.16 * axes.span
    low = np.maximum(np.floor(used.min(axis=0) - reach), 0).astype(int)
    high = np.minimum(np.ceil(used.max(axis=0) + reach), skin.shape[1::-1]).astype(int)
    box = skin[low[1] : high[1], low[0] : high[0]].astype(np.float32)
    at = shifted - low
    size = (box.shape[0], box.shape[1])
    lips = _polygon(np.concatenate([at[list(OUTER_UPPER)], at[list(OUTER_LOWER)][::-1]]), size)
    image, alpha = _without_creases(box, at, lips, axes, smiling)
    if face.mouth.gap >= _OPEN:
        image, alpha = _without_opening(image, alpha, at, lips, axes)
    rgba = np.dstack([np.clip(image + 0.5, 0, 255), alpha * 255 + 0.5]).astype(np.uint8)
    return rgba, (int(low[0]), int(low[1]))


def _polygon(outline: Points, size: tuple[int, int]) -> NDArray[np.float32]:
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return np.asarray(mask / np.float32(255), np.float32)


def _without_creases(
    box: NDArray[np.float32], at: Points, lips: NDArray[np.float32], axes: Axes, smiling: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Takes out shading of the size of creases and keeps pores, beard and broad light."""
    span = axes.span
    region = np.maximum(*(_polygon(at[list(outline)], lips.shape) for outline in _CREASES))
    region = cv2.dilate(region, np.ones((max(round(0.05 * span), 1),) * 2))
    free = cv2.erode(1 - lips, np.ones((max(round(0.04 * span), 1),) * 2))
    soft = np.asarray(cv2.GaussianBlur(region, (0, 0), 0.035 * span), np.float32)
    weight = free + 1e-4

    def smooth(sigma: float) -> NDArray[np.float32]:
        blurred = cv2.GaussianBlur(box * weight[..., None], (0, 0), sigma * span)
        share = cv2.GaussianBlur(weight, (0, 0), sigma * span)
        return np.asarray(blurred / share[..., None], np.float32)

    level = box - (smooth(0.012) - smooth(0.075))
    near_lips = cv2.GaussianBlur(free, (0, 0), 0.015 * span)
    alpha = soft * np.clip(near_lips * 2 - 1, 0, 1) * min(1.0, 1.2 * smiling)
    return np.asarray(level, np.float32), np.asarray(alpha, np.float32)


def _without_opening(
    image: NDArray[np.float32],
    alpha: NDArray[np.float32],
    at: Points,
    lips: NDArray[np.float32],
    axes: Axes,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The lips' own colour over what was seen between them, darker inwards."""
    inner = np.concatenate([at[list(INNER_UPPER)], at[list(INNER_LOWER)][::-1]])
    opening = (_polygon(inner, alpha.shape) > 0.5).astype(np.uint8)
    wide = max(round(0.030 * axes.span), 1)
    grown = cv2.dilate(opening, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, wide)))
    for corner in (*MOUTH_CORNERS, INNER_UPPER[0], INNER_UPPER[-1]):
        spot = np.round(at[corner] * 16).astype(int).tolist()
        cv2.circle(grown, spot, round(0.6 * wide * 16), 1, -1, cv2.LINE_8, 4)
    filled = fill(image, (lips > 0.9) & (grown == 0))
    depth = cv2.distanceTransform(grown, cv2.DIST_L2, 3) / axes.span
    filled *= (1 - 0.45 * np.clip(depth / 0.04, 0, 1))[..., None]
    share = cv2.GaussianBlur(grown.astype(np.float32), (0, 0), 0.008 * axes.span + 0.3)
    share = np.maximum(share, opening)
    total = np.maximum(alpha, share)
    mixed = image * (1 - share)[..., None] + filled * share[..., None]
    return np.asarray(mixed, np.float32), np.asarray(total, np.float32)
