"""Where the person is: MediaPipe's selfie segmentation, its edge drawn to the picture's own."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Box, Rgba
from charafy.engines.portrait.finding.faces import Rgb
from charafy.engines.portrait.finding.networks import Floats, Network

SIDE: Final = 256
WORKING_SIDE: Final = 1024
"""Larger pictures get their edge at this size: frames are no larger."""
SEEN_THROUGH: Final = 250
"""Alpha from here on is opaque: lossy encoders leave less than 255."""
ALPHA_SHARE: Final = 0.02
"""A picture brings its own matte when more of it than that can be seen through."""

GROUND: Final = 10
"""Levels by which a flat ground varies, after JPEG."""
EDGE_SHARE: Final = 0.75
"""Of the picture's edge (without its lower side) that a flat ground takes at least."""
HELD: Final = 230
BEHIND: Final = 0.15
"""So much more than the person, by the network, is something behind: a disc, a shadow, a room."""

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


def drawn_matte(network: Network, picture: Rgb, face: Box) -> Matte | None:
    """As `matte` for a drawing, of which the network knows little; None when it can't be told.

    A drawing on one flat colour stands out from it, crisply, unless there is more behind it than
    that colour; else the network's answer holds when it holds the face.
    """
    shape, crisp = matte(network, picture), _off_flat_ground(picture)
    seen = _holds(shape, face)
    if crisp is not None and _holds(crisp, face):
        more = int(((crisp > 127) & (shape <= 127)).sum())
        if not seen or more < BEHIND * int((shape > 127).sum()):
            return crisp
    return shape if seen else None


def _off_flat_ground(picture: Rgb) -> Matte | None:
    """What isn't of the colour that runs along the top and the sides, inwards from the edge."""
    import cv2

    edge = np.concatenate([picture[0], picture[:, 0], picture[:, -1]]).astype(np.int16)
    ground = np.median(edge, axis=0).astype(np.int16)
    if float((np.abs(edge - ground).max(1) <= GROUND).mean()) < EDGE_SHARE:
        return None
    alike = (np.abs(picture.astype(np.int16) - ground).max(2) <= GROUND).astype(np.uint8)
    _, areas = cv2.connectedComponents(alike, connectivity=4)
    labels = np.asarray(areas)
    outside = np.unique(np.concatenate([labels[0], labels[:, 0], labels[:, -1]]))
    person = ~(np.isin(labels, outside) & (alike == 1))
    soft = cv2.GaussianBlur(person.astype(np.uint8) * 255, (0, 0), 0.7)
    return np.asarray(soft, np.uint8)


def _holds(shape: Matte, face: Box) -> bool:
    """Whether the middle of the face lies within."""
    x, y = face.centre
    left, right = x - face.width * 0.3, x + face.width * 0.3
    top, bottom = y - face.height * 0.3, y + face.height * 0.3
    part = shape[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1]
    return part.size > 0 and float(part.mean()) > HELD
