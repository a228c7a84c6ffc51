"""A conversation in a room of LiveKit belongs to the trace of the request that made its token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from charafy.house import House
from charafy.kernel.settings import Settings
from charafy.talk.node import Node
from charafy.talk.watched import Watch
from tests.support.conversations import asked
from tests.support.otlp import Collector, Seen
from tests.support.room_visitor import RoomVisitor
from tests.support.talking import ScriptedCrew
from tests.support.videos import API, Customer
from tests.talk.livekit.test_conversation import visit
from tests.talk.test_node import node_of


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made


@pytest.fixture
def settings(settings: Settings, collector: Collector) -> Settings:
    return settings.model_copy(update={"otlp_url": collector.url})


def test_the_trace_comes_through_livekit_to_who_leads_the_conversation(
    house: House, client: TestClient, who: Customer, collector: Collector
) -> None:
    minted: dict[str, Any] = asked(client, who)

    async def play(visitor: RoomVisitor, node: Node) -> None:
        await visitor.told("speech-ended")
        await visitor.send("send-text", content="What do you like?")
        await visitor.told("speech-ended", times=2)
        await visitor.send("disconnect-bot")
        await visitor.told("ended")

    visit(house, minted, play, watch=Watch(house.metrics, house.traces))
    token, talk = collector.one(f"POST {API}/conversation/token"), collector.one("conversation")
    assert talk.trace_id == token.trace_id
    assert talk.parent_id, "what made the token inside the request"
    assert talk.facts["conversation.id"] == minted["conversation_id"]
    assert {turn.parent_id for turn in collector.named("turn")} == {talk.span_id}


def test_who_takes_a_conversation_over_goes_on_with_its_trace(
    house: House, client: TestClient, who: Customer, collector: Collector
) -> None:
    minted: dict[str, Any] = asked(client, who)
    watch = Watch(house.metrics, house.traces)

    async def play(visitor: RoomVisitor, node: Node) -> None:
        room = house.conversation_room
        assert room.livekit is not None
        await visitor.told("speech-ended")
        await node.drain(10, to_others=True)
        (left,) = room.succession.left_by([], 1)
        second = node_of(house, ScriptedCrew(heard=["I like tea."]), watch=watch)
        assert await second.take_over(left, room.livekit)
        await visitor.told("taken-over")
        await visitor.insist("send-text", content="Who are you?", within_s=30)
        await visitor.told("speech-ended", times=2)
        await visitor.send("disconnect-bot")
        await visitor.told("ended")
        await second.drain(10)

    visit(house, minted, play, watch=watch)
    token = collector.one(f"POST {API}/conversation/token")
    first, then = collector.waits(_both)
    assert first.trace_id == then.trace_id == token.trace_id
    assert first.parent_id == then.parent_id
    assert [turn.parent_id for turn in collector.named("turn")] == [then.span_id]


def _both(spans: list[Seen]) -> list[Seen]:
    found = [span for span in spans if span.name == "conversation"]
    return found if len(found) == 2 else []
