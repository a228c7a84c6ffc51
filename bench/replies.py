"""How replies are heard: when they begin, and which of their silences somebody had to wait for.

A dialogue with the embedded engines in this process, without the network: questions go in as a
microphone hears them, and what comes out lies on the clock as a client plays it. So a silence that
the voice made is told from one where nothing was there yet. Beside it a second task wakes every few
milliseconds and sees how late: that is what sessions do to the event loop of a process.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from charafy.ears import hearing_of, melody_of
from charafy.engines.hearing import SAMPLE_RATE as HEARING_RATE
from charafy.engines.hearing.turns import TurnTaker
from charafy.engines.language.persona import Persona
from charafy.engines.voice import SAMPLE_RATE, Language, Pcm
from charafy.engines.voice.cloning.rates import listened
from charafy.engines.voice.kokoro import KokoroVoice, stock_styles
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.weights import Store
from charafy.kernel.settings import Settings
from charafy.minds import mind_of
from charafy.talk.crew import ThreadedCrew
from charafy.talk.dialogue import Dialogue
from charafy.talk.events import Event
from charafy.talk.mind import Mind
from charafy.talk.pace import Pace
from charafy.talk.phrases import Phrases
from charafy.talk.reply import Speaker
from charafy.talk.stage import ticking
from charafy.talk.turns import Spoken

TURNS: Final = 12
SESSIONS: Final = (1, 2, 4)
_LAG_TURNS: Final = 4
_FRAME: Final = HEARING_RATE // 50
_LAG_STEP_S: Final = 0.005
_AUDIBLE: Final = 0.01
_LEAST_S: Final = 0.2
"""Silences that are shorter belong to words."""
_PATIENCE_S: Final = 40.0
_VOICES: Final[dict[Language, tuple[str, str]]] = {
    "en": ("am_adam", "af_heart"),
    "ja": ("jm_kumo", "jf_alpha"),
}
"""Who asks, and who answers."""
_ASKED: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        "What do you like to do on a rainy day?",
        "My name is Tom, and I love old temples.",
        "Could you tell me about your favourite garden?",
        "What should I cook for dinner tonight?",
        "I had a long day at work today.",
        "Do you have any plans for the weekend?",
    ),
    "ja": (
        "雨の日は何をするのが好きですか？",
        "おすすめのお茶を教えてください。",
        "昨日は友だちと映画を見ました。",
        "京都でどこを散歩したらいいですか？",
        "今日は仕事がとても忙しかったです。",
        "週末は何か予定がありますか？",
    ),
}


@dataclass
class Client:
    """An `Outlet` that plays at once, as a client without a jitter buffer does."""

    told: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with the figures of each turn."""
    events: list[tuple[float, Event]] = field(default_factory=list)
    pieces: list[tuple[float, Pcm]] = field(default_factory=list)
    """When each begins to be heard. In what lies between two, nothing was there."""
    _until: float = 0.0

    def play(self, pcm: Pcm) -> None:
        at = max(self._until, time.monotonic())
        self.pieces.append((at, pcm))
        self._until = at + len(pcm) / SAMPLE_RATE

    def flush(self) -> None:
        """Replies are not interrupted here."""

    def tell(self, event: Event) -> None:
        self.events.append((time.monotonic(), event))
        if event["type"] == "metrics":
            self.told.set()

    def when(self, kind: str, since_s: float) -> float:
        """The first of this type after `since_s`. Raises `StopIteration` where there is none."""
        return next(at for at, event in self.events if event["type"] == kind and at > since_s)

    def silences(self, since_s: float) -> list[tuple[float, float, float]]:
        """(where, how long, of that how long nothing was there) of all between two sounds."""
        found: list[tuple[float, float, float]] = []
        last: float | None = None
        absent, until = 0.0, since_s
        for at, pcm in self.pieces:
            if at < since_s:
                continue
            absent += max(0.0, at - until) if last is not None else 0.0
            for place in np.flatnonzero(np.abs(pcm) > _AUDIBLE):
                here = at + float(place) / SAMPLE_RATE
                if last is not None and here - last >= _LEAST_S:
                    found.append((last, here - last, absent))
                if last is None or here - last > 0:
                    last, absent = here, 0.0
            until = at + len(pcm) / SAMPLE_RATE
        return found


