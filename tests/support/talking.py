"""A conversation without models: scripted ears, mind and voice, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from charafy.engines.hearing import SAMPLE_RATE as HEARING_RATE
from charafy.engines.hearing import Samples
from charafy.engines.hearing.turns import TurnTaker
from charafy.engines.language import Asked, ChatFailed
from charafy.engines.language.persona import Persona
from charafy.engines.voice import SAMPLE_RATE, Language, Mark, Pcm, SpeechChunk
from charafy.talk.dialogue import Dialogue
from charafy.talk.mind import Mind
from charafy.talk.pace import Pace
from charafy.talk.phrases import Phrases
from charafy.talk.reply import Speaker
from charafy.talk.stage import ticking
from charafy.talk.turns import Spoken

T = TypeVar("T")

WORD_S = 0.4
"""How long the scripted voice takes for each word."""
FRAME = 320
"""Samples of a microphone's frame: 20 ms."""


class LoudnessVad:
    """A scripted `VadStream`: what is loud is speech."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)

    def feed(self, samples: Samples) -> NDArray[np.float32]:
        heard = np.concatenate((self._rest, samples))
        count = len(heard) // 512
        self._rest = heard[count * 512 :]
        frames = heard[: count * 512].reshape(count, 512)
        likely: NDArray[np.float32] = (np.abs(frames).mean(axis=1) > 0.1).astype(np.float32)
        return likely


@dataclass
class ScriptedCrew:
    """A `Crew` that takes as long as it is told, of whatever clock the loop has."""

    heard: list[str] = field(default_factory=list)
    """What is said in the next turns, in order; the last for all that follow."""
    answers: list[str] = field(default_factory=lambda: ["That is nice. Tell me more about it."])
    hear_s: float = 0.3
    sounds_over: float = 1.0
    """How much every turn sounds as if it were over."""
    think_s: float = 0.4
    speak_s: float = 0.2
    rate: float = 3.0
    """Seconds of speech that are made in a second."""
    thinking_fails: bool = False
    asked: list[Asked] = field(default_factory=list)
    warmed: list[Asked] = field(default_factory=list)
    closed: int = 0
    """Thoughts and speeches that were left before their end."""

    def listen(self) -> LoudnessVad:
        return LoudnessVad()

    async def attend(self, work: Callable[[], T]) -> T:
        return work()

    async def hear(self, samples: Samples, language: Language) -> str:
        said = self.heard.pop(0) if len(self.heard) > 1 else self.heard[0]
        await asyncio.sleep(self.hear_s)
        return said

    async def over(self, samples: Samples) -> float:
        return self.sounds_over

    async def think(self, asked: Asked) -> AsyncGenerator[str, None]:
        self.asked.append(asked)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        done = False
        try:
            await asyncio.sleep(self.think_s)
            if self.thinking_fails:
                raise ChatFailed("The language model did not answer.")
            for at in range(0, len(answer), 6):
                yield answer[at : at + 6]
                await asyncio.sleep(0.01)
            done = True
        finally:
            self.closed += not done

    async def warm(self, asked: Asked) -> None:
        self.warmed.append(asked)

    async def speak(
        self, text: str, voice: str, language: Language
    ) -> AsyncGenerator[SpeechChunk, None]:
        done = False
        try:
            await asyncio.sleep(self.speak_s)
            for number, word in enumerate(text.split()):
                marks = (Mark("word", word, number * WORD_S, (number + 1) * WORD_S),)
                yield SpeechChunk(np.full(int(WORD_S * SAMPLE_RATE), 0.5, np.float32), marks, 0)
                await asyncio.sleep(WORD_S / self.rate)
            done = True
        finally:
            self.closed += not done


class Recorder:
    """An `Outlet` that remembers when it was told what."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.events: list[tuple[float, dict[str, Any]]] = []
        self.sound: list[tuple[float, float]] = []
        """When so many seconds of sound were handed on."""

    def play(self, pcm: Pcm) -> None:
        self.sound.append((self._now(), len(pcm) / SAMPLE_RATE))

    def flush(self) -> None:
        """Nothing waits here."""

    def tell(self, event: dict[str, Any]) -> None:
        self.events.append((self._now(), event))

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The data of events of a type, or of server messages of a topic."""
        data = [e["data"] for _, e in self.events if e["type"] == kind]
        return data + [e["data"] for _, e in self.events if e["data"].get("t") == kind]

    def when(self, kind: str) -> float:
        """The last of this type or topic."""
        return [at for at, e in self.events if kind in (e["type"], e["data"].get("t"))][-1]

    def silent_since(self) -> float:
        return self.sound[-1][0] + self.sound[-1][1] if self.sound else 0.0


class Talk:
    """One dialogue with everything scripted. Use within `virtual_time.run`."""

    def __init__(self, crew: ScriptedCrew, language: Language = "en") -> None:
        self.crew = crew
        self.now = asyncio.get_running_loop().time
        self.out = Recorder(self.now)
        self.turns: list[Spoken] = []
        self.phrases = Phrases(crew)
        self.speaker = Speaker("af_heart", language)
        self.dialogue = Dialogue(
            self.speaker,
            Mind(crew, Persona("Sakura", language)),
            crew=crew,
            pace=Pace(rate=crew.rate, next_clause_s=0.3),
            phrases=self.phrases,
            outlet=self.out,
            taker=TurnTaker(LoudnessVad()),
            now=self.now,
            note=self.turns.append,
        )
        self._ticks = asyncio.create_task(ticking(self.dialogue.stage))

    async def sound(self, seconds: float, *, loud: bool) -> None:
        """So much speech, or silence, at the microphone, in its time."""
        frame = np.full(FRAME, 0.5 if loud else 0.0, np.float32)
        for _ in range(round(seconds * HEARING_RATE / FRAME)):
            await self.dialogue.hear(frame)
            await asyncio.sleep(FRAME / HEARING_RATE)

    async def says(self, seconds: float = 1.0, then_s: float = 2.0) -> float:
        """Speech and silence after it; answers when the speech was over."""
        await self.sound(seconds, loud=True)
        ended = self.now()
        await self.sound(then_s, loud=False)
        return ended

    async def close(self) -> None:
        await self.dialogue.close()
        self._ticks.cancel()
