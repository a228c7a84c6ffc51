"""Where the person is: MediaPipe's selfie segmentation, its edge drawn to the picture's own."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Rgba
from charafy.engines.portrait.finding.faces import Rgb
from charafy.engines.portrait.finding.networks import Network

SIDE: Final = 256
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
    mask = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    guide = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255)
    radius = max(4, height // 64)
    refined = _guided(guide, mask, radius, 1e-4)
    sharp = np.clip((refined - 0.15) / 0.7, 0, 1)
    return (sharp * 255).astype(np.uint8)


def _guided(
    guide: NDArray[np.float32], mask: NDArray[np.float32], radius: int, epsilon: float
) -> NDArray[np.float32]:
    """He, Sun and Tang's guided filter with a grey guide."""
    import cv2

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        blurred: NDArray[np.float32] = cv2.blur(values, (2 * radius + 1, 2 * radius + 1))
        return blurred

    guides, masks = mean(guide), mean(mask)
    slope = (mean(guide * mask) - guides * masks) / (mean(guide * guide) - guides**2 + epsilon)
    offset = masks - slope * guides
    return mean(slope) * guide + mean(offset)
