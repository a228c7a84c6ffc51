"""One thing that the character says: made in the background, clause by clause, ahead of time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Final

from charafy.engines.voice import SAMPLE_RATE, Language, NothingToSay, SpeechChunk
from charafy.talk.crew import Crew
from charafy.talk.pace import Pace
from charafy.talk.playout import Playout

FIRST_CLAUSE_S: Final = 20.0
"""Longer than a busy small machine thinks; a provider that is silent for so long has failed."""
NEXT_CLAUSE_S: Final = 15.0
NEXT_SOUND_S: Final = 15.0
_AHEAD: Final = 3
"""Clauses that may be thought of before they are spoken."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks: a voice of the voice engine, and the character's language."""

    voice: str
    language: Language


class Reply:
    """Begins to be made at once. A `Stage` lets it be heard; `drop` ends it wherever it is."""

    def __init__(
        self,
        key: str,
        clauses: AsyncGenerator[str, None],
        *,
        crew: Crew,
        speaker: Speaker,
        pace: Pace,
        now: Callable[[], float],
    ) -> None:
        self.key = key
        self.playout = Playout()
        self.failure: Exception | None = None
        self.thought_s: float | None = None
        """When the first clause was there."""
        self.sounded_s: float | None = None
        """When its first audio was there."""
        self._clauses = clauses
        self._crew = crew
        self._speaker = speaker
        self._pace = pace
        self._now = now
        self._began_s = now()
        self._first = ""
        self._first_made = False
        self._first_s = 0.0
        self._task = asyncio.create_task(self._make(), name=f"reply {key}")

    def ready(self) -> bool:
        """Whether it may be heard now without running dry."""
        if self.playout.complete:
            return self.playout.made_s > 0
        return self.playout.made_s > 0 and self._starts_in_s() <= 0

    @property
    def sounds_in_s(self) -> float:
        """How long it will probably take until it is ready."""
        if self.playout.made_s > 0:
            return self._starts_in_s()
        return self._pace.sounds_in(
            self._speaker.language,
            asked_s=self._began_s,
            thought_s=self.thought_s,
            now_s=self._now(),
        )

    def learn(self) -> None:
        """Let the next replies be expected as this one came: it answered somebody."""
        if self.thought_s is not None:
            self._pace.thought(self._speaker.language, self.thought_s - self._began_s)
            if self.sounded_s is not None:
                self._pace.sounded(self.sounded_s - self.thought_s)
        if self.playout.complete:
            self._pace.followed(self.playout.made_s - self._first_s)

    def when_made(self, tell: Callable[[Reply], None]) -> None:
        """`tell` is called once engines no longer work at it."""
        self._task.add_done_callback(lambda _: tell(self))

    async def drop(self) -> None:
        """Stop making it. Returns when the engines were told."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _make(self) -> None:
        clauses: asyncio.Queue[str | None] = asyncio.Queue(_AHEAD)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._think(clauses))
                group.create_task(self._speak(clauses))
        except* Exception as errors:  # noqa: BLE001 - kept: whoever waits for the reply asks for it
            self.failure = _first(errors)
        self.playout.complete = True

    async def _think(self, clauses: asyncio.Queue[str | None]) -> None:
        async with contextlib.aclosing(self._clauses) as source:
            wait_s = FIRST_CLAUSE_S
            while True:
                async with asyncio.timeout(wait_s):
                    clause = await anext(source, None)
                if self.thought_s is None:
                    self.thought_s = self._now()
                await clauses.put(clause)
                if clause is None:
                    return
                wait_s = NEXT_CLAUSE_S

    async def _speak(self, clauses: asyncio.Queue[str | None]) -> None:
        since = None
        while (clause := await clauses.get()) is not None:
            self._first = self._first or clause
            with contextlib.suppress(NothingToSay):
                await self._say(clause, since)
            if not self._first_made:
                self._first_made, self._first_s = True, self.playout.made_s
            since = self._now()

    async def _say(self, clause: str, since: float | None) -> None:
        base_s, began, first = self.playout.made_s, self._now(), None
        held: list[SpeechChunk] = []
        made_s = 0.0
        pieces = self._crew.speak(clause, self._speaker.voice, self._speaker.language)
        self.playout.begin_clause(clause)
        async with contextlib.aclosing(pieces) as source:
            while True:
                async with asyncio.timeout(NEXT_SOUND_S):
                    chunk = await anext(source, None)
                if chunk is None:
                    break
                if first is None and len(chunk.pcm):
                    first = self._now()
                    self.sounded_s = self.sounded_s or first
                    if since is not None:
                        self._pace.waited(first - since)
                if len(chunk.pcm):
                    held.append(chunk)
                    made_s += len(chunk.pcm) / SAMPLE_RATE
                if since is None or self._may_go_on(clause, self._now() - began, made_s):
                    self._add(held, base_s)
        self._add(held, base_s)
        self._pace.made(made_s, self._now() - began)

    def _starts_in_s(self) -> float:
        assert self.thought_s is not None
        return self._pace.starts_in(
            self._first,
            self._speaker.language,
            waited_s=self._now() - self.thought_s,
            made_s=self.playout.made_s,
            clause_made=self._first_made,
        )

    def _may_go_on(self, clause: str, waited_s: float, made_s: float) -> bool:
        return self._pace.may_go_on(
            clause,
            self._speaker.language,
            waited_s=waited_s,
            made_s=made_s,
            stored_s=self.playout.made_s - self.playout.sent_s,
        )

    def _add(self, held: list[SpeechChunk], base_s: float) -> None:
        for chunk in held:
            self.playout.add(chunk, base_s)
        held.clear()


def _first(errors: BaseExceptionGroup[Exception]) -> Exception:
    for error in errors.exceptions:
        return _first(error) if isinstance(error, BaseExceptionGroup) else error
    raise AssertionError("a group is never empty")
