"""A face that the process draws, as a video track in the room."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi.testclient import TestClient

from charafy.conversations.models import Admitted
from charafy.house import House
from charafy.talk.node import Node
from tests.support.conversations import asked, row
from tests.support.mouthing import Lamp
from tests.support.room_visitor import RoomVisitor
from tests.support.videos import Customer
from tests.talk.livekit.test_conversation import visit


@pytest.fixture
def minted(client: TestClient, who: Customer) -> dict[str, Any]:
    answer: dict[str, Any] = asked(client, who, mode="video", greeting="Hello!")
    return answer


def test_a_visitor_of_a_video_conversation_sees_the_face(
    house: House, minted: dict[str, Any]
) -> None:
    async def play(visitor: RoomVisitor, node: Node) -> None:
        ready = await visitor.told("bot-ready")
        assert ready["render"] == "server"
        async with asyncio.timeout(30):
            while len(visitor.seen) < 20:
                await asyncio.sleep(0.05)
        await visitor.send("disconnect-bot")
        await visitor.told("ended")

    def load(_: Admitted) -> Lamp:
        return Lamp()

    visit(house, minted, play, load=load, microphone=False)
    ended = row(house, minted["conversation_id"])
    assert ended.video_seconds is not None
    assert 0 < ended.video_seconds <= ended.seconds


def test_where_nothing_can_be_drawn_the_voice_goes_on(house: House, minted: dict[str, Any]) -> None:
    async def play(visitor: RoomVisitor, node: Node) -> None:
        stopped = await visitor.told("video-stopped")
        assert stopped["reason"] == "no_face"
        await visitor.told("speech-ended")
        await visitor.send("disconnect-bot")
        await visitor.told("ended")

    def load(_: Admitted) -> Lamp:
        raise ValueError("no face in it")

    visitor = visit(house, minted, play, load=load, microphone=False)
    assert not visitor.seen
    assert row(house, minted["conversation_id"]).video_seconds == 0
