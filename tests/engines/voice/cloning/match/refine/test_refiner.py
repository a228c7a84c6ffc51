"""From a recording to a better timbre, with nothing known but the recording."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from charafy.engines.voice import Language, Pcm
from charafy.engines.voice.cloning.match import refine
from charafy.engines.voice.cloning.match.refine import Refiner, Unalignable, available
from charafy.engines.voice.kokoro import Style, stock_styles
from tests.support.listening import recorded
from tests.support.matching import campplus, kokoro, space
from tests.support.refining import BASE, RECORDING, models

TEXT = "I would rather have the blue jacket, if it is not too much trouble."


def alike(timbre: np.typing.NDArray[np.float32]) -> float:
    """Cosine with the recording of a sentence that nobody trained on."""
    table = np.array(stock_styles()[BASE].table, np.float32)
    table[:, : len(timbre)] = timbre
    said = np.concatenate([c.pcm for c in kokoro().speak_as(TEXT, Style(table), "en")])
    return float(campplus().embed(said) @ campplus().embed(recorded(RECORDING)))


@pytest.mark.slow
def test_a_refined_voice_is_heard_as_more_alike_in_other_words() -> None:
    shares: list[float] = []
    timbre = stock_styles()[BASE].row(60)[0, :128]
    # Half as many still go either way, by how a processor rounds.
    refiner = Refiner(models(), space(), stock_styles(), steps=32)
    better = refiner.improve(recorded(RECORDING), "en", timbre, BASE, shares.append)
    assert better.shape == timbre.shape
    assert alike(better) > alike(timbre) + 0.03
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert shares == sorted(shares)


@pytest.mark.parametrize("words", ["", "🎉", "..."])
def test_a_recording_in_which_nothing_is_understood_is_refused(words: str) -> None:
    def recognise(_pcm: Pcm, _language: Language) -> str:
        return words

    real = models()
    deaf = type(real)(real.kokoro, real.cache, real.encoder, recognise, real.front_end)
    refiner = Refiner(deaf, space(), stock_styles())
    with pytest.raises(Unalignable):
        refiner.improve(recorded(RECORDING), "en", np.zeros(128), BASE, lambda _share: None)


def test_what_is_said_is_taken_down_in_the_language_that_is_spoken() -> None:
    """Which may be another than the one that the voice was ordered for."""
    taken: list[Language] = []

    def recognise(_pcm: Pcm, language: Language) -> str:
        taken.append(language)
        return ""

    heard = replace(models(), recognise=recognise, spoken=lambda _pcm, _told: "en")
    with pytest.raises(Unalignable):
        Refiner(heard, space(), stock_styles()).improve(
            recorded(RECORDING), "ja", np.zeros(128), BASE, lambda _share: None
        )
    assert taken == ["en"]


def test_nothing_heavy_is_loaded_before_the_first_refinement() -> None:
    code = """
import sys
from charafy.engines.voice.cloning.match.refine import Refiner, available
assert available()
print(sorted({"jax", "numba", "onnx", "onnxruntime", "faster_whisper"} & sys.modules.keys()))
"""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "[]"


def test_it_is_known_whether_it_can_be_done_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert available()
    monkeypatch.setattr(refine, "find_spec", lambda _name: None)
    assert not available()
