"""One conversation from the connection to its end: what is done, when it ends, and what is owed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import structlog

from charafy.conversations.models import Admitted, Ending, Reason, TurnRecord
from charafy.engines.hearing import SAMPLE_RATE
from charafy.kernel.observe import describe
from charafy.talk import events
from charafy.talk.dialogue import Dialogue
from charafy.talk.lead import Lead
from charafy.talk.receipts import Receipts
from charafy.talk.stage import ticking
from charafy.talk.turns import Spoken

if TYPE_CHECKING:
    from charafy.talk.film import Film
    from charafy.talk.line import Line

log = structlog.get_logger("charafy.talk")

BEAT_S: Final = 10.0
_GRACE_S: Final = 20.0
"""A client that lost its network may come back within."""
UNNOTICED_S: Final = 20.0
"""How long a visitor is silent before LiveKit says so: 20.8 s were measured."""
_WARNED_S: Final = (60, 10)
_MUTE_S: Final = 1.0
_BURST: Final = 10
_PER_S: Final = 2.0
"""Messages of a client: nobody types or presses buttons faster for long."""


class Session:
    """Made once the client is admitted; `run` returns when the conversation is over and settled."""

    def __init__(
        self,
        admitted: Admitted,
        line: Line,
        dialogue: Dialogue,
        lead: Lead,
        *,
        now: Callable[[], float],
        idle_s: float,
        hang_up: Callable[[], Awaitable[None]],
        film: Film | None = None,
    ) -> None:
        """`hang_up` closes the connection; `now` is a steady clock in seconds.

        `film`: the face, where it is drawn here.
        """
        self.admitted = admitted
        self._line = line
        self.dialogue = dialogue
        self._lead = lead
        self._now = now
        self._idle_s = idle_s
        self._hang_up = hang_up
        self.film = film
        self._began_s: float | None = None
        self._lost_s: float | None = now()
        self._waited_s = 0.0
        """For a client that was lost; without the wait that goes on now."""
        self._there = asyncio.Event()
        self._ended: asyncio.Future[Reason] = asyncio.get_running_loop().create_future()
        self._receipts = Receipts(line.tell, admitted.before)
        self._handing_over = False
        self.goes_on = False
        """Once `run` returned: whether it is over only for us."""

    @property
    def seconds(self) -> float:
        """Since the client was first there, without those in which nobody led it; 0 until then."""
        before_s = self.admitted.before.seconds if self.admitted.before is not None else 0.0
        return before_s + (0.0 if self._began_s is None else self._now() - self._began_s)

    def end(self, reason: Reason) -> None:
        """Let it be over; the first reason counts."""
        if not self._ended.done():
            self._ended.set_result(reason)

    def hand_over(self) -> None:
        """Leave it to another process, if it is ours; where none is found it is settled."""
        self._handing_over = True
        self.end("failed")

    def lost(self, unnoticed_s: float = 0.0) -> None:
        """The client can't be reached: it is waited for a while, with what is being said.

        `unnoticed_s`: for how long that was so before anybody could tell.
        """
        if self._lost_s is None:
            self._lost_s = self._now()
            if self._began_s is not None:
                self._waited_s += min(unnoticed_s, self._now() - self._began_s)
            self.dialogue.stage.hold()

    def found(self) -> None:
        """The client is there (again)."""
        if self._lost_s is not None and self._began_s is not None:
            self._waited_s += self._now() - self._lost_s
        self._lost_s = None
        if self._began_s is None:
            self._began_s = self._now()
            self._there.set()
        else:
            self.dialogue.stage.go_on()

    def note(self, spoken: Spoken) -> None:
        """A turn is over: keep it, in order."""
        self._lead.note(
            TurnRecord(
                role=spoken.role,
                text=spoken.text,
                interrupted=spoken.interrupted,
                started_s=self.seconds,
                latency=dict(spoken.latency),
            )
        )

    async def run(self) -> Reason:
        """Until it is over. Whatever happens, the conversation is settled before this returns."""
        keeping = asyncio.create_task(self._lead.keep())
        work = [
            asyncio.create_task(job, name=name)
            for name, job in {
                "greet": self._greet(),
                "arrival": self._arrive(),
                "listen": self._listen(),
                "messages": self._obey(),
                "pump": self._line.pump(),
                "ticks": ticking(self.dialogue.stage, self._is_ours),
                "watch": self._watch(),
                "beats": self._beat(),
                "film": self._watch_film(),
            }.items()
        ]
        for task in work:
            task.add_done_callback(self._failed)
        reason: Reason = "failed"
        try:
            reason = await self._ended
        finally:
            await self._finish(reason, work, keeping)
        return reason

    async def _finish(
        self, reason: Reason, work: list[asyncio.Task[None]], keeping: asyncio.Task[None]
    ) -> None:
        """Settle it, whatever else fails, or leave it to another process."""
        seconds = min(self._billed(), float(self.admitted.limit_s))
        self.goes_on = await self._lead.has_moved()
        if not self.goes_on and not self._handing_over:
            self._line.tell(events.server("ended", reason=reason))
        try:
            await self.dialogue.close()
            # The last event and the last words are on their way.
            await asyncio.sleep(0.1)
        except Exception as error:  # noqa: BLE001 - what can't be ended is settled all the same
            log.error("dialogue_did_not_close", **describe(error))
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        await self._lead.kept(keeping)
        try:
            if self._handing_over and not self.goes_on:
                self.goes_on = await self._lead.hand_over(self._seen_s)
            if not self.goes_on:
                dead_s = min(self.dialogue.dead_s, seconds)
                await self._lead.settle(Ending(reason, seconds, self._seen_s, dead_s))
        finally:
            await self._hang_up()

    def _billed(self) -> float:
        """Nobody pays for the time in which they were waited for."""
        if self._began_s is None:
            return self.seconds
        waiting_s = 0.0 if self._lost_s is None else self._now() - self._lost_s
        return max(0.0, self.seconds - self._waited_s - waiting_s)

    async def _arrive(self) -> None:
        await self._there.wait()
        await self._lead.reached()

    async def _is_ours(self) -> bool:
        """Who was frozen says nothing before it knows that no other process leads it."""
        if await self._lead.has_moved():
            self.end("failed")
            return False
        return True

    async def _greet(self) -> None:
        await self._there.wait()
        who = self.admitted
        if who.before is not None:
            self._line.tell(events.server("taken-over", render=self._render))
            self.dialogue.take_up(who.before.turns)
            if who.before.turns:
                return
        else:
            self._line.tell(
                events.event(
                    "bot-ready",
                    version=events.VERSION,
                    conversation_id=who.conversation_id,
                    mode=who.mode,
                    render=self._render,
                    character={"name": who.character.name, "language": who.character.language},
                    limit_s=who.limit_s,
                    is_test=who.is_test,
                )
            )
        greeting = _first_word(who) if who.greeting is None else who.greeting
        if greeting:
            self.dialogue.say(greeting)

    async def _watch_film(self) -> None:
        """Say when there is no picture any more; the voice goes on, at its own price."""
        if self.film is None:
            return
        await self._there.wait()
        why = await self.film.stopped()
        if why is not None:
            self._line.tell(events.server("video-stopped", reason=why))

    @property
    def _render(self) -> str:
        return "client" if self.film is None else "server"

    @property
    def _seen_s(self) -> float | None:
        """With a picture of ours, in all terms; None where the client draws, and always did."""
        before = self.admitted.before
        if before is None or before.video_seconds is None:
            earlier_s = before.seconds if before is not None else 0.0
            return None if self.film is None else earlier_s + self.film.seconds
        if self.film is not None:
            return before.video_seconds + self.film.seconds
        return before.video_seconds + max(0.0, self.seconds - before.seconds)

    def _failed(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("session_failed", part=task.get_name(), **describe(error))
            self.end("failed")

    async def _listen(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_MUTE_S):
                    samples = await self._line.heard()
            except TimeoutError:
                # A microphone that stops in the middle of a word ends the turn like any silence.
                samples = np.zeros(int(_MUTE_S * SAMPLE_RATE), np.float32)
            await self.dialogue.hear(samples)

    async def _obey(self) -> None:
        left, at_s = float(_BURST), self._now()
        while True:
            message = await self._line.message()
            left, at_s = min(_BURST, left + (self._now() - at_s) * _PER_S), self._now()
            if not isinstance(message, dict):
                continue
            if left < 1 and message.get("type") != "disconnect-bot":
                continue
            left -= 1
            if self._receipts.take(message):
                await self._do(message)

    async def _do(self, message: dict[str, Any]) -> None:
        data = message.get("data")
        data = data if isinstance(data, dict) else {}
        match message.get("type"):
            case "send-text" if isinstance(data.get("content"), str):
                self.dialogue.type(data["content"])
            case "disconnect-bot":
                self.end("hang_up")
            case "client-message":
                about = data.get("d")
                await self._do_more(data.get("t"), about if isinstance(about, dict) else {})

    async def _do_more(self, topic: object, about: dict[str, Any]) -> None:
        match topic:
            case "say" if isinstance(about.get("text"), str):
                self.dialogue.say(about["text"])
            case "interrupt":
                self.dialogue.interrupt()
            case "mode":
                await self.dialogue.by_button(bool(about.get("push_to_talk")))
            case "push-to-talk":
                await self.dialogue.press(on=bool(about.get("on")))
            case "name" if isinstance(about.get("name"), str):
                self.dialogue.name(about["name"])

    async def _watch(self) -> None:
        warned = {s for s in _WARNED_S if s >= self.admitted.limit_s}
        while True:
            await asyncio.sleep(0.25)
            left_s = self.admitted.limit_s - self.seconds
            for due in _WARNED_S:
                if left_s <= due and due not in warned:
                    warned.add(due)
                    self._line.tell(events.server("limit", remaining_s=due))
            if left_s <= 0:
                self.end("limit")
            if self._lost_s is not None and self._now() - self._lost_s >= _GRACE_S:
                came = self._began_s is not None or self.admitted.before is not None
                self.end("disconnected" if came else "never_connected")
            stage = self.dialogue.stage
            if (stage.held or not stage.audible) and self._idle():
                self.end("idle")

    def _idle(self) -> bool:
        return self._now() - self.dialogue.active_s >= self._idle_s

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            if not await self._lead.beat(self._seen_s):
                self.end("deleted")


def _first_word(who: Admitted) -> str:
    """What a character says that was given no greeting."""
    name = who.character.name
    if who.character.language == "ja":
        hello = f"{who.visitor}さん、こんにちは。" if who.visitor else "こんにちは。"
        return f"{hello}{name}です。"
    hello = f"Hello, {who.visitor}!" if who.visitor else "Hello!"
    return f"{hello} I'm {name}."
