"""Many small cels in one texture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_GAP: Final = 1
"""Empty pixels around every cel: bilinear sampling never sees its neighbour."""

Rect = tuple[int, int, int, int]
"""Left, top, width, height."""


def pack(cels: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.uint8], list[Rect]]:
    """The texture and where each cel lies in it; equal cels share a place."""
    unique: dict[tuple[tuple[int, ...], bytes], int] = {}
    which = [unique.setdefault((cel.shape, cel.tobytes()), i) for i, cel in enumerate(cels)]
    order = sorted(set(which), key=lambda i: (-cels[i].shape[0], i))
    area = sum((c.shape[0] + _GAP) * (c.shape[1] + _GAP) for c in (cels[i] for i in order))
    widest = max(cels[i].shape[1] for i in order)
    width = max(widest + 2 * _GAP, int(np.ceil(np.sqrt(area * 1.1))))
    places: dict[int, Rect] = {}
    x, y, shelf = _GAP, _GAP, 0
    for i in order:
        tall, wide = cels[i].shape[:2]
        if x + wide + _GAP > width:
            x, y, shelf = _GAP, y + shelf + _GAP, 0
        places[i] = (x, y, wide, tall)
        x, shelf = x + wide + _GAP, max(shelf, tall)
    texture = np.zeros((y + shelf + _GAP, width, 4), dtype=np.uint8)
    for i, (left, top, wide, tall) in places.items():
        texture[top : top + tall, left : left + wide] = cels[i]
    return texture, [places[i] for i in which]


def cropped(cel: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int, int]:
    """The cel without empty borders, and how much was cut off at left and top."""
    rows = np.flatnonzero(cel[..., 3].any(axis=1))
    columns = np.flatnonzero(cel[..., 3].any(axis=0))
    if rows.size == 0:
        return np.zeros((1, 1, 4), dtype=np.uint8), 0, 0
    top, left = int(rows[0]), int(columns[0])
    return cel[top : rows[-1] + 1, left : columns[-1] + 1], left, top
