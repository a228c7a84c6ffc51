"""CAM++ tells people apart more surely than Resemblyzer, with our own arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from charafy.engines.voice import SAMPLE_RATE
from charafy.engines.voice.cloning.match.campplus import WIDTH, folded
from tests.support.listening import recorded
from tests.support.matching import campplus


@pytest.mark.parametrize("name", ["sensibility.flac", "sonnet.flac"])
def test_two_parts_of_a_recording_are_alike_and_another_person_is_not(name: str) -> None:
    first, second = (campplus().embed(part) for part in np.array_split(recorded(name), 2))
    other = campplus().embed(recorded("mahiruma.mp3"))
    assert first @ second > 0.55
    assert first @ other < 0.3


def test_an_embedding_is_a_unit_vector_however_loud_the_recording() -> None:
    pcm = recorded("sonnet.flac")
    loud, quiet = (campplus().embed(pcm * gain) for gain in (np.float32(1.0), np.float32(0.05)))
    assert loud.shape == (WIDTH,)
    assert np.linalg.norm(loud) == pytest.approx(1.0, abs=1e-5)
    assert loud @ quiet > 0.999


@pytest.mark.parametrize("samples", [0, 100, SAMPLE_RATE])
def test_silence_is_nobody(samples: int) -> None:
    assert not campplus().embed(np.zeros(samples, np.float32)).any()


def test_half_a_second_is_heard_as_somebody() -> None:
    piece = recorded("sonnet.flac")[SAMPLE_RATE : SAMPLE_RATE * 3 // 2]
    assert np.linalg.norm(campplus().embed(piece)) == pytest.approx(1.0, abs=1e-5)


def test_a_checkpoint_without_a_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="head"):
        folded({})
