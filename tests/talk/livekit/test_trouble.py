"""When LiveKit's server is not there, or goes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from livekit import rtc

from charafy.conversations import queries
from charafy.embed.models import EmbedChanges
from charafy.house import House
from charafy.kernel.errors import UpstreamFailed
from charafy.kernel.settings import Settings
from charafy.talk.node import Node
from tests.support import livekit
from tests.support.conversations import ask, asked, row
from tests.support.room_visitor import RoomVisitor
from tests.support.talking import ScriptedCrew
from tests.support.videos import Customer, Money, money
from tests.talk.livekit.test_conversation import visit
from tests.talk.test_node import node_of


@pytest.fixture
def own_server(server: livekit.Server) -> Iterator[livekit.Server]:
    """One that nobody else uses."""
    program = livekit.program()
    assert program is not None
    with livekit.running(program) as running:
        yield running


@pytest.fixture
def settings(settings: Settings, own_server: livekit.Server) -> Settings:
    return settings.model_copy(update={"livekit_url": own_server.url})


def test_no_token_is_sold_while_it_cannot_be_reached(
    client: TestClient, who: Customer, house: House, own_server: livekit.Server
) -> None:
    before = money(house, who)
    own_server.stop()
    answer = ask(client, who)
    assert answer.status_code == 502
    assert answer.json()["code"] == "livekit_unavailable"
    assert money(house, who) == before
    own_server.start()
    assert ask(client, who).status_code == 200


def test_no_page_begins_what_it_cannot_carry(
    client: TestClient, who: Customer, house: House, own_server: livekit.Server
) -> None:
    before = money(house, who)
    house.embeds.update(who.account_id, who.character_id, EmbedChanges(embed_enabled=True))
    session = house.account_services.sessions.begin(who.account_id)
    client.cookies.set("charafy_session", session.token)
    shown = client.get(f"/try/{who.character_id}").text
    found = re.search(r'name="csrf_token" value="([^"]+)"', shown)
    assert found is not None
    form = {"csrf_token": found[1]}
    own_server.stop()
    with pytest.raises(UpstreamFailed):
        house.embed_room.visits.open(who.character_id, origin="https://shop.example")
    refused = client.post(f"/try/{who.character_id}/token", data=form)
    assert (refused.status_code, refused.json()["code"]) == (502, "livekit_unavailable")
    assert money(house, who) == before
    own_server.start()
    given = client.post(f"/try/{who.character_id}/token", data=form).json()
    assert given["livekitUrl"] == own_server.url
    opened = house.embed_room.visits.open(who.character_id, origin="https://shop.example")
    assert opened.livekit_url == own_server.url


def test_a_key_that_it_does_not_know_is_no_key(
    client: TestClient, who: Customer, house: House, own_server: livekit.Server
) -> None:
    own_server.stop()
    config = own_server.folder / "config.yaml"
    config.write_text(config.read_text().replace(livekit.KEY, "another"))
    own_server.start()
    assert ask(client, who).status_code == 502
    assert money(house, who).held == 0


def test_what_a_process_cannot_join_costs_nothing(
    client: TestClient, who: Customer, house: House, own_server: livekit.Server
) -> None:
    minted = asked(client, who)
    own_server.stop()

    async def main() -> None:
        carrier = house.conversation_room.livekit
        assert carrier is not None
        node = node_of(house, ScriptedCrew(heard=[""]))
        with pytest.raises(UpstreamFailed):
            await node.join(minted["conversation_id"], carrier)
        assert node.count == 0

    asyncio.run(main())
    ended = row(house, minted["conversation_id"])
    assert (ended.state, ended.reason, ended.charged) == ("ended", "failed", 0)
    assert money(house, who) == Money(1000, 0)


def test_a_conversation_whose_server_dies_is_settled(
    client: TestClient, who: Customer, house: House, own_server: livekit.Server
) -> None:
    minted = asked(client, who)

    async def play(visitor: RoomVisitor, node: Node) -> None:
        await visitor.told("speech-ended")
        own_server.stop()
        async with asyncio.timeout(60):
            while node.count:
                await asyncio.sleep(0.1)

    visit(house, minted, play)
    ended = row(house, minted["conversation_id"])
    assert (ended.state, ended.reason) == ("ended", "disconnected")
    assert ended.seconds < 20
    assert money(house, who).held == 0


def test_the_visitor_of_a_process_that_was_killed_is_sent_out_and_pays_until_its_last_beat(
    client: TestClient, who: Customer, house: House
) -> None:
    """Killed: it neither says anything nor leaves the room, and a minute later it is found out."""
    minted = asked(client, who)
    room = house.conversation_room

    async def main() -> RoomVisitor:
        visitor = RoomVisitor()
        await visitor.join(minted["livekit_url"], minted["token"], microphone=False)
        await asyncio.to_thread(room.sessions.admit_joined, minted["conversation_id"], "killed")
        await asyncio.to_thread(room.sessions.reached, minted["conversation_id"])
        with house.db.write() as tx:
            long_ago = house.clock.now() - timedelta(seconds=1)
            queries.update(tx, minted["conversation_id"], ["live"], lease_until=long_ago)
        await asyncio.to_thread(room.chores.end_lapsed)
        async with asyncio.timeout(20):
            while not visitor.gone:
                await asyncio.sleep(0.05)
        await visitor.leave()
        return visitor

    assert asyncio.run(main()).gone == [rtc.DisconnectReason.ROOM_DELETED]
    ended = row(house, minted["conversation_id"])
    assert (ended.state, ended.reason) == ("ended", "node_lost")
    assert money(house, who).held == 0
