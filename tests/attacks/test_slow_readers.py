"""A client that reads as slowly as it may gets no speech for nothing."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.types import Message

from charafy.kernel.db import Database
from charafy.kernel.http.caller import ALL_SCOPES, Caller
from charafy.kernel.settings import Settings
from charafy.speech import delivery
from charafy.speech.delivery import Delivery
from charafy.speech.jobs import LEASE_S, Job
from charafy.speech.service import Speaker
from tests.support.clock import ManualClock
from tests.support.speech import Stage, build
from tests.support.voices import WatchedVoice

TEXT = "Nobody is in a hurry here. " * 20
"""540 characters, 6 credits, half a minute."""


@pytest.fixture
def stage(db: Database, clock: ManualClock, settings: Settings) -> Iterator[Stage]:
    stage = build(db, clock, settings, WatchedVoice())
    yield stage
    stage.speech.close()


def _begin(stage: Stage) -> Job:
    """A job whose first piece is as large as a piece may get: nobody took anything so far."""
    caller = Caller(stage.account_id, "standard", "key", False, frozenset(ALL_SCOPES))
    job = stage.speech.begin(
        caller,
        Request({"type": "http", "headers": []}),
        None,
        lambda: Speaker("af_heart", "en"),
        text=TEXT,
        audio_format="wav",
        speed=1.0,
    )
    assert isinstance(job, Job)
    until = time.monotonic() + 10
    while job.synthesis.is_runnable and time.monotonic() < until:
        threading.Event().wait(0.005)
    assert not job.synthesis.is_runnable
    return job


class _SlowReader:
    """Lets `pause_s` of the ledger's time pass at every slice, and the sweeper run; may leave."""

    def __init__(self, stage: Stage, pause_s: float, leave_after: int | None = None) -> None:
        self._stage = stage
        self._pause_s = pause_s
        self._leave_after = leave_after
        self._gone = asyncio.Event()
        self.slices = 0

    async def receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] != "http.response.body":
            return
        self.slices += 1
        self._stage.clock.advance(self._pause_s)
        self._stage.credits.release_expired()
        if self.slices == self._leave_after:
            self._gone.set()
            await asyncio.Event().wait()


def test_credits_stay_held_however_slowly_one_piece_is_read(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "RENEW_S", 0.0)

    async def read_slowly() -> _SlowReader:
        reader = _SlowReader(stage, LEASE_S / 2)
        await Delivery(job, stage.metrics)({"type": "http"}, reader.receive, reader.send)
        return reader

    job = _begin(stage)
    assert asyncio.run(read_slowly()).slices > 4
    assert stage.charged == [6]
    stage.settle()


def test_who_leaves_in_the_middle_of_a_large_piece_pays_for_what_it_got(stage: Stage) -> None:
    async def leave_early() -> None:
        reader = _SlowReader(stage, 0.0, leave_after=15)
        await Delivery(job, stage.metrics)({"type": "http"}, reader.receive, reader.send)

    job = _begin(stage)
    asyncio.run(leave_early())
    # 14 slices of 64 KB are 19 of about 35 seconds.
    assert stage.charged[0] in (3, 4)
    stage.settle()


def test_who_reads_slower_than_anyone_listens_keeps_no_seat(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BEHIND_S", 0.0)
    monkeypatch.setattr(delivery, "STALL_S", 60.0)

    class Crawler(_SlowReader):
        async def send(self, message: Message) -> None:
            """Takes 40 s a slice, by the loop's clock alone."""
            await super().send(message)
            loop = asyncio.get_running_loop()
            now_s = loop.time
            monkeypatch.setattr(loop, "time", lambda: now_s() + 40)
            for _ in range(3):
                await asyncio.sleep(0)

    async def crawl() -> int:
        crawler = Crawler(stage, 0.0)
        await Delivery(job, stage.metrics)({"type": "http"}, crawler.receive, crawler.send)
        return crawler.slices

    job = _begin(stage)
    assert asyncio.run(crawl()) < 5
    assert stage.charged == [1]
    stage.settle()
