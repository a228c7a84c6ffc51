"""What stands behind the person of an opaque drawing."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.drawing.colours import (
    Mask,
    Patch,
    Rgb,
    components,
    feathered,
    painted_over,
)

_FLAT: Final = 3.0
"""Grey levels per pixel up to which colour counts as one area."""
_PERSON: Final = 0.88
"""Mean matte from which an area belongs to the person."""
_PLAIN: Final = 0.6
"""Of the ground, flat: then the drawing's own edges cut the person out."""


def decided(rgb: Rgb, matte: NDArray[np.uint8], face: Patch) -> NDArray[np.uint8] | None:
    """The matte with every flat area of the drawing wholly inside or outside; None where it isn't
    to be trusted: it has holes in the face.

    Mattes are learnt from photos and waver over flat shapes and lines.
    """
    unsure = matte < 128
    if not unsure.any():
        return None
    outside, inside = _areas(rgb, matte)
    if outside[unsure].mean() > _PLAIN:
        # The ground is all flat: its own edge is sharper than the matte's.
        cut = 1 - feathered(_from_border(outside), 1, 0.7)
        alpha = np.asarray(np.clip(cut * 255 + 0.5, 0, 255), dtype=np.uint8)
    else:
        open_ = _from_border(np.where(inside, 255, np.where(outside, 0, matte)) < 250)
        alpha = np.where(open_, np.where(outside, 0, matte), 255).astype(np.uint8)
    return alpha if float(face.of(alpha).mean()) > 253 else None


def _areas(rgb: Rgb, matte: NDArray[np.uint8]) -> tuple[Mask, Mask]:
    """Flat areas behind the person, with the lines between them, and flat areas of the person."""
    grey = cv2.GaussianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), (0, 0), 0.8)
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8
    labels, stats = components(slope < _FLAT)
    means = np.bincount(labels.ravel(), matte.ravel(), len(stats)) / 255
    means /= np.maximum(np.bincount(labels.ravel(), minlength=len(stats)), 1)
    large = stats[:, 4] > 0.001 * matte.size
    large[0] = False
    depth = cv2.distanceTransform((labels > 0).astype(np.uint8), cv2.DIST_L2, 3)
    deepest = np.zeros(len(stats), dtype=np.float32)
    np.maximum.at(deepest, labels.ravel(), depth.ravel())
    inside = (large & (means >= _PERSON))[labels]
    # A thick outline is flat, too, but narrow.
    broad = large & (deepest > 0.016 * max(matte.shape))
    outside = (broad & (means < _PERSON))[labels].astype(np.uint8)
    kernel = np.ones((5, 5), np.uint8)
    padded = cv2.copyMakeBorder(outside, 8, 8, 8, 8, cv2.BORDER_REPLICATE)
    joined = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[8:-8, 8:-8] > 0
    return np.asarray(joined & ~inside, dtype=np.bool_), np.asarray(inside, dtype=np.bool_)


def _from_border(mask: NDArray[np.bool_]) -> Mask:
    """Parts of the mask that reach the picture's left, top or right edge."""
    labels, stats = components(mask)
    reaching = np.zeros(len(stats), dtype=np.bool_)
    for edge in (labels[0], labels[:, 0], labels[:, -1]):
        reaching[np.unique(edge)] = True
    reaching[0] = False
    return np.asarray(reaching[labels], dtype=np.bool_)


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
