"""A deferred voice loads once, when it is first needed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from charafy.engines.voice import Language, SpeechChunk
from charafy.engines.voice.deferred import DeferredVoice


class Silence:
    """Says nothing for a tenth of a second."""

    voices = ("quiet",)

    def speak(
        self, text: str, voice: str, language: Language, speed: float = 1.0
    ) -> Iterator[SpeechChunk]:
        yield SpeechChunk(np.zeros(2400, np.float32), (), len(text))


def test_nothing_is_loaded_before_somebody_speaks() -> None:
    voice = DeferredVoice(("quiet",), Silence)
    assert voice.voices == ("quiet",)
    assert not voice.loaded
    assert [chunk.chars_done for chunk in voice.speak("hush", "quiet", "en")] == [4]
    assert voice.loaded


def test_many_threads_at_once_load_it_once() -> None:
    loads: list[int] = []

    def load() -> Silence:
        loads.append(1)
        return Silence()

    voice = DeferredVoice(("quiet",), load)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: list(voice.speak("hush", "quiet", "en")), range(32)))
    assert len(loads) == 1


def test_a_failed_load_is_tried_again_by_the_next_speech() -> None:
    attempts: list[int] = []

    def load() -> Silence:
        attempts.append(1)
        if len(attempts) == 1:
            raise OSError("no model yet")
        return Silence()

    voice = DeferredVoice(("quiet",), load)
    with pytest.raises(OSError, match="no model yet"):
        list(voice.speak("hush", "quiet", "en"))
    assert list(voice.speak("hush", "quiet", "en"))


def test_an_unknown_voice_is_refused_without_loading() -> None:
    voice = DeferredVoice(("quiet",), Silence)
    with pytest.raises(KeyError):
        voice.speak("hush", "loud", "en")
    assert not voice.loaded