class Lag:
    """How late the event loop wakes who sleeps, in seconds."""

    def __init__(self) -> None:
        self.late_s: list[float] = []

    async def watch(self) -> None:
        while True:
            due = time.monotonic() + _LAG_STEP_S
            await asyncio.sleep(_LAG_STEP_S)
            self.late_s.append(time.monotonic() - due)

    def figures(self) -> dict[str, float]:
        p50, p99 = np.percentile(self.late_s, [50, 99])
        return {
            "lag_p50_ms": round(float(p50) * 1e3, 1),
            "lag_p99_ms": round(float(p99) * 1e3, 1),
            "lag_max_ms": round(max(self.late_s) * 1e3, 1),
            "over_20_ms_share": round(float(np.mean(np.array(self.late_s) > 0.02)), 4),
            "over_50_ms": float(np.sum(np.array(self.late_s) > 0.05)),
        }


class Talk:
    """One session."""

    def __init__(
        self, crew: ThreadedCrew, language: Language, pace: Pace, phrases: Phrases
    ) -> None:
        self.language: Language = language
        self.client = Client()
        self.spoken: list[Spoken] = []
        self.dialogue = Dialogue(
            Speaker(_VOICES[language][1], language),
            Mind(crew, Persona("Sakura", language)),
            crew=crew,
            pace=pace,
            phrases=phrases,
            outlet=self.client,
            taker=TurnTaker(crew.listen()),
            now=time.monotonic,
            note=self.spoken.append,
        )
        self.ticks = asyncio.create_task(ticking(self.dialogue.stage))

    async def turn(self, pcm: Pcm) -> dict[str, Any]:
        """Say it and listen to the answer. Seconds, from the last sound of what was said."""
        self.client.told.clear()
        await self._says(pcm)
        over = time.monotonic()
        silence = asyncio.create_task(self._says(np.zeros(60 * HEARING_RATE, np.float32)))
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self.client.told.wait()
        finally:
            silence.cancel()
        return self._judged(over)

    async def close(self) -> None:
        self.ticks.cancel()
        await self.dialogue.close()

    async def _says(self, pcm: Pcm) -> None:
        due = time.monotonic()
        for at in range(0, len(pcm), _FRAME):
            await self.dialogue.hear(pcm[at : at + _FRAME])
            due += _FRAME / HEARING_RATE
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def _judged(self, over: float) -> dict[str, Any]:
        content = self.client.when("bot-started-speaking", over)
        told = next(e for at, e in self.client.events if at > over and e["type"] == "metrics")
        first = next(at for at, pcm in self.client.pieces if at > over and np.any(pcm))
        silences = self.client.silences(over)
        return {
            "first_sound": first - over,
            "first_content": content - over,
            "stages": told["data"]["stages"],
            "opened": first < content - 0.01,
            "after_opener": next((s for s in silences if s[0] < content <= s[0] + s[1]), None),
            "inside": [s[1:] for s in silences if s[0] >= content],
            "said": self.spoken[-1].text,
            "heard": self.spoken[-2].text,
        }


def run() -> dict[str, Any]:
    """By language, and the event loop's lag by the number of sessions that talk at once."""
    crew = _crew()
    turns = {language: asyncio.run(_talked(crew, language))[0] for language in _VOICES}
    return {language: summed(found) for language, found in turns.items()} | {
        f"loop_of_{count}_sessions": asyncio.run(_lag(crew, count)) for count in SESSIONS
    }


