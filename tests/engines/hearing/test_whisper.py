"""Whisper writes down what is said, in both languages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from charafy.engines.hearing import SAMPLE_RATE, Recogniser
from charafy.engines.hearing.whisper import Whisper
from charafy.engines.voice.cloning.rates import listened
from tests.support.listening import recorded
from tests.support.refining import whisper


@pytest.mark.slow
def test_english_is_understood() -> None:
    recogniser: Recogniser = whisper()
    text = recogniser.transcribe(listened(recorded("sonnet.flac")), "en").lower()
    for words in ("never die", "might bear his memory", "own bright eyes"):
        assert words in text


@pytest.mark.slow
def test_japanese_is_understood() -> None:
    text = whisper().transcribe(listened(recorded("mahiruma.mp3")), "ja")
    for words in ("キャンプの外れ", "電球"):
        assert words in text


@pytest.mark.slow
@pytest.mark.parametrize(("name", "spoken"), [("sonnet.flac", "en"), ("mahiruma.mp3", "ja")])
def test_the_language_that_is_spoken_is_told(name: str, spoken: str) -> None:
    heard = listened(recorded(name))
    for languages in (("en", "ja"), ("ja", "en")):
        assert whisper().language(heard, languages) == spoken


def test_less_than_a_tenth_of_a_second_is_nothing() -> None:
    assert Whisper(Path("nowhere")).transcribe(np.zeros(SAMPLE_RATE // 20, np.float32), "en") == ""
    nothing = np.zeros(SAMPLE_RATE // 20, np.float32)
    assert Whisper(Path("nowhere")).language(nothing, ("ja", "en")) == "ja"


def test_a_missing_model_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no Whisper model"):
        Whisper(tmp_path).transcribe(np.zeros(SAMPLE_RATE, np.float32), "en")
