"""What operators see of conversations: how long engines take, and each stage of an answer."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from charafy.engines.hearing import Samples, VadStream
from charafy.engines.language import Asked
from charafy.engines.voice import Language, SpeechChunk
from charafy.kernel.observe import Metrics
from charafy.kernel.traces import OFF, Span, Traces
from charafy.talk.crew import Crew, Thinker
from charafy.talk.turns import Spoken

if TYPE_CHECKING:
    from charafy.conversations.models import Admitted

T = TypeVar("T")


class Watch:
    """Times the engines and turns of a process."""

    def __init__(self, metrics: Metrics, traces: Traces = OFF) -> None:
        self._metrics = metrics
        self._traces = traces

    def conversation(self, admitted: Admitted) -> WatchedTalk:
        """One conversation's, traced from now until `WatchedTalk.over`."""
        span = self._traces.begin(
            "conversation",
            kind="server",
            parent=admitted.trace,
            conversation__id=admitted.conversation_id,
            conversation__mode=admitted.mode,
        )
        return WatchedTalk(self._metrics, self._traces, span)


class WatchedTalk:
    """Times the engines and turns of one conversation, and makes their spans."""

    def __init__(self, metrics: Metrics, traces: Traces, span: Span) -> None:
        self._metrics = metrics
        self._traces = traces
        self._span = span

    def over(self) -> None:
        """Nothing more will come."""
        self._span.end()

    def turns(self, note: Callable[[Spoken], None]) -> Callable[[Spoken], None]:
        """`note`, told after the stages of the turn were counted."""

        def noted(spoken: Spoken) -> None:
            for stage, seconds in spoken.latency.items():
                self._metrics.turn_stage_seconds.labels(stage).observe(max(0.0, seconds))
            self._trace(spoken)
            note(spoken)

        return noted

    @contextlib.contextmanager
    def call(self, engine: str) -> Iterator[None]:
        """Around a call of an engine. One that is left early counts as one that ended."""
        began_s = time.monotonic()
        span = self._traces.begin(engine, parent=self._span.carried)
        try:
            yield
        except Exception as error:
            span.failed(error)
            self._metrics.engine_failures.labels(engine).inc()
            raise
        finally:
            span.end()
            self._metrics.engine_seconds.labels(engine).observe(time.monotonic() - began_s)

    async def pieces(self, engine: str, source: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
        """What `source` yields, timed to its first piece and to its end; closing closes it."""
        began_s, first = time.monotonic(), True
        with self.call(engine):
            async with contextlib.aclosing(source):
                async for piece in source:
                    if first:
                        first = False
                        waited_s = time.monotonic() - began_s
                        self._metrics.engine_first_seconds.labels(engine).observe(waited_s)
                    yield piece

    def _trace(self, spoken: Spoken) -> None:
        """The turn that was answered, and its stages one after the other."""
        since_s, parent = spoken.since_s, self._span.carried
        if since_s is None or parent is None:
            return
        stages = sorted(spoken.latency.items(), key=lambda stage: stage[1])
        until_s = since_s + (stages[-1][1] if stages else 0.0)
        turn = self._traces.record(
            "turn",
            began_s=since_s,
            ended_s=until_s,
            parent=parent,
            turn__interrupted=spoken.interrupted,
        )
        at_s = since_s
        for stage, seconds in stages:
            reached_s = max(at_s, since_s + seconds)
            self._traces.record(f"turn.{stage}", began_s=at_s, ended_s=reached_s, parent=turn)
            at_s = reached_s


class WatchedThinker(Thinker):
    """A thinker, watched."""

    def __init__(self, thinker: Thinker, watch: WatchedTalk) -> None:
        self._thinker = thinker
        self._watch = watch

    def think(self, asked: Asked) -> AsyncGenerator[str, None]:
        return self._watch.pieces("think", self._thinker.think(asked))

    async def warm(self, asked: Asked) -> None:
        await self._thinker.warm(asked)


class WatchedCrew(WatchedThinker, Crew):
    """A crew, watched. What is done for every few samples (`listen`, `attend`) is not."""

    def __init__(self, crew: Crew, watch: WatchedTalk) -> None:
        super().__init__(crew, watch)
        self._crew = crew

    def listen(self) -> VadStream:
        return self._crew.listen()

    async def attend(self, work: Callable[[], T]) -> T:
        return await self._crew.attend(work)

    async def hear(self, samples: Samples, language: Language) -> str:
        with self._watch.call("recognise"):
            return await self._crew.hear(samples, language)

    async def over(self, samples: Samples) -> float:
        with self._watch.call("melody"):
            return await self._crew.over(samples)

    def speak(self, text: str, voice: str, language: Language) -> AsyncGenerator[SpeechChunk, None]:
        return self._watch.pieces("synthesise", self._crew.speak(text, voice, language))
