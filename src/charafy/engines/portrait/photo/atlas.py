"""Small pictures packed into one texture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from charafy.engines.portrait import Rgba

_GAP: Final = 2
"""Transparent texels around every sprite, so that neighbours don't bleed into it."""


def pack(sprites: Mapping[str, Rgba]) -> tuple[Rgba, dict[str, list[int]]]:
    """One texture, and each sprite's [x, y, width, height] in it: rows of sprites, tall first."""
    if not sprites:
        return np.zeros((4, 4, 4), np.uint8), {}
    width = max(512, *(sprite.shape[1] + 2 * _GAP for sprite in sprites.values()))
    places: dict[str, list[int]] = {}
    x = y = _GAP
    row = 0
    for name in sorted(sprites, key=lambda name: (-sprites[name].shape[0], name)):
        tall, wide = sprites[name].shape[:2]
        if x + wide + _GAP > width:
            x, y, row = _GAP, y + row + _GAP, 0
        places[name] = [x, y, wide, tall]
        x, row = x + wide + _GAP, max(row, tall)
    atlas = np.zeros((y + row + _GAP, width, 4), np.uint8)
    for name, (left, top, wide, tall) in places.items():
        atlas[top : top + tall, left : left + wide] = sprites[name]
    return atlas, places
