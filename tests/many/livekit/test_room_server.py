"""A real LiveKit server that is killed in the middle of a conversation of a real talk process."""

from __future__ import annotations

import asyncio
import time

import pytest
from fastapi.testclient import TestClient

from charafy.house import House
from tests.many.livekit.rooms import LONG, WITHIN_S, Guest, is_paid_once, joined, talk
from tests.support import livekit
from tests.support.conversations import asked
from tests.support.many import Many
from tests.support.room_visitor import RoomVisitor
from tests.support.videos import Customer

pytestmark = pytest.mark.slow

AWAY_S = 4.0
SETTLED_WITHIN_S = 40.0
"""20 s are waited; the rest is for a busy machine."""


async def speaking(client: TestClient, house: House, who: Customer) -> Guest:
    """Who is in the middle of an answer."""
    guest = await joined(client, house, who)
    await guest.visitor.insist("send-text", within_s=WITHIN_S, content=LONG)
    await guest.visitor.told("bot-started-speaking", times=2, within_s=WITHIN_S)
    return guest


async def is_served(client: TestClient, house: House, who: Customer) -> None:
    """The process leads a whole conversation."""
    guest = await joined(client, house, who)
    await guest.answered("Are you there?")
    await guest.hang_up()
    assert guest.row.reason == "hang_up"


def test_one_that_starts_again_soon_carries_on_and_the_time_between_is_free(
    started: Many, house: House, client: TestClient, who: Customer, server: livekit.Server
) -> None:
    process = talk(started, "alone")

    async def main() -> Guest:
        guest = await speaking(client, house, who)
        await guest.becomes(lambda one: one.connected_at is not None)
        server.stop()
        await asyncio.sleep(AWAY_S)
        await asyncio.to_thread(server.start)
        ended = await guest.visitor.told("speech-ended", times=2, within_s=WITHIN_S)
        assert not ended["interrupted"]
        await guest.answered("Are you there?")
        await guest.hang_up()
        return guest

    guest = asyncio.run(main())
    assert guest.row.reason == "hang_up"
    assert guest.row.term == 0
    assert 0 < guest.row.seconds < guest.elapsed_s - AWAY_S / 2
    assert process.said().count("livekit_ready") == 2
    is_paid_once(house, who, guest)
    asyncio.run(is_served(client, house, who))


def test_one_that_stays_away_ends_it_at_the_loss_and_carries_the_next(
    started: Many, house: House, client: TestClient, who: Customer, server: livekit.Server
) -> None:
    process = talk(started, "alone")

    async def main() -> Guest:
        guest = await speaking(client, house, who)
        await guest.becomes(lambda one: one.connected_at is not None)
        server.stop()
        lost_s = time.monotonic()
        await guest.becomes(lambda one: one.state == "ended")
        assert time.monotonic() - lost_s < SETTLED_WITHIN_S
        await guest.visitor.leave()
        return guest

    guest = asyncio.run(main())
    assert guest.row.reason == "disconnected"
    away_s = guest.elapsed_s - guest.row.seconds
    assert away_s > 12, "LiveKit's client gives up after 15 s, we after 20"
    is_paid_once(house, who, guest)
    server.start()
    asyncio.run(is_served(client, house, who))
    assert process.popen.poll() is None


def test_who_joined_before_a_process_was_there_is_met(
    started: Many, house: House, client: TestClient, who: Customer
) -> None:
    """LiveKit asks for an agent once, as the visitor comes, and there is none."""

    async def main() -> Guest:
        ticket = await asyncio.to_thread(asked, client, who)
        url, token = ticket["livekit_url"], ticket["token"]
        guest = Guest(house, ticket["conversation_id"], url, token, RoomVisitor())
        await guest.visitor.join(url, token, microphone=False)
        await asyncio.to_thread(talk, started, "late")
        await guest.visitor.told("speech-ended", within_s=WITHIN_S)
        await guest.hang_up()
        return guest

    guest = asyncio.run(main())
    assert guest.row.node == "late"
    is_paid_once(house, who, guest)
