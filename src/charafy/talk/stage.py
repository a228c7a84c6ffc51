"""Where a reply is heard: it starts when it is ready, pauses while somebody speaks, and ends."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from charafy.engines.voice import Pcm
from charafy.kernel.observe import describe
from charafy.talk import events
from charafy.talk.events import Event
from charafy.talk.openers import Openers
from charafy.talk.phrases import Phrases
from charafy.talk.playout import LEAD_S, Piece, Playout
from charafy.talk.reply import Reply, Speaker

log = structlog.get_logger("charafy.talk")

TICK_S: Final = 0.02
_FROZEN_S: Final = 5.0
"""A process that did nothing for so long was stopped, perhaps for much longer."""
_LEAD: Final = "opener"
"""What clients know as a reply of its own: an opener, or an apology."""


class Outlet(Protocol):
    """Where sound and events go. Nothing here waits."""

    def play(self, pcm: Pcm) -> None:
        """Send this after what was sent before."""
        ...

    def flush(self) -> None:
        """Forget what was to be sent and was not yet."""
        ...

    def tell(self, event: Event) -> None:
        """Send an event to the client; lost when it is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """A reply that is over."""

    key: str
    heard: str
    interrupted: bool
    failure: Exception | None
    waited_s: float
    """From `Stage.perform` until something of the reply was heard, or until it ended."""
    started_s: float | None
    """When something of it was first heard, by the stage's clock."""
    gaps_s: tuple[float, ...] = ()
    """Silences inside it in which nothing was there to be heard, in order."""


