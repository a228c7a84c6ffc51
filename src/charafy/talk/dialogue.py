"""Who speaks when: what was heard becomes turns, turns become replies, and people may interrupt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Final

import structlog

from charafy.engines.hearing import Samples
from charafy.engines.hearing.endings import is_backchannel, is_complete
from charafy.engines.hearing.turns import (
    Calmed,
    Ended,
    Heard,
    Hesitated,
    Resumed,
    Started,
    Stirred,
    TurnTaker,
)
from charafy.kernel.observe import describe
from charafy.talk import events
from charafy.talk.crew import Crew
from charafy.talk.history import History
from charafy.talk.mind import Mind
from charafy.talk.pace import Pace
from charafy.talk.phrases import Phrases
from charafy.talk.reply import Reply, Speaker
from charafy.talk.stage import Outlet, Said, Stage
from charafy.talk.turns import Awaited, Guess, Spoken, Understood

if TYPE_CHECKING:
    from charafy.conversations.models import TurnRecord

log = structlog.get_logger("charafy.talk")

HEAR_S: Final = 12.0
"""Recognising half a minute takes a busy small machine a few seconds."""
_SURE: Final = 0.5
"""How likely a turn must sound to be over. Below that somebody has more to say in five of six cases
and the words of half of those seem whole."""
MOST_TEXT: Final = 2_000
"""Characters of a typed turn."""


class Dialogue:
    """One session's conversation. Everything runs on one event loop; `close` ends it."""

    def __init__(
        self,
        speaker: Speaker,
        mind: Mind,
        *,
        crew: Crew,
        pace: Pace,
        phrases: Phrases,
        outlet: Outlet,
        taker: TurnTaker,
        now: Callable[[], float],
        note: Callable[[Spoken], None],
        closed: Callable[[], object] = lambda: None,
    ) -> None:
        """`note` is told every turn that is over, in order, and `closed` the end of all of them;
        neither may wait."""
        self._speaker = speaker
        self._mind = mind
        self._crew = crew
        self._pace = pace
        self._outlet = outlet
        self._taker = taker
        self._now = now
        self._note = note
        self._closed = closed
        self._history = History(speaker.language)
        self.stage = Stage(outlet, speaker, phrases, now=now, ended=self._over)
        self._guess: Guess | None = None
        self._by_button = False
        self._user_speaking = False
        self._making: set[Reply] = set()
        """Replies that engines still work at."""
        self._replies = 0
        self._turns = 0
        self._asked: dict[str, Awaited] = {}
        """By the reply that is to answer it."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._reading: asyncio.Task[None] | None = None
        self.active_s = now()
        """When somebody last said or did something."""
        self._idle_from_s: float | None = None
        """What `active_s` was before what is heard now, which may turn out to be noise."""
        self.dead_s = 0.0
        """Seconds that were waited for answers which never came."""

    def take_up(self, turns: Sequence[TurnRecord]) -> None:
        """Go on with what another process began: `turns` were said so far.

        Who was not answered is answered now; otherwise it is the user's turn.
        """
        self.active_s = self._now()
        for turn in turns:
            say = self._history.user if turn.role == "user" else self._history.assistant
            say(turn.text)
        self._replies = self._turns = len(turns)
        self._outlet.tell(events.server("state", state="listening"))
        if turns and turns[-1].role == "user":
            self._answer(None, self._now(), {})

    async def wake(self) -> None:
        """Prepare for the first turn while the greeting is heard. Raises what engines raise."""
        await self._mind.wake()

    async def hear(self, samples: Samples) -> None:
        """The next of what comes from the microphone, in order: mono at 16 kHz."""
        if self._by_button and not self._taker.pressed:
            return
        self._take(await self._crew.attend(lambda: self._taker.feed(samples)))

    def type(self, text: str) -> None:
        """A turn that was typed: it interrupts, and is answered like a spoken one."""
        text = _clean(text)
        if not text:
            return
        self._forget()
        self.active_s = now = self._now()
        self._commit(text, None, now, {})

    def say(self, text: str) -> None:
        """Say exactly this, now."""
        text = _clean(text)
        if text:
            self.active_s = self._now()
            self.stage.perform(self._begin(_just(text)), opener=False)

    def interrupt(self) -> None:
        """Be silent; what was heard stays in the conversation."""
        self.active_s = self._now()
        self.stage.stop()

    async def by_button(self, on: bool) -> None:
        """Listen only while the talk button is down, or as always; what was begun is forgotten."""
        if on == self._by_button:
            return
        self._by_button = on
        await self._crew.attend(self._taker.drop)
        self._forget()
        self._user_speaking = False
        self.stage.go_on()

    async def press(self, on: bool) -> None:
        """The talk button goes down or up."""
        self._take(await self._crew.attend(self._taker.press if on else self._taker.release))

    def name(self, visitor: str) -> None:
        """Who the user says they are."""
        self._mind.meet(_clean(visitor)[:100] or None)

    async def close(self) -> None:
        """End everything that is under way."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        guess, self._guess = self._guess, None
        if guess is not None:
            guess.task.cancel()
        await self.stage.close()
        await asyncio.gather(*(r.drop() for r in tuple(self._making)), return_exceptions=True)
        self._closed()

    def _take(self, what: list[Heard]) -> None:
        for heard in what:
            match heard:
                case Stirred():
                    self.stage.hold()
                case Calmed():
                    self.stage.go_on()
                case Started():
                    self._user_started()
                case Hesitated(samples=turn):
                    self._suppose(turn)
                case Resumed():
                    self._forget()
                case Ended(samples=turn):
                    self._user_speaking = False
                    guess, self._guess = self._guess, None
                    self._spawn(self._user_ended(turn, guess))

    def _user_started(self) -> None:
        self._user_speaking = True
        if self._idle_from_s is None:
            self._idle_from_s = self.active_s
        self.active_s = self._now()
        self.stage.hold()
        self._outlet.tell(events.event("user-started-speaking"))

    def _suppose(self, turn: Samples) -> None:
        """The turn may be over: recognise it, and think of an answer, while that is uncertain."""
        self._forget()
        self._guess = Guess(asyncio.create_task(self._recognise(turn)), self._now())
        self._guess.task.add_done_callback(self._think_ahead)

    def _think_ahead(self, task: asyncio.Task[Understood]) -> None:
        guess = self._guess
        if guess is None or guess.task is not task or task.cancelled() or task.exception():
            return
        guess.recognised_s = self._now()
        text, language = task.result().text, self._speaker.language
        self._taker.expect(is_complete(text, language), over=task.result().over > _SURE)
        if text and not (self._interrupting and is_backchannel(text, language)):
            guess.reply = self._begin(
                self._mind.answer(self._history.supposing(self.stage.heard, text))
            )

    def _forget(self) -> None:
        guess, self._guess = self._guess, None
        if guess is not None:
            guess.task.cancel()
            if guess.reply is not None:
                self._spawn(guess.reply.drop())

    async def _recognise(self, turn: Samples) -> Understood:
        async with asyncio.timeout(HEAR_S):
            heard = self._crew.hear(turn, self._speaker.language)
            return Understood(*await asyncio.gather(heard, self._sounds_over(turn)))

    async def _sounds_over(self, turn: Samples) -> float:
        try:
            return await self._crew.over(turn)
        except Exception as error:  # noqa: BLE001 - whatever it is: the words tell as well
            log.warning("melody_not_heard", **describe(error))
            return 1.0

    async def _user_ended(self, turn: Samples, guess: Guess | None) -> None:
        """The turn is over; what was supposed is right, unless it never was."""
        self.active_s = self._now()
        asked_s = guess.asked_s if guess else self._now()
        task = guess.task if guess else asyncio.create_task(self._recognise(turn))
        try:
            text = (await task).text
        except Exception as error:  # noqa: BLE001 - whatever hearing raises: who was held goes on
            log.warning("not_recognised", **describe(error))
            self._outlet.tell(
                events.event(
                    "error", message="That was not understood.", code="not_heard", fatal=False
                )
            )
            text, self._idle_from_s = "", None
        before_s, self._idle_from_s = self._idle_from_s, None
        if not text and before_s is not None:
            self.active_s = before_s
        stages = {
            "recognised": (guess.recognised_s if guess else None) or self._now(),
            "committed": self._now(),
        }
        self._outlet.tell(events.event("user-stopped-speaking"))
        language = self._speaker.language
        if not text or (self._interrupting and is_backchannel(text, language)):
            if guess is not None and guess.reply is not None:
                self._spawn(guess.reply.drop())
            if not self._user_speaking:
                self.stage.go_on()
            return
        stopped_s = asked_s - (self._taker.hesitation_s if guess else 0.0)
        self._commit(text, guess.reply if guess else None, stopped_s, stages)

    @property
    def _interrupting(self) -> bool:
        return self.stage.audible

    def _commit(
        self, text: str, reply: Reply | None, stopped_s: float, stages: dict[str, float]
    ) -> None:
        self._turns += 1
        self._outlet.tell(events.event("user-transcription", text=text, final=True))
        self.stage.stop()
        self._history.user(text)
        self._note(Spoken("user", text))
        self._answer(reply, stopped_s, stages)

    def _answer(self, reply: Reply | None, stopped_s: float, stages: dict[str, float]) -> None:
        """Let the last turn be answered, by `reply` if that was begun in time."""
        reply = reply or self._begin(self._mind.answer(self._history.recent()))
        self._asked[reply.key] = Awaited(self._turns, stopped_s, stages, reply)
        self.stage.perform(reply, opener=True)
        if self._user_speaking:
            self.stage.hold()

    def _begin(self, clauses: AsyncGenerator[str, None]) -> Reply:
        self._stop_reading()
        self._replies += 1
        reply = Reply(
            f"r{self._replies}",
            clauses,
            crew=self._crew,
            speaker=self._speaker,
            pace=self._pace,
            now=self._now,
        )
        self._making.add(reply)
        reply.when_made(self._making.discard)
        return reply

    def _over(self, said: Said) -> None:
        self._history.assistant(said.heard)
        self.active_s = self._now()
        if self._idle_from_s is not None:
            self._idle_from_s = self.active_s
        if said.failure is not None and said.started_s is None:
            self.dead_s += said.waited_s
        latency: dict[str, float] = {}
        since_s: float | None = None
        if (asked := self._asked.pop(said.key, None)) and said.started_s is not None:
            latency, since_s = asked.latency(said.started_s), asked.stopped_s
            asked.reply.learn()
            self._outlet.tell(events.metrics(asked.turn, latency, said.gaps_s))
        if said.heard:
            self._note(Spoken("assistant", said.heard, said.interrupted, latency, since_s))
            self._read_ahead()

    def _read_ahead(self) -> None:
        """Use the time until somebody says something for what the model must read of this turn."""
        self._stop_reading()
        self._reading = asyncio.create_task(self._read())
        self._reading.add_done_callback(self._tasks.discard)
        self._tasks.add(self._reading)

    def _stop_reading(self) -> None:
        """What an engine is at is not stopped; what waits for its turn is."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    async def _read(self) -> None:
        try:
            await self._mind.read_ahead(self._history.recent())
        except Exception as error:  # noqa: BLE001 - whatever it is: it is read when it is asked for
            log.warning("not_read_ahead", **describe(error))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("turn_failed", **describe(error))
            self.stage.go_on()


async def _just(text: str) -> AsyncGenerator[str, None]:
    yield text


def _clean(text: str) -> str:
    """As much of it as a turn may have; without what can't be written down."""
    return text[:MOST_TEXT].encode("utf-8", "ignore").decode().replace("\0", "").strip()
