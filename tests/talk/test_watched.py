"""Operators see how long engines take and how long people wait, and nothing of what is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from charafy.engines.language import Asked
from charafy.kernel.observe import Metrics
from charafy.kernel.traces import NO_SPAN, OFF
from charafy.talk.turns import Spoken
from charafy.talk.watched import WatchedTalk, WatchedThinker


class Slow:
    """Says two words after a while, then fails if it shall."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.closed = False

    async def think(self, asked: Asked) -> AsyncGenerator[str, None]:
        try:
            await asyncio.sleep(0.12)
            yield "one"
            yield "two"
            if self.fails:
                raise ConnectionError("secret words")
        finally:
            self.closed = True

    async def warm(self, asked: Asked) -> None:
        """Needs nothing."""


class Seen:
    def __init__(self) -> None:
        self.metrics = Metrics()
        self.talk = WatchedTalk(self.metrics, OFF, NO_SPAN)

    def __call__(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)

    async def hear_out(self, slow: Slow) -> list[str]:
        thinker = WatchedThinker(slow, self.talk)
        return [delta async for delta in thinker.think(Asked((), "en"))]


def test_a_reply_is_timed_to_its_first_token_and_to_its_end() -> None:
    seen = Seen()
    assert asyncio.run(seen.hear_out(Slow())) == ["one", "two"]
    first = seen("charafy_engine_first_seconds_sum", engine="think")
    whole = seen("charafy_engine_seconds_sum", engine="think")
    assert first is not None
    assert whole is not None
    assert 0.1 <= first <= whole


def test_an_engine_that_fails_is_counted_and_its_error_goes_on() -> None:
    seen = Seen()
    with pytest.raises(ConnectionError):
        asyncio.run(seen.hear_out(Slow(fails=True)))
    assert seen("charafy_engine_failures_total", engine="think") == 1


def test_leaving_a_reply_closes_it_and_is_no_failure() -> None:
    seen, slow = Seen(), Slow(fails=True)

    async def leave() -> None:
        replies = WatchedThinker(slow, seen.talk).think(Asked((), "en"))
        assert await anext(replies) == "one"
        await replies.aclose()

    asyncio.run(leave())
    assert slow.closed
    assert seen("charafy_engine_seconds_count", engine="think") == 1
    assert seen("charafy_engine_failures_total", engine="think") is None


def test_the_stages_of_a_turn_are_counted_and_the_turn_is_noted_as_it_was() -> None:
    seen = Seen()
    noted: list[Spoken] = []
    turn = Spoken("assistant", "Hello.", latency={"thought": 0.31, "audible": 0.52})
    seen.talk.turns(noted.append)(turn)
    assert noted == [turn]
    assert seen("charafy_turn_stage_seconds_sum", stage="audible") == pytest.approx(0.52)
    assert seen("charafy_turn_stage_seconds_count", stage="thought") == 1