def summed(turns: Sequence[dict[str, Any]]) -> dict[str, float]:
    """What the issue aims at, of turns of one language."""
    inside = [silence for turn in turns for silence in turn["inside"]]
    behind = [turn["after_opener"] for turn in turns if turn["after_opener"] is not None]

    def quantile(of: Callable[[dict[str, Any]], float], share: float) -> float:
        return round(float(np.quantile([of(turn) for turn in turns], share)), 2)

    return {
        "turns": len(turns),
        "first_sound_p50_s": quantile(lambda t: t["first_sound"], 0.5),
        "first_sound_p95_s": quantile(lambda t: t["first_sound"], 0.95),
        "first_content_p50_s": quantile(lambda t: t["first_content"], 0.5),
        "first_content_p95_s": quantile(lambda t: t["first_content"], 0.95),
        "silences_over_0.25_s": sum(long > 0.25 for long, _ in inside),
        "gaps_over_0.05_s": sum(absent > 0.05 for _, absent in inside),
        "gaps_over_0.25_s": sum(absent > 0.25 for _, absent in inside),
        "longest_silence_s": round(max((long for long, _ in inside), default=0.0), 2),
        "longest_gap_s": round(max((absent for _, absent in inside), default=0.0), 2),
        "opened": sum(turn["opened"] for turn in turns),
        "after_opener_p50_s": round(float(np.median([s[1] for s in behind] or [0.0])), 2),
        "after_opener_max_s": round(max((s[1] for s in behind), default=0.0), 2),
    }


async def _talked(
    crew: ThreadedCrew, language: Language, *, sessions: int = 1, turns: int = TURNS
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """All turns of so many sessions at once, and the lag meanwhile."""
    pace, phrases, lag = Pace(), Phrases(crew), Lag()
    await phrases.prepare(Speaker(_VOICES[language][1], language))
    talks = [Talk(crew, language, pace, phrases) for _ in range(sessions)]
    questions = [await _asked(crew, text, language) for text in _ASKED[language]]
    for talk in talks:
        await talk.dialogue.wake()
    watching = asyncio.create_task(lag.watch())

    async def converse(number: int) -> list[dict[str, Any]]:
        await asyncio.sleep(0.7 * number)
        return [await talks[number].turn(questions[n % len(questions)]) for n in range(turns)]

    began = time.process_time(), time.monotonic()
    found = await asyncio.gather(*(converse(number) for number in range(sessions)))
    watching.cancel()
    share = (time.process_time() - began[0]) / (time.monotonic() - began[1])
    for talk in talks:
        await talk.close()
    return [turn for one in found for turn in one], lag.figures() | {"cpu_share": round(share, 2)}


async def _lag(crew: ThreadedCrew, sessions: int) -> dict[str, float]:
    turns, lag = await _talked(crew, "en", sessions=sessions, turns=_LAG_TURNS)
    kept = ("first_content_p50_s", "gaps_over_0.05_s", "gaps_over_0.25_s", "longest_gap_s")
    figures = summed(turns)
    return lag | {name: figures[name] for name in kept}


async def _asked(crew: ThreadedCrew, text: str, language: Language) -> Pcm:
    """As a microphone hears it, without the silence behind."""
    pieces = [chunk.pcm async for chunk in crew.speak(text, _VOICES[language][0], language)]
    heard = listened(np.concatenate(pieces))
    return heard[: np.flatnonzero(np.abs(heard) > _AUDIBLE)[-1] + 1]


def _crew() -> ThreadedCrew:
    """As `charafy talk` has it."""
    settings = Settings()
    vad, recogniser = hearing_of(settings)
    cores = os.cpu_count() or 1
    model = Store(settings.models).ensure("kokoro")
    voice = KokoroVoice(
        model,
        stock_styles(),
        TextFrontEnd(),
        settings.models / "derived",
        threads=min(2, cores),
        concurrency=max(1, cores // 2),
    )
    crew = ThreadedCrew(vad=vad, recogniser=recogniser, voice=voice, melody=melody_of())
    crew.hire(mind_of(settings, crew.speaking))
    recogniser.transcribe(np.zeros(HEARING_RATE, np.float32), "en")
    return crew
