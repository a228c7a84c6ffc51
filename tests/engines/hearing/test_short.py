"""Whisper understands short turns without half a minute of padding; nothing is heard as nothing."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from charafy.engines.hearing import SAMPLE_RATE, Recogniser, Samples
from charafy.engines.hearing.short import ShortWhisper
from charafy.engines.voice.cloning.rates import listened
from tests.support.listening import recorded
from tests.support.matching import store
from tests.support.refining import whisper

RNG = np.random.default_rng(1)


@cache
def short() -> ShortWhisper:
    return ShortWhisper(store().ensure("whisper-base"), threads=1)


@cache
def heard(name: str) -> Samples:
    return listened(recorded(name))


class Repeating(ShortWhisper):
    """Scripted in place of the decoder: it repeats itself in any context shorter than `until_s`."""

    def __init__(self, until_s: float) -> None:
        super().__init__(Path("nowhere"))
        self.contexts_s: list[float] = []
        self._until_s = until_s

    def _heard(self, samples: Samples, language: str, context_s: float) -> str:
        self.contexts_s.append(context_s)
        return "I see. " * 5 if context_s < self._until_s else "I see the sea."


@pytest.mark.slow
def test_english_is_understood() -> None:
    recogniser: Recogniser = short()
    text = recogniser.transcribe(heard("sonnet.flac"), "en").lower()
    for words in ("never die", "might bear his memory", "own bright eyes"):
        assert words in text


@pytest.mark.slow
def test_japanese_is_understood() -> None:
    text = short().transcribe(heard("mahiruma.mp3"), "ja")
    for words in ("キャンプの外れ", "ていた"):
        assert words in text


@pytest.mark.slow
def test_one_word_is_understood() -> None:
    assert short().transcribe(heard("no.mp3"), "en").strip(".!").lower() == "no"


@pytest.mark.slow
def test_a_short_turn_costs_less_than_half_of_what_half_a_minute_costs() -> None:
    turn = heard("sensibility.flac")[: 6 * SAMPLE_RATE]

    def cpu_s(recogniser: Recogniser) -> float:
        recogniser.transcribe(turn, "en")
        began = time.process_time()
        recogniser.transcribe(turn, "en")
        return time.process_time() - began

    assert cpu_s(short()) < cpu_s(whisper()) / 2


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(2 * SAMPLE_RATE, np.float32),
        (0.05 * RNG.standard_normal(3 * SAMPLE_RATE)).astype(np.float32),
        (0.1 * np.sin(np.arange(3 * SAMPLE_RATE) * 0.08)).astype(np.float32),
        (0.2 * np.hanning(12_800) * RNG.standard_normal(12_800)).astype(np.float32),
        listened(recorded("no.mp3"))[int(2.1 * SAMPLE_RATE) : int(2.9 * SAMPLE_RATE)],
        listened(recorded("no.mp3"))[: int(1.2 * SAMPLE_RATE)],
    ],
    ids=["silence", "hiss", "hum", "breath", "room after a word", "room before a word"],
)
def test_nothing_is_heard_where_nobody_speaks(sound: Samples, language: str) -> None:
    assert short().transcribe(sound, language) == ""


@pytest.mark.slow
def test_of_more_than_half_a_minute_the_end_is_heard() -> None:
    turn = np.concatenate((np.zeros(25 * SAMPLE_RATE, np.float32), heard("sonnet.flac")))
    assert "own bright eyes" in short().transcribe(turn, "en").lower()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "spoken"), [("sonnet.flac", "en"), ("mahiruma.mp3", "ja")])
def test_the_language_that_is_spoken_is_told(name: str, spoken: str) -> None:
    for languages in (("en", "ja"), ("ja", "en")):
        assert short().language(heard(name), languages) == spoken


def test_a_decoder_that_repeats_itself_is_asked_once_more_with_all_it_was_made_for() -> None:
    recogniser = Repeating(until_s=30)
    assert recogniser.transcribe(heard("no.mp3"), "en") == "I see the sea."
    assert recogniser.contexts_s == [12, 30]


def test_what_repeats_itself_all_the_same_is_said_once() -> None:
    recogniser = Repeating(until_s=60)
    assert recogniser.transcribe(heard("no.mp3"), "en").strip() == "I see."
    assert recogniser.contexts_s == [12, 30]


def test_longer_turns_are_seen_with_a_margin() -> None:
    recogniser = Repeating(until_s=0)
    for seconds in (2, 14, 29, 40):
        recogniser.transcribe(np.zeros(seconds * SAMPLE_RATE, np.float32), "en")
    assert recogniser.contexts_s == [12, 16, 30, 30]


def test_less_than_a_tenth_of_a_second_is_nothing() -> None:
    nothing = np.zeros(SAMPLE_RATE // 20, np.float32)
    assert ShortWhisper(Path("nowhere")).transcribe(nothing, "en") == ""
    assert ShortWhisper(Path("nowhere")).language(nothing, ("ja", "en")) == "ja"


def test_a_missing_model_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no Whisper model"):
        ShortWhisper(tmp_path).transcribe(np.zeros(SAMPLE_RATE, np.float32), "en")
