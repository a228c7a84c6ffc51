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
from tests.support.otlp import Collector
from tests.support.room_visitor import RoomVisitor
from tests.support.videos import API, Customer
from tests.talk.livekit.test_conversation import visit


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
