"""The encoder tells people apart, and only people."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest

from charafy.engines.voice import SAMPLE_RATE, Pcm
from charafy.engines.voice.cloning.rates import LISTENING_RATE, listened
from charafy.engines.voice.cloning.speakers import WIDTH, Resemblyzer
from tests.support.listening import encoder, recorded


@pytest.fixture(scope="module")
def resemblyzer() -> Resemblyzer:
    return encoder()


@pytest.mark.parametrize("name", ["sensibility.flac", "sonnet.flac"])
def test_two_parts_of_a_recording_are_alike_and_another_person_is_not(
    resemblyzer: Resemblyzer, name: str
) -> None:
    pcm = recorded(name)
    first, second = (resemblyzer.embed(part) for part in np.array_split(pcm, 2))
    other = resemblyzer.embed(recorded("mahiruma.mp3"))
    assert first @ second > 0.8
    assert first @ other < 0.7


def test_an_embedding_is_a_unit_vector_without_negatives(resemblyzer: Resemblyzer) -> None:
    vector = resemblyzer.embed(recorded("sonnet.flac"))
    assert vector.shape == (WIDTH,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
    assert vector.min() >= 0.0


def test_loudness_and_silence_around_do_not_matter(resemblyzer: Resemblyzer) -> None:
    pcm = recorded("sonnet.flac")
    whole = resemblyzer.embed(pcm)
    quiet = resemblyzer.embed(pcm * np.float32(0.05))
    padded = resemblyzer.embed(np.pad(pcm, (SAMPLE_RATE, 2 * SAMPLE_RATE)))
    assert whole @ quiet > 0.9999
    assert whole @ padded > 0.995


@pytest.mark.parametrize("samples", [0, 1, 700, SAMPLE_RATE])
def test_there_is_nobody_in_silence(resemblyzer: Resemblyzer, samples: int) -> None:
    assert not resemblyzer.embed(np.zeros(samples, np.float32)).any()


@pytest.mark.parametrize("seconds", [0.05, 0.4, 1.7])
def test_short_speech_has_a_speaker_too(resemblyzer: Resemblyzer, seconds: float) -> None:
    part = recorded("sonnet.flac")[SAMPLE_RATE : SAMPLE_RATE + round(seconds * SAMPLE_RATE)]
    assert np.linalg.norm(resemblyzer.embed(part)) == pytest.approx(1.0, abs=1e-5)


def test_numbers_that_are_none_do_not_get_through(resemblyzer: Resemblyzer) -> None:
    broken = recorded("sonnet.flac").copy()
    broken[1000] = np.nan
    assert np.isfinite(resemblyzer.embed(broken)).all()


def test_the_model_in_the_package_says_whose_it_is() -> None:
    folder = resources.files("charafy") / "assets" / "speakers"
    assert len((folder / "resemblyzer.onnx").read_bytes()) < 3_000_000
    assert "Resemble AI" in (folder / "NOTICE").read_text("utf-8")


def sine(hertz: float, rate: int, samples: int) -> Pcm:
    return np.sin(2 * np.pi * hertz * np.arange(samples) / rate).astype(np.float32)


@pytest.mark.parametrize("hertz", [100.0, 1000.0, 5000.0, 7000.0])
def test_what_models_can_hear_keeps_its_place_and_height(hertz: float) -> None:
    slower = listened(sine(hertz, SAMPLE_RATE, 24_001))
    assert len(slower) == 16_001
    expected = sine(hertz, LISTENING_RATE, len(slower))
    np.testing.assert_allclose(slower[100:-100], expected[100:-100], atol=2e-3)


@pytest.mark.parametrize("hertz", [8600.0, 10_000.0, 11_900.0])
def test_what_is_too_high_for_them_is_gone_and_does_not_come_back_lower(hertz: float) -> None:
    assert np.abs(listened(sine(hertz, SAMPLE_RATE, 24_000))[100:-100]).max() < 1e-3


@pytest.mark.parametrize("samples", [0, 1, 2, 3, 4, 100_001])
def test_every_length_comes_out_at_two_thirds(samples: int) -> None:
    assert len(listened(np.ones(samples, np.float32))) == -(-samples * 2 // 3)
