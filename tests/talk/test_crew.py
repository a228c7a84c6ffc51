"""Engines in threads. The engines are scripted, the threads are real."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing

import numpy as np

from charafy.engines.hearing import Samples
from charafy.engines.voice import Language, SpeechChunk
from charafy.talk.crew import ThreadedCrew
from tests.support.talking import LoudnessVad

WAIT_S = 10.0


class Vad:
    frame = 512

    def listen(self) -> LoudnessVad:
        return LoudnessVad()


class Ears:
    def transcribe(self, samples: Samples, language: str) -> str:
        return "Hello."

    def language(self, samples: Samples, languages: object) -> str:
        return "en"


class LongVoice:
    """Speaks until it may stop."""

    voices = ("af_heart",)

    def __init__(self) -> None:
        self.may_stop = threading.Event()

    def speak(
        self, text: str, voice: str, language: Language, speed: float = 1.0
    ) -> Iterator[SpeechChunk]:
        yield SpeechChunk(np.zeros(240, np.float32), (), 0)
        assert self.may_stop.wait(WAIT_S)


class Melody:
    def over(self, samples: Samples) -> float:
        return 0.25


def crew_of(voice: LongVoice, melody: Melody | None = None) -> ThreadedCrew:
    return ThreadedCrew(vad=Vad(), recogniser=Ears(), voice=voice, melody=melody)


def test_a_model_is_told_while_a_voice_is_at_work() -> None:
    voice = LongVoice()
    crew = crew_of(voice)
    told = [crew.speaking()]

    async def main() -> None:
        async with aclosing(crew.speak("Hi.", "af_heart", "en")) as speech:
            await anext(speech)
            told.append(crew.speaking())
            voice.may_stop.set()
            assert await anext(speech, None) is None
        told.append(crew.speaking())

    asyncio.run(main())
    crew.close()
    assert told == [False, True, False]


def test_the_melody_is_heard_where_there_is_an_ear_for_it() -> None:
    async def likely(crew: ThreadedCrew) -> float:
        return await crew.over(np.zeros(16_000, np.float32))

    assert asyncio.run(likely(crew_of(LongVoice(), Melody()))) == 0.25
    assert asyncio.run(likely(crew_of(LongVoice()))) == 1.0