class Stage:
    """One session's output. `perform` puts a reply on, `tick` moves it on."""

    def __init__(
        self,
        outlet: Outlet,
        speaker: Speaker,
        phrases: Phrases,
        *,
        now: Callable[[], float],
        ended: Callable[[Said], None],
    ) -> None:
        self._outlet = outlet
        self._speaker = speaker
        self._phrases = phrases
        self._now = now
        self._ended = ended
        self._reply: Reply | None = None
        self._lead: Playout | None = None
        """An opener or an apology, heard before the reply or instead of it."""
        self._since_s = 0.0
        self._started_s: float | None = None
        self._openers = Openers(phrases, speaker)
        self._held = False
        self._dropping: set[asyncio.Task[None]] = set()

    @property
    def reply(self) -> Reply | None:
        """What is on, heard or not yet."""
        return self._reply

    @property
    def audible(self) -> bool:
        """Something is being heard, or would be were it not held."""
        return self._lead is not None or (self._reply is not None and self._reply.playout.started)

    @property
    def held(self) -> bool:
        """Nothing is heard until it goes on, or something else is performed."""
        return self._held

    @property
    def playing(self) -> Playout | None:
        """What is being heard right now."""
        playout = self._lead or (self._reply.playout if self._reply is not None else None)
        return playout if playout is not None and playout.zero_s is not None else None

    @property
    def heard(self) -> str:
        """What was heard of what is on."""
        if self._reply is None:
            return ""
        return self._reply.playout.heard_text(self._reply.playout.heard_s(self._now()))

    def perform(self, reply: Reply, *, opener: bool) -> None:
        """Let it be heard as soon as it is ready; what was on before is stopped.

        `opener`: something short may be heard before, if the reply takes its time.
        """
        self.stop()
        self._reply, self._since_s, self._started_s = reply, self._now(), None
        self._openers.begin(self._since_s, wanted=opener)
        self._outlet.tell(events.server("state", state="thinking"))

    def hold(self) -> None:
        """Be silent, ready to go on: somebody may be about to interrupt."""
        if self._held:
            return
        self._held = True
        for key, playout in self._on():
            at_s = playout.heard_s(self._now())
            playout.pause(self._now())
            self._outlet.flush()
            self._outlet.tell(events.server("speech-paused", reply=key, at_s=round(at_s, 3)))

    def go_on(self) -> None:
        """It was no interruption."""
        if not self._held:
            return
        self._held = False
        for key, playout in self._on():
            playout.resume(self._now())
            at_s = round(playout.sent_s, 3)
            self._outlet.tell(events.server("speech-resumed", reply=key, at_s=at_s))

    def stop(self) -> None:
        """End what is on, at what was heard of it."""
        self._held = False
        if self._lead is not None:
            self._lead = None
            self._outlet.flush()
        if self._reply is not None:
            self._finish(interrupted=True)

    def _on(self) -> list[tuple[str, Playout]]:
        """What somebody is in the middle of hearing, by the name that the client knows it by."""
        lead = [(_LEAD, self._lead)] if self._lead is not None else []
        if self._reply is None or not self._reply.playout.started:
            return lead
        return [*lead, (self._reply.key, self._reply.playout)]

    async def close(self) -> None:
        """Stop, and wait for what is being stopped."""
        self.stop()
        await asyncio.gather(*self._dropping, return_exceptions=True)

    def tick(self) -> None:
        """Hand on what is due. Called every `TICK_S`."""
        if self._held or (self._reply is None and self._lead is None):
            return
        now = self._now()
        if self._lead is not None:
            self._play(self._lead, now)
            if self._lead.over and self._lead.heard_s(now) >= self._lead.made_s:
                self._lead = None
                self._openers.ended(now)
            return
        assert self._reply is not None
        playout = self._reply.playout
        if not playout.started and not self._start(self._reply, now):
            return
        for piece in self._play(playout, now):
            self._outlet.tell(events.speech(self._reply.key, piece))
            self._caption(self._reply.key, piece.clause, [m.text for m in piece.words])
        if playout.over and playout.heard_s(now + LEAD_S / 2) >= playout.made_s:
            self._finish(interrupted=False)

    def _start(self, reply: Reply, now: float) -> bool:
        if reply.ready():
            reply.playout.start(now)
            self._started_s = now
            self._outlet.tell(events.event("bot-started-speaking", reply=reply.key))
            self._outlet.tell(events.server("state", state="speaking"))
            return True
        if reply.playout.complete and reply.failure is None:
            self._finish(interrupted=False)  # There was nothing to say.
        elif reply.playout.complete:
            self._apologise(reply)
        else:
            self._say(self._openers.due(now, reply.sounds_in_s))
        return False

    def _apologise(self, reply: Reply) -> None:
        log.warning("reply_failed", **(describe(reply.failure) if reply.failure else {}))
        self._outlet.tell(
            events.event(
                "error", message="The character could not answer.", code="reply_failed", fatal=False
            )
        )
        self._say(self._phrases.apology(self._speaker))
        self._finish(interrupted=False)

    def _say(self, playout: Playout | None) -> None:
        if playout is not None:
            playout.start(self._now())
            self._lead = playout

    def _play(self, playout: Playout, now: float) -> list[Piece]:
        pcm, pieces = playout.due(now)
        if len(pcm):
            self._outlet.play(pcm)
        if playout is self._lead:
            for piece in pieces:
                self._outlet.tell(events.speech(_LEAD, piece))
        return pieces

    def _caption(self, key: str, clause: str | None, words: list[str]) -> None:
        if clause is not None:
            self._outlet.tell(events.event("bot-transcription", reply=key, text=clause.strip()))
        for word in words:
            self._outlet.tell(events.event("bot-tts-text", reply=key, text=word))

    def _finish(self, *, interrupted: bool) -> None:
        reply, now = self._reply, self._now()
        assert reply is not None
        self._reply = None
        playout = reply.playout
        if interrupted:
            self._outlet.flush()
        heard = playout.heard_text(playout.heard_s(now) if interrupted else playout.made_s)
        if playout.started:
            self._outlet.tell(
                events.server("speech-ended", reply=reply.key, heard=heard, interrupted=interrupted)
            )
            self._outlet.tell(events.event("bot-stopped-speaking", reply=reply.key))
        self._outlet.tell(events.server("state", state="listening"))
        self._drop(reply)
        until = now if self._started_s is None else self._started_s
        self._ended(
            Said(
                key=reply.key,
                heard=heard if playout.started else "",
                interrupted=interrupted,
                failure=reply.failure,
                waited_s=until - self._since_s,
                started_s=self._started_s,
                gaps_s=playout.gaps,
            )
        )

    def _drop(self, reply: Reply) -> None:
        task = asyncio.create_task(reply.drop())
        self._dropping.add(task)
        task.add_done_callback(self._dropping.discard)


async def ticking(stage: Stage, may_go_on: Callable[[], Awaitable[bool]] | None = None) -> None:
    """Tick until cancelled, or until it may not go on: asked after nothing happened for seconds."""
    ticked_s = time.monotonic()
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            frozen = time.monotonic() - ticked_s > _FROZEN_S
            if frozen and may_go_on is not None and not await may_go_on():
                return
            ticked_s = time.monotonic()
            stage.tick()
            await asyncio.sleep(TICK_S)
