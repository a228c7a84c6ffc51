"""The real matcher with the models it takes, loaded once for the whole test process."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import platformdirs

from charafy.engines.voice.cloning.match import Ears, MatchCloner
from charafy.engines.voice.cloning.match.campplus import CamPlus
from charafy.engines.voice.cloning.match.space import Space, shipped
from charafy.engines.voice.kokoro import KokoroVoice, stock_styles
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.weights import Store
from tests.support.listening import encoder


@cache
def store() -> Store:
    folder = os.environ.get("CHARAFY_MODELS") or str(
        Path(platformdirs.user_cache_dir("charafy", appauthor=False)) / "models"
    )
    return Store(Path(folder))


@cache
def kokoro() -> KokoroVoice:
    """The stock voices with the real front end."""
    model = store().ensure("kokoro")
    return KokoroVoice(model, stock_styles(), TextFrontEnd(), model.parent / "derived", threads=1)


@cache
def campplus() -> CamPlus:
    return CamPlus(store().ensure("campplus"))


@cache
def space() -> Space:
    return shipped()


@cache
def matcher() -> MatchCloner:
    return MatchCloner(kokoro(), stock_styles(), space(), Ears(campplus(), encoder()))
