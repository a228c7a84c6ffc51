"""Silero tells speech from everything else, as it comes in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from charafy.engines.hearing import SAMPLE_RATE, Samples, Vad
from charafy.engines.hearing.silero import FRAME, Silero
from charafy.engines.voice.cloning.rates import listened
from tests.support.listening import recorded, silero

RNG = np.random.default_rng(1)


@pytest.fixture(scope="module")
def vad() -> Vad:
    return silero()


@pytest.fixture(scope="module")
def speech() -> Samples:
    return listened(recorded("sonnet.flac"))


def tone(hertz: float, seconds: float) -> Samples:
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * hertz * time_s)).astype(np.float32)


def test_speech_is_likely_where_somebody_speaks(vad: Vad, speech: Samples) -> None:
    likely = vad.listen().feed(speech)
    assert len(likely) == len(speech) // vad.frame
    assert np.mean(likely > 0.5) > 0.7
    level = np.square(speech[: len(likely) * FRAME]).reshape(-1, FRAME).mean(axis=1)
    assert level[likely > 0.5].mean() > 20 * level[likely < 0.1].mean()


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(3 * SAMPLE_RATE, np.float32),
        (0.1 * RNG.standard_normal(3 * SAMPLE_RATE)).astype(np.float32),
        tone(200.0, 3.0),
        tone(200.0, 3.0) + tone(300.0, 3.0) + tone(1000.0, 3.0),
    ],
    ids=["silence", "hiss", "tone", "chord"],
)
def test_silence_noise_and_tones_are_no_speech(vad: Vad, sound: Samples) -> None:
    assert np.mean(vad.listen().feed(sound) > 0.5) < 0.02


def test_pieces_of_any_size_tell_the_same_as_all_at_once(vad: Vad, speech: Samples) -> None:
    sound = speech[: 3 * SAMPLE_RATE + 100]
    at_once = vad.listen().feed(sound)
    stream, told, at = vad.listen(), [], 0
    for size in (0, 1, 511, 512, 513, 160, 5000, len(sound)):
        told.append(stream.feed(sound[at : at + size]))
        at += size
    assert at >= len(sound)
    np.testing.assert_allclose(np.concatenate(told), at_once, atol=1e-6)


def test_less_than_a_frame_waits_for_more(vad: Vad) -> None:
    stream = vad.listen()
    assert len(stream.feed(np.zeros(FRAME - 1, np.float32))) == 0
    assert len(stream.feed(np.zeros(1, np.float32))) == 1


def test_streams_do_not_hear_each_other(vad: Vad, speech: Samples) -> None:
    alone = vad.listen().feed(speech[: 2 * SAMPLE_RATE])
    noise = (0.3 * RNG.standard_normal(2 * SAMPLE_RATE)).astype(np.float32)

    def hear(sound: Samples) -> Samples:
        stream = vad.listen()
        return np.concatenate([stream.feed(part) for part in np.array_split(sound, 40)])

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(hear, [speech[: 2 * SAMPLE_RATE], noise] * 4))
    for likely in told[::2]:
        np.testing.assert_allclose(likely, alone, atol=1e-6)


def test_nothing_is_loaded_before_somebody_listens(tmp_path: Path) -> None:
    vad = Silero(tmp_path / "missing.onnx")
    assert vad.frame == FRAME
    with pytest.raises(OSError, match=r"missing\.onnx"):
        vad.listen()
