"""Refining a matched voice: the timbre is moved down the gradient of what can be heard.

The recording is transcribed and aligned, Kokoro's decoder copies it sound by sound in the voice at
hand, and the gradient of the difference says how the timbre has to change. Takes minutes, and two
packages that a server can do without (`make refine`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import SAMPLE_RATE, FrontEnd, Language, NothingToSay, Pcm
from charafy.engines.voice.cloning import Progress
from charafy.engines.voice.cloning.match.campplus import CamPlus, network
from charafy.engines.voice.cloning.match.pitch import track
from charafy.engines.voice.cloning.match.refine.alignment import (
    LONGEST_S,
    Aligned,
    SpeechAligner,
    Unalignable,
    fitting,
)
from charafy.engines.voice.cloning.match.space import Space
from charafy.engines.voice.kokoro.acoustic import Acoustics
from charafy.engines.voice.kokoro.styles import Style

if TYPE_CHECKING:
    from charafy.engines.voice.cloning.match.refine.descent import Step
    from charafy.engines.voice.cloning.match.refine.weights import Weights

__all__ = ["Models", "Refiner", "Unalignable", "available"]

Recognise = Callable[[Pcm, Language], str]
"""What is said in a recording at `charafy.engines.voice.SAMPLE_RATE`; "" for nothing."""

Spoken = Callable[[Pcm, Language], Language]
"""The language that is spoken in a recording; the second argument is what was said of it."""

STEPS: Final = 36
"""A second each. After 24 an eighth of what is gained by 36 was still missing."""
_ALIGNED: Final = 0.1
"""Share of the work that is done when the descent begins."""


def available() -> bool:
    """Whether what a refinement needs is installed. Imports nothing."""
    return find_spec("jax") is not None


@dataclass(frozen=True, slots=True)
class Models:
    """What a refinement is made with. Nothing of it is loaded before the first."""

    kokoro: Path
    """`kokoro-v1.0.int8.onnx`"""
    cache: Path
    """Where derived graphs lie, and what JAX compiled."""
    encoder: CamPlus
    recognise: Recognise
    front_end: FrontEnd
    spoken: Spoken = lambda _recording, told: told


class Refiner:
    """Safe to call from many threads; one refinement runs at a time and the others wait for it."""

    def __init__(
        self,
        models: Models,
        space: Space,
        stock: Mapping[str, Style],
        *,
        steps: int = STEPS,
    ) -> None:
        self._models = models
        self._space = space
        self._stock = stock
        self._steps = steps
        self._turn = threading.Lock()

    def improve(
        self,
        reference: Pcm,
        language: Language,
        timbre: NDArray[np.floating],
        base: str,
        progress: Progress,
        *,
        seen: Callable[[Step], None] = lambda _step: None,
    ) -> NDArray[np.float32]:
        """A timbre [128] that should sound more like `reference` than `timbre` does.

        Whether it does is for others to judge: what it was moved by has been heard to mislead. The
        stock voice `base` lends its way of speaking. `progress` may raise to stop it; `seen` is
        told of every step. The process grows to 2.2 GB meanwhile.

        Raises `Unalignable` when the recording holds no speech that is understood, `OSError` when a
        model is missing, `ValueError` when one is not what is expected.
        """
        from charafy.engines.voice.cloning.match.refine.descent import Descent, Speaker

        with self._turn:
            progress(0.0)
            speech, weights = self._prepared(reference, language, timbre, base)
            progress(_ALIGNED)
            ear = self._models.encoder
            speaker = Speaker(ear.embed(reference), network, ear.parameters)
            compiled = self._models.cache / "jax"
            descent = Descent(weights, self._space.mean, self._space.basis, speaker, compiled)
            z = descent.run(
                self._space.coordinates(timbre),
                speech,
                lambda share: progress(_ALIGNED + (1.0 - _ALIGNED) * share),
                steps=self._steps,
                seen=seen,
            )
            progress(1.0)
            return self._space.timbre(z)

    def _prepared(
        self, reference: Pcm, language: Language, timbre: NDArray[np.floating], base: str
    ) -> tuple[Aligned, Weights]:
        from onnx import load

        from charafy.engines.voice.cloning.match.refine.weights import decoder_weights

        heard = reference[: round(LONGEST_S * SAMPLE_RATE)]
        language = self._models.spoken(heard, language)
        text = self._models.recognise(heard, language)
        try:
            symbols, share = fitting(self._models.front_end.clauses(text, language))
        except NothingToSay:
            raise Unalignable("Nothing was understood in the recording.") from None
        style = self._stock[base].row(max(1, len(symbols))).copy()
        style[0, : len(timbre)] = timbre
        model = load(self._models.kokoro)
        acoustics = Acoustics(self._models.kokoro, self._models.cache, threads=1)
        aligner = SpeechAligner(model, acoustics, track)
        return aligner.align(heard, symbols, style, share), decoder_weights(model)
