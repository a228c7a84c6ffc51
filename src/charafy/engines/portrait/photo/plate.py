"""The person and what stands behind, taken apart."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Rgba
from charafy.engines.portrait.photo.framing import Crop
from charafy.engines.portrait.photo.landmarks import smoothstep

Floats = NDArray[np.float32]
_SURE: Final = 235
"""Alpha from which a pixel shows nothing but the person."""
_FADE: Final = 0.03
"""Of the frame's width: over how much the person fades where the picture ends."""


def fill(colours: NDArray[Any], known: NDArray[Any]) -> Floats:
    """`colours` [h, w, 3] where `known` [h, w] (0..1) is 1, smoothly continued where it is 0.

    Averages of ever larger surroundings, as in pull-push interpolation (Gortler and others 1996).
    """
    weight: Floats = np.asarray(known, dtype=np.float32)
    weighted: Floats = np.asarray(colours, np.float32) * weight[..., None]
    levels = [(weighted, weight)]
    while max(weight.shape) > 1:
        weighted, weight = _halved(weighted), _halved(weight)
        # A known pixel among unknown ones speaks for its whole surroundings.
        louder = (np.minimum(1, 4 * weight) / np.maximum(weight, 1e-6)).astype(np.float32)
        weighted, weight = weighted * louder[..., None], weight * louder
        levels.append((weighted, weight))
    coarsest, sure = levels[-1]
    result: NDArray[Any] = coarsest / np.maximum(sure, 1e-6)[..., None]
    for weighted, weight in reversed(levels[:-1]):
        size = (weight.shape[1], weight.shape[0])
        larger = cv2.resize(result, size, interpolation=cv2.INTER_LINEAR)
        result = weighted + larger.reshape(weighted.shape) * (1 - weight)[..., None]
    return np.asarray(result, dtype=np.float32)


def _halved(image: Floats) -> Floats:
    size = (max(image.shape[1] // 2, 1), max(image.shape[0] // 2, 1))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def person(
    picture: NDArray[np.uint8], matte: NDArray[np.uint8] | None, crop: Crop, margin: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Colours [h, w, 3] and alpha [h, w] of the frame with its margin, and where people are.

    Beyond the picture both go on mirrored; there people fade out, but are no background either.
    """
    colours = crop.cut(picture[..., :3], margin, cv2.BORDER_REFLECT_101)
    if matte is None:
        return colours, np.full(colours.shape[:2], 255, np.uint8), np.zeros_like(colours[..., 0])
    alpha = crop.cut(matte, margin, cv2.BORDER_REFLECT_101)
    beyond = crop.beyond(picture.shape[1], picture.shape[0], margin)
    fade = 1 - smoothstep(0, _FADE * crop.framing.width, beyond)
    return colours, (alpha * fade).astype(np.uint8), alpha


def clean_edges(colours: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colours without the background's share: around the person, the person's own go on."""
    sure = (alpha >= _SURE).astype(np.float32)
    if sure.all() or not sure.any():
        return colours
    near = cv2.GaussianBlur(colours.astype(np.float32) * sure[..., None], (0, 0), 2.5)
    weight = cv2.GaussianBlur(sure, (0, 0), 2.5)
    small = cv2.resize(alpha, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    few = cv2.resize(colours, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)
    far = fill(few, small >= _SURE)
    wide = cv2.resize(far, (alpha.shape[1], alpha.shape[0]), interpolation=cv2.INTER_LINEAR)
    trust = np.clip(weight / 0.05, 0, 1)[..., None]
    own = near / np.maximum(weight, 1e-4)[..., None] * trust + wide * (1 - trust)
    share = np.clip((_SURE - alpha.astype(np.float32)) / 100, 0, 1)[..., None]
    mixed = colours * (1 - share) + own * share
    return np.asarray(np.clip(mixed + 0.5, 0, 255), np.uint8)


def background(colours: NDArray[np.uint8], alpha: NDArray[np.uint8], beyond: Floats) -> Rgba:
    """The frame without the person, [h, w, 4]; soft where nothing is known.

    `beyond` says how far each pixel lies outside of the picture: there it blurs more and more.
    """
    height, width = alpha.shape
    reach = max(3, round(0.012 * min(height, width)))
    covered = cv2.dilate((alpha > 12).astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8))
    if covered.any():
        size = (max(width // 2, 8), max(height // 2, 8))
        free = 1 - cv2.resize(covered.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        half = cv2.resize(colours, size, interpolation=cv2.INTER_AREA)
        filled = cv2.resize(
            fill(half, free >= 0.999), (width, height), interpolation=cv2.INTER_CUBIC
        )
        share = cv2.GaussianBlur(covered.astype(np.float32), (0, 0), reach / 2)
        share = np.maximum(share, covered)[..., None]
        plate: NDArray[Any] = colours * (1 - share) + filled * share
    else:
        plate = colours.astype(np.float32)
    if beyond.any():
        soft = cv2.GaussianBlur(plate, (0, 0), 0.03 * min(height, width))
        away = smoothstep(0, 0.05 * width, beyond)[..., None]
        plate = plate * (1 - away) + soft * away
    opaque = np.full((height, width, 1), 255, np.uint8)
    return np.concatenate([np.clip(plate + 0.5, 0, 255).astype(np.uint8), opaque], axis=2)
