"""A person laid over an opaque background, as video needs it."""

from __future__ import annotations

from typing import Any

import cv2
import numba as nb
import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Rgba

Rgb = NDArray[np.uint8]
"""[height, width, 3], red first."""


def over(front: Rgba, plate: Rgb) -> Rgb:
    """`front` over `plate`, which is opaque and of the same size.

    Raises `ValueError` for a plate of another size.
    """
    if front.shape[:2] != plate.shape[:2]:
        raise ValueError(f"a plate of {plate.shape[:2]} can't stand behind {front.shape[:2]}")
    behind = cv2.cvtColor(plate, cv2.COLOR_RGB2RGBA)
    # Whole pixels as numbers: the compiler turns this loop into vector instructions, which it
    # doesn't with three bytes out of four.
    _mix(_packed(np.ascontiguousarray(front)), _packed(behind))
    return np.asarray(cv2.cvtColor(behind, cv2.COLOR_RGBA2RGB), dtype=np.uint8)


def _packed(image: Any) -> Any:
    return image.view(np.uint32)[..., 0]


@nb.njit(cache=True, boundscheck=False)
def _mix(front: Any, behind: Any) -> None:
    for y in range(behind.shape[0]):
        for x in range(behind.shape[1]):
            person, place = front[y, x], behind[y, x]
            share = person >> np.uint32(24)
            rest = np.uint32(255) - share
            # Division by 255, rounded, for red and blue at once.
            both = (person & np.uint32(0xFF00FF)) * share + (place & np.uint32(0xFF00FF)) * rest
            both += np.uint32(0x800080)
            both = (both + ((both >> np.uint32(8)) & np.uint32(0xFF00FF))) >> np.uint32(8)
            green = ((person >> np.uint32(8)) & np.uint32(255)) * share
            green += ((place >> np.uint32(8)) & np.uint32(255)) * rest + np.uint32(128)
            green += green >> np.uint32(8)
            behind[y, x] = (both & np.uint32(0xFF00FF)) | (green & np.uint32(0xFF00))
