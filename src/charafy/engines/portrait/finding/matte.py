"""Where the person is: MediaPipe's selfie segmentation, its edge drawn to the picture's own."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Rgba
from charafy.engines.portrait.finding.faces import Rgb
from charafy.engines.portrait.finding.networks import Floats, Network

SIDE: Final = 256
WORKING_SIDE: Final = 1024
"""Larger pictures get their edge at this size: frames are no larger."""
SEEN_THROUGH: Final = 250
"""Alpha from here on is opaque: lossy encoders leave less than 255."""
ALPHA_SHARE: Final = 0.02
"""A picture brings its own matte when more of it than that can be seen through."""

Matte = NDArray[np.uint8]


def own_alpha(picture: Rgba) -> Matte | None:
    """The picture's alpha, if enough of it is transparent to tell the person."""
    alpha = picture[..., 3]
    if float((alpha < SEEN_THROUGH).mean()) < ALPHA_SHARE:
        return None
    return np.ascontiguousarray(alpha)


def matte(network: Network, picture: Rgb) -> Matte:
    """[height, width], 255 where the person is."""
    import cv2

    height, width = picture.shape[:2]
    seen = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    coarse = network.run(seen.astype(np.float32) / np.float32(255))[0][..., 0]
    scale = min(1.0, WORKING_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    mask = _floats(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC))
    guide = _floats(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)) / np.float32(255)
    refined = _guided(guide, mask, max(4, size[1] // 64), 1e-4)
    sharp = _floats(np.clip((refined - 0.15) / 0.7, 0, 1) * 255)
    if scale < 1:
        sharp = _floats(cv2.resize(sharp, (width, height), interpolation=cv2.INTER_LINEAR))
    return sharp.astype(np.uint8)


def _floats(values: object) -> Floats:
    return np.asarray(values, np.float32)


def _guided(guide: Floats, mask: Floats, radius: int, epsilon: float) -> Floats:
    """He, Sun and Tang's guided filter with a grey guide."""
    import cv2

    def mean(values: Floats) -> Floats:
        return _floats(cv2.blur(values, (2 * radius + 1, 2 * radius + 1)))

    guides, masks = mean(guide), mean(mask)
    slope = (mean(guide * mask) - guides * masks) / (mean(guide * guide) - guides**2 + epsilon)
    offset = masks - slope * guides
    return mean(slope) * guide + mean(offset)
