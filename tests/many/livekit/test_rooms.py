"""Two talk processes behind one LiveKit server: who is lost is replaced while the visitor stays."""

from __future__ import annotations

import asyncio
import signal

import pytest
from fastapi.testclient import TestClient

from charafy.house import House
from tests.many.livekit.rooms import LONG, WITHIN_S, Guest, is_paid_once, joined, talk
from tests.support.many import Many
from tests.support.videos import Customer

pytestmark = pytest.mark.slow


def test_one_that_is_killed_is_replaced_and_the_unanswered_turn_is_answered(
    started: Many, house: House, client: TestClient, who: Customer
) -> None:
    """Killed in the middle of an answer; the other one answers it."""
    talks = {name: talk(started, name) for name in ("first", "second")}

    async def main() -> Guest:
        guest = await joined(client, house, who)
        await guest.answered("My name is Mika.")
        leader = guest.row.node
        await guest.visitor.send("send-text", content=LONG)
        await guest.visitor.told("bot-started-speaking", times=3, within_s=WITHIN_S)
        await guest.becomes(lambda _: ("user", LONG.strip()) in guest.said)
        talks[leader or ""].signal(signal.SIGKILL)
        await guest.visitor.told("taken-over", within_s=WITHIN_S)
        await guest.visitor.told("bot-started-speaking", times=4, within_s=WITHIN_S)
        assert guest.row.node == next(name for name in talks if name != leader)
        await guest.visitor.told("speech-ended", times=3, within_s=WITHIN_S)
        await guest.answered("Are you still there?")
        await guest.hang_up()
        return guest

    guest = asyncio.run(main())
    roles = [role for role, _ in guest.said]
    assert roles == ["assistant", "user", "assistant", "user", "assistant", "user", "assistant"]
    assert guest.row.gap_s > 0
    assert guest.row.term == 1
    is_paid_once(house, who, guest)


def test_one_that_was_frozen_finds_that_it_lost_and_leaves_it_alone(
    started: Many, house: House, client: TestClient, who: Customer
) -> None:
    """Frozen in the middle of an answer: it says nothing of the rest, and charges nothing."""
    talks = {name: talk(started, name) for name in ("first", "second")}

    async def main() -> Guest:
        guest = await joined(client, house, who)
        leader = guest.row.node or ""
        await guest.visitor.send("send-text", content=LONG)
        await guest.visitor.told("bot-started-speaking", times=2, within_s=WITHIN_S)
        await guest.becomes(lambda _: ("user", LONG.strip()) in guest.said)
        talks[leader].signal(signal.SIGSTOP)
        await guest.visitor.told("taken-over", within_s=WITHIN_S)
        await guest.visitor.told("speech-ended", times=2, within_s=WITHIN_S)
        talks[leader].signal(signal.SIGCONT)
        async with asyncio.timeout(WITHIN_S):
            while "conversation_left" not in talks[leader].said():
                await asyncio.sleep(0.1)
        await guest.answered("Are you there?")
        await guest.hang_up()
        return guest

    guest = asyncio.run(main())
    answers = [text for role, text in guest.said if role == "assistant"]
    assert 3 <= len(answers) <= 5, "the greeting, and one to each thing that was said"
    assert guest.row.reason == "hang_up"
    is_paid_once(house, who, guest)


def test_one_that_is_stopped_hands_over_who_is_left(
    started: Many, house: House, client: TestClient, who: Customer
) -> None:
    talks = {name: talk(started, name, CHARAFY_TALK_DRAIN_S="0") for name in ("first", "second")}

    async def main() -> Guest:
        guest = await joined(client, house, who)
        leader = guest.row.node or ""
        talks[leader].signal(signal.SIGTERM)
        await guest.visitor.told("taken-over", within_s=WITHIN_S)
        assert await asyncio.to_thread(talks[leader].wait) == 0
        await guest.answered("Are you there?")
        await guest.hang_up()
        return guest

    guest = asyncio.run(main())
    assert not guest.visitor.of("ended")[:-1]
    is_paid_once(house, who, guest)


def test_one_that_is_started_again_goes_on_with_its_own_and_where_none_is_it_is_settled(
    started: Many, house: House, client: TestClient, who: Customer
) -> None:
    alone = talk(started, "alone")

    async def main() -> Guest:
        guest = await joined(client, house, who)
        await guest.becomes(lambda _: bool(guest.said))
        alone.signal(signal.SIGKILL)
        again = await asyncio.to_thread(talk, started, "alone")
        await guest.visitor.told("taken-over", within_s=WITHIN_S)
        await guest.answered("Are you there?")
        again.signal(signal.SIGKILL)
        async with asyncio.timeout(WITHIN_S):
            while not guest.visitor.gone:
                await asyncio.to_thread(house.conversation_room.chores.end_lapsed)
                await asyncio.sleep(0.5)
        await guest.visitor.leave()
        return guest

    guest = asyncio.run(main())
    assert guest.row.reason == "node_lost"
    is_paid_once(house, who, guest)
