"""Faces found by the real networks and baked once."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from PIL import Image

from charafy.engines.portrait import Finding, Framing, Kind, Rgba, Rig
from charafy.engines.portrait.finding import Finder
from charafy.engines.portrait.photo import PhotoDrawer, bake
from charafy.engines.portrait.rigfile import settled
from charafy.engines.weights import Store

FACES = Path(__file__).parents[3] / "data/faces"
Found = Callable[[str], tuple[Rgba, Finding]]
Drawn = Callable[[str], PhotoDrawer]


@pytest.fixture(scope="session")
def finder() -> Finder:
    folder = os.environ.get("CHARAFY_MODELS") or str(
        Path(platformdirs.user_cache_dir("charafy", appauthor=False)) / "models"
    )
    return Finder(Store(Path(folder)).ensure("portrait"))


@pytest.fixture(scope="session")
def found(finder: Finder) -> Found:
    """A picture by its file name, and what was found in it."""

    @cache
    def find(name: str) -> tuple[Rgba, Finding]:
        with Image.open(FACES / name) as image:
            picture = np.array(image.convert("RGBA"))
        finding = finder.find(picture)
        assert finding.kind is Kind.PHOTO
        return picture, finding

    return find


@pytest.fixture(scope="session")
def baked(found: Found) -> Callable[[str], Rig]:
    """The rig of a picture, 512 x 512, as it comes back from its files."""

    @cache
    def make(name: str) -> Rig:
        return settled(bake(*found(name), Framing(512, 512)))

    return make


@pytest.fixture(scope="session")
def drawn(baked: Callable[[str], Rig]) -> Drawn:
    """What draws the rig of a picture."""

    @cache
    def prepare(name: str) -> PhotoDrawer:
        return PhotoDrawer(baked(name))

    return prepare
