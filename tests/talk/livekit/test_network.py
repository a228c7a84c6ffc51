"""A visitor whose way to a real LiveKit server is cut."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from charafy.house import House
from charafy.talk.node import Node
from tests.support import livekit
from tests.support.conversations import asked, row, spent
from tests.support.network import Network, Way
from tests.support.room_visitor import RoomVisitor
from tests.support.talking import ScriptedCrew
from tests.support.videos import Customer, money
from tests.talk.livekit.test_conversation import LONG, visit

pytestmark = pytest.mark.slow


@pytest.fixture
def way(server: livekit.Server) -> Iterator[Way]:
    """The visitor's to LiveKit; its client closes its media too when it must begin anew."""
    with Network() as network:
        yield network.way(server.port)


@pytest.fixture
def minted(client: TestClient, who: Customer, way: Way) -> dict[str, Any]:
    answer: dict[str, Any] = asked(client, who)
    return answer | {"livekit_url": f"ws://127.0.0.1:{way.port}"}


def test_who_is_away_for_some_seconds_comes_back_to_the_same_conversation(
    house: House, who: Customer, minted: dict[str, Any], way: Way
) -> None:
    async def play(visitor: RoomVisitor, node: Node) -> None:
        back = asyncio.Event()
        visitor.room.on("reconnected", back.set)
        await visitor.told("speech-ended")
        way.be("cut")
        await asyncio.sleep(5)
        way.be("none")
        async with asyncio.timeout(30):
            await back.wait()
        await visitor.insist("send-text", within_s=30, content="Are you there?")
        await visitor.told("speech-ended", times=2)
        await visitor.send("disconnect-bot")
        await visitor.told("ended")

    visitor = visit(house, minted, play)
    assert [said["reason"] for said in visitor.of("ended")] == ["hang_up"]
    assert len(visitor.of("bot-ready")) == 1
    ended = row(house, minted["conversation_id"])
    assert ended.reason == "hang_up"
    assert [-entry.amount for entry in spent(house, who)] == [ended.charged]
    assert money(house, who).held == 0


def test_who_never_comes_back_pays_until_the_loss(
    house: House, who: Customer, minted: dict[str, Any], way: Way
) -> None:
    """LiveKit says so after 21 s, then 20 s are waited: none of it is paid."""
    led_s: list[float] = []

    async def play(visitor: RoomVisitor, node: Node) -> None:
        await visitor.told("bot-ready")
        began_s = time.monotonic()
        await visitor.told("speech-ended")
        await visitor.send("send-text", content="Tell me all.")
        await visitor.told("bot-started-speaking", times=2)
        await asyncio.sleep(1)  # of the answer
        way.be("cut")
        led_s.append(time.monotonic() - began_s)
        async with asyncio.timeout(60):
            while node.count:
                await asyncio.sleep(0.1)

    visit(house, minted, play, crew=ScriptedCrew(heard=[""], answers=[LONG]))
    ended = row(house, minted["conversation_id"])
    assert ended.reason == "disconnected"
    assert ended.seconds == pytest.approx(led_s[0], abs=3.0)
    assert [-entry.amount for entry in spent(house, who)] == [ended.charged]
    assert money(house, who).held == 0
