"""What somebody in a real browser sees when the line or the process at its other end is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from charafy.conversations.sessions import LEASE
from charafy.house import build_house
from charafy.kernel.settings import Settings
from tests.support.chromium import Chromium
from tests.support.clock import ManualClock
from tests.support.processes import family, named
from tests.support.relay import Relay
from tests.support.visitor import Visitor, visiting
from tests.talk.browser.conftest import ANSWER_S, House

pytestmark = pytest.mark.slow

NOTE = """() => {
  window.seen = [];
  for (const name of ["state", "error", "ended"]) {
    talk.addEventListener(name, ({ detail: { state, code, reason } }) => {
      window.seen.push([name, state ?? code ?? reason]);
    });
  }
}"""


@pytest.fixture
def relay() -> Iterator[Relay]:
    with Relay() as between:
        yield between


def seen(visitor: Visitor) -> list[Any]:
    told: list[Any] = visitor.tab.evaluate("() => window.seen")
    return told


def test_who_loses_the_network_goes_on_with_the_same_conversation(
    chromium: Chromium, quick: House, relay: Relay
) -> None:
    with visiting(chromium, quick.server.base_url, relay) as visitor:
        quick.call(visitor)
        visitor.tab.evaluate(NOTE)
        before = visitor.tab.evaluate("() => talk.about.conversation_id")
        relay.cut = True
        visitor.until(lambda: ["state", "reconnecting"] in seen(visitor), 25, "the loss")
        relay.cut = False
        visitor.until(lambda: ["state", "listening"] in seen(visitor), 30, "the return")
        since = len(visitor.messages)
        visitor.tab.evaluate("() => talk.sendText('Here I am again.')")
        visitor.wait_for("speech-ended", ANSWER_S, since)
        assert len(visitor.loud(visitor.told("bot-started-speaking", since)[0].at)) > 50
        visitor.tab.evaluate("() => talk.close()")
        visitor.until(lambda: quick.last()["status"] == "ended", 20, "its end")
    kept = quick.last()
    assert (kept["conversation_id"], kept["reason"]) == (before, "hang_up")
    assert [turn["role"] for turn in kept["transcript"]] == ["assistant", "user", "assistant"]
    assert len(quick.ask("/conversations")["conversations"]) == 1


def test_who_is_left_by_a_killed_process_is_told_and_pays_until_its_last_beat(
    chromium: Chromium, quick: House
) -> None:
    with visiting(chromium, quick.server.base_url) as visitor:
        quick.call(visitor)
        visitor.tab.evaluate(NOTE)
        os.kill(named(family(quick.server.process.pid), "talk"), signal.SIGKILL)
        visitor.until(lambda: ["ended", "disconnected"] in seen(visitor), 45, "the end")
        assert seen(visitor)[-3:] == [
            ["error", "connection_lost"],
            ["state", "ended"],
            ["ended", "disconnected"],
        ]
        visitor.tab.complaints.clear()  # the browser notes the offers that were refused
        assert not visitor.tab.evaluate("() => talk.send('send-text', { content: 'Hello?' })")
    _settle(quick)
    kept = quick.last()
    assert (kept["status"], kept["reason"]) == ("ended", "node_lost")
    # It was killed before its first beat: nobody knows that it lived until then.
    assert (kept["duration_s"], kept["credits_used"]) == (0, 0)


def _settle(house: House) -> None:
    """What the sweeper does, at the time when the lost process can't come back any more."""
    clock = ManualClock(datetime.now(UTC) + 2 * LEASE)
    swept = build_house(Settings(home=house.server.home, demo=False), clock=clock)
    try:
        swept.conversation_room.chores.end_lapsed()
    finally:
        swept.close()
