"""The real model, loaded once: from CHARAFY_MODELS or the user's cache, else fetched."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
import pytest

from charafy.engines.voice.kokoro import KokoroVoice, stock_styles
from charafy.engines.voice.kokoro.acoustic import Acoustics
from charafy.engines.weights import Store
from tests.engines.voice.kokoro.phonemes import Phonemes


@pytest.fixture(scope="session")
def model_path() -> Path:
    folder = os.environ.get("CHARAFY_MODELS") or str(
        Path(platformdirs.user_cache_dir("charafy", appauthor=False)) / "models"
    )
    return Store(Path(folder)).ensure("kokoro")


@pytest.fixture(scope="session")
def cache_dir(model_path: Path) -> Path:
    return model_path.parent


@pytest.fixture(scope="session")
def voice(model_path: Path, cache_dir: Path) -> KokoroVoice:
    return KokoroVoice(model_path, stock_styles(), Phonemes(), cache_dir, threads=1)


@pytest.fixture(scope="session")
def acoustics(model_path: Path, cache_dir: Path) -> Acoustics:
    return Acoustics(model_path, cache_dir, threads=1)
