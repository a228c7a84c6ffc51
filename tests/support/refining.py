"""What a refinement is made of, with the real models, each loaded once for the test process."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from onnx import ModelProto, load

from charafy.engines.hearing.whisper import Whisper
from charafy.engines.voice import Language, Pcm
from charafy.engines.voice.cloning.match.campplus import network
from charafy.engines.voice.cloning.match.pitch import track
from charafy.engines.voice.cloning.match.refine import Models
from charafy.engines.voice.cloning.match.refine.alignment import Aligned, SpeechAligner, fitting
from charafy.engines.voice.cloning.match.refine.descent import Descent, Speaker
from charafy.engines.voice.cloning.match.refine.weights import Weights, decoder_weights
from charafy.engines.voice.cloning.rates import listened
from charafy.engines.voice.kokoro import stock_styles
from charafy.engines.voice.kokoro.acoustic import FRAME, Acoustics
from charafy.engines.voice.text import TextFrontEnd
from tests.support.listening import recorded
from tests.support.matching import campplus, space, store

RECORDING = "sensibility.flac"
BASE = "am_michael"


class Spoken(NamedTuple):
    """A sentence said by a stock voice, whose durations are known."""

    symbols: str
    pcm: Pcm
    lengths: np.typing.NDArray[np.int64]
    """Frames of the opening pad, of every symbol and of the closing pad."""


@cache
def model() -> ModelProto:
    return load(store().ensure("kokoro"))


@cache
def weights() -> Weights:
    return decoder_weights(model())


@cache
def acoustics() -> Acoustics:
    path = store().ensure("kokoro")
    return Acoustics(path, path.parent / "derived", threads=1)


@cache
def aligner() -> SpeechAligner:
    return SpeechAligner(model(), acoustics(), track)


@cache
def whisper() -> Whisper:
    return Whisper(store().ensure("whisper-base"))


def recognise(pcm: Pcm, language: Language) -> str:
    return whisper().transcribe(listened(pcm), language)


def models() -> Models:
    path = store().ensure("kokoro")
    return Models(path, path.parent / "derived", campplus(), recognise, TextFrontEnd())


def spoken(text: str, voice: str, language: Language = "en", speed: float = 1.0) -> Spoken:
    """`text` as the model says it at once, silence at both ends included."""
    symbols, _ = fitting(TextFrontEnd().clauses(text, language))
    style = stock_styles()[voice].row(len(symbols))
    utterance = acoustics().plan(symbols, style, speed, 1.0)
    pcm = acoustics().decode(utterance, 0, utterance.frames)
    assert len(pcm) == FRAME * utterance.frames
    return Spoken(symbols, pcm, utterance.durations)


@cache
def aligned() -> Aligned:
    """The first half of `RECORDING`."""
    pcm = recorded(RECORDING)[: 6 * 24_000]
    text = recognise(pcm, "en")
    symbols, share = fitting(TextFrontEnd().clauses(text, "en"))
    return aligner().align(pcm, symbols, stock_styles()[BASE].row(len(symbols)), share)


@cache
def descent() -> Descent:
    """Towards the speaker of `RECORDING`. What it compiles is kept beside the models."""
    speaker = Speaker(campplus().embed(recorded(RECORDING)), network, campplus().parameters)
    cache_dir = store().ensure("kokoro").parent / "derived" / "jax"
    return Descent(weights(), space().mean, space().basis, speaker, cache_dir)
