"""What stands behind the person of an opaque drawing."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.drawing.colours import Rgb, components, feathered, painted_over

_FLAT: Final = 3.0
"""Grey levels per pixel up to which colour counts as one area."""
_PERSON: Final = 0.88
"""Mean matte from which an area belongs to the person."""


def decided(rgb: Rgb, matte: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The matte with every flat area of the drawing wholly inside or outside.

    Mattes are learnt from photos and waver over flat shapes behind a drawn head.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (0, 0), 0.8)
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8
    labels, stats = components(slope < _FLAT)
    means = np.bincount(labels.ravel(), matte.ravel(), len(stats)) / 255
    means /= np.maximum(np.bincount(labels.ravel(), minlength=len(stats)), 1)
    large = stats[:, 4] > 0.001 * matte.size
    large[0] = False
    outside, inside = large & (means < _PERSON), large & (means >= _PERSON)
    kernel = np.ones((7, 7), np.uint8)
    # Lines between two areas behind the person are behind it, too.
    behind_ = cv2.morphologyEx(outside[labels].astype(np.uint8), cv2.MORPH_CLOSE, kernel) > 0
    out = np.where(behind_ & ~inside[labels], 0, matte)
    return np.asarray(np.where(inside[labels], 255, out), dtype=np.uint8)


def behind(rgb: Rgb, matte: NDArray[np.uint8]) -> Rgb:
    """The background without the person: painted over from the person's edge outwards, and the
    picture itself wherever the matte can't tell, so that nothing changes there."""
    reach = max(3, round(0.012 * max(rgb.shape[:2])))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    person = cv2.dilate((matte > 230).astype(np.uint8), kernel) > 0
    clear = (matte < 12) & ~person
    small = max(1, max(rgb.shape[:2]) // 160)
    size = (rgb.shape[1] // small, rgb.shape[0] // small)
    seen = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    known = cv2.resize(clear.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    filled = painted_over(seen, known, ~known, 2.0)
    wide = cv2.resize(filled, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_LINEAR)
    hidden = feathered(person, 0, 1.0)[..., None]
    return np.asarray(rgb * (1 - hidden) + wide * hidden + 0.5, dtype=np.uint8)
