"""The real networks, and pictures of faces by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from PIL import Image

from charafy.engines.portrait import Rgba
from charafy.engines.portrait.finding import Finder
from charafy.engines.weights import Store

ROOT = Path(__file__).parents[4]
FACES = ROOT / "tests/data/faces"
PORTRAITS = ROOT / "src/charafy/demo/portraits"

Load = Callable[[str], Rgba]


@pytest.fixture(scope="session")
def models() -> Path:
    folder = os.environ.get("CHARAFY_MODELS") or str(
        Path(platformdirs.user_cache_dir("charafy", appauthor=False)) / "models"
    )
    return Store(Path(folder)).ensure("portrait")


@pytest.fixture(scope="session")
def finder(models: Path) -> Finder:
    return Finder(models)


@pytest.fixture(scope="session")
def load() -> Load:
    """A picture by its file name."""

    def read(name: str) -> Rgba:
        folder = PORTRAITS if name.endswith(".webp") else FACES
        with Image.open(folder / name) as image:
            return np.array(image.convert("RGBA"))

    return read
