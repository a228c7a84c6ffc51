"""Drawings of different styles with anchors placed by hand, and their rigs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from PIL import Image

from charafy.engines.portrait import Anchors, Box, Finding, Framing, Kind, Rgba, Rig
from charafy.engines.portrait.drawing import DrawingDrawer, bake
from charafy.engines.portrait.rigfile import settled

ROOT = Path(__file__).parents[4]
FOLDERS = (ROOT / "tests/data/faces", ROOT / "src/charafy/demo/portraits")

Four = tuple[float, float, float, float]

ANCHORS: Final[Mapping[str, tuple[Four, Four, Four, tuple[float, float]]]] = {
    "eileen.png": ((94, 153, 37, 38), (186, 154, 40, 38), (147, 220, 26, 6), (163, 262)),
    "lucy.png": ((156, 166, 38, 30), (231, 166, 38, 30), (202, 217, 21, 3), (213, 248)),
    "sylvie_blue.png": ((89, 87, 30, 32), (149, 83, 34, 33), (126, 142, 31, 8), (143, 172)),
    "sylvie_green.png": ((83, 87, 22, 30), (138, 84, 31, 33), (111, 142, 37, 16), (130, 168)),
    "lorelei.png": ((212, 221, 67, 40), (328, 215, 42, 43), (251, 313, 74, 22), (278, 400)),
    "open_peeps.png": ((297, 254, 19, 31), (379, 254, 18, 31), (284, 325, 111, 49), (356, 412)),
    "emma.webp": ((350, 418, 115, 72), (552, 418, 115, 72), (452, 586, 120, 46), (512, 712)),
    "leo.webp": ((362, 424, 104, 62), (556, 424, 104, 62), (444, 598, 136, 46), (510, 722)),
}
"""Left eye, right eye, mouth (left, top, width, height) and chin, in pixels."""


@cache
def picture(name: str) -> Rgba:
    path = next(folder / name for folder in FOLDERS if (folder / name).exists())
    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA"), dtype=np.uint8)


def finding(
    anchors: Anchors | None, matte: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None = None
) -> Finding:
    return Finding(Kind.DRAWING, True, 1, None, anchors, None, matte, 0.9, ())


def anchors(name: str) -> Anchors:
    left, right, mouth, chin = ANCHORS[name]
    return Anchors(Box(*left), Box(*right), Box(*mouth), chin)


@cache
def baked(name: str, width: int, height: int) -> Rig:
    return settled(bake(picture(name), finding(anchors(name)), Framing(width, height)))


@pytest.fixture
def rig() -> Callable[..., Rig]:
    """The rig of a drawing by its file name, as it comes back from its files."""

    def make(name: str, width: int = 512, height: int = 512) -> Rig:
        return baked(name, width, height)

    return make


@pytest.fixture
def drawer() -> Callable[[str], DrawingDrawer]:
    return lambda name: DrawingDrawer(baked(name, 512, 512))
