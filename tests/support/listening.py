"""Recorded voices by file name, and the real models that listen to them."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import platformdirs

from charafy.engines.hearing.silero import Silero
from charafy.engines.voice import Pcm
from charafy.engines.voice.cloning.quality import Examiner
from charafy.engines.voice.cloning.speakers import Resemblyzer
from charafy.engines.weights import Store
from charafy.kernel.media.recordings import read_recording

VOICES = Path(__file__).parents[1] / "data" / "voices"


@cache
def recorded(name: str) -> Pcm:
    """A file of tests/data/voices, decoded. Shared: copy it before you change it."""
    pcm = read_recording((VOICES / name).read_bytes())
    pcm.flags.writeable = False
    return pcm


@cache
def silero() -> Silero:
    folder = os.environ.get("CHARAFY_MODELS") or str(
        Path(platformdirs.user_cache_dir("charafy", appauthor=False)) / "models"
    )
    return Silero(Store(Path(folder)).ensure("silero-vad"))


@cache
def encoder() -> Resemblyzer:
    return Resemblyzer()


@cache
def examiner() -> Examiner:
    return Examiner(silero(), encoder())
