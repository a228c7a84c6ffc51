"""A client reaches the node that leads its conversation; what fails costs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from charafy.conversations.connecting import CONNECTS_PER_MINUTE
from charafy.conversations.models import Ending
from charafy.conversations.nodes import SILENCE
from charafy.house import House
from tests.support.clock import ManualClock
from tests.support.conversations import asked, row
from tests.support.talk_node import FakeNode
from tests.support.videos import API, Customer, Money, money

CONNECT = f"{API}/conversation/connect"
OFFER: dict[str, Any] = {"sdp": "v=0 offer", "type": "offer"}


@pytest.fixture
def node(house: House) -> Iterator[FakeNode]:
    with FakeNode(house) as node:
        yield node


def offered(client: TestClient, token: str | None, **more: Any) -> Any:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return client.post(CONNECT, json={**OFFER, **more}, headers=headers)


def test_an_offer_is_answered_and_begins_the_conversation(
    client: TestClient, house: House, who: Customer, node: FakeNode
) -> None:
    new = asked(client, who)
    answer = offered(client, new["token"], render="server")
    assert answer.status_code == 200
    assert answer.json() == {
        "sdp": "v=0 answer",
        "type": "answer",
        "pc_id": "pc-1",
        "conversation_id": new["conversation_id"],
        "ice_servers": [],
    }
    assert node.asked == [
        ("POST", {**OFFER, "token": new["token"], "render": "server", "pc_id": None})
    ]
    now = row(house, new["conversation_id"])
    assert (now.state, now.node, now.pc_id) == ("live", "node", "pc-1")


def test_the_token_may_stand_in_the_body(client: TestClient, who: Customer, node: FakeNode) -> None:
    assert node.capacity
    body = {**OFFER, "token": asked(client, who)["token"]}
    assert client.post(CONNECT, json=body).status_code == 200


def test_any_page_may_connect(client: TestClient, who: Customer, node: FakeNode) -> None:
    assert node.capacity
    asking = {"origin": "https://example.com", "access-control-request-method": "POST"}
    before = client.options(CONNECT, headers=asking)
    assert before.status_code == 204
    assert "PATCH" in before.headers["access-control-allow-methods"]
    assert "authorization" in before.headers["access-control-allow-headers"]
    for answer in (
        before,
        offered(client, asked(client, who)["token"]),
        offered(client, "forged"),
        client.post(CONNECT, content=b"{"),
        client.patch(CONNECT, json={"pc_id": "unknown", "candidates": []}),
    ):
        assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "sdp"),
        ({"sdp": "x" * 65_537}, "sdp"),
        ({"sdp": "v=0", "type": "answer"}, "type"),
        ({"sdp": "v=0", "render": "nowhere"}, "render"),
        ({"sdp": "v=0", "pc_id": 7}, "pc_id"),
    ],
)
def test_what_is_no_offer_reaches_no_node(
    client: TestClient, who: Customer, node: FakeNode, body: dict[str, Any], param: str
) -> None:
    headers = {"authorization": f"Bearer {asked(client, who)['token']}"}
    answer = client.post(CONNECT, json=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["param"] == param
    assert node.asked == []


@pytest.mark.parametrize("token", [None, "forged", "a.b.c", "x" * 3_000])
def test_strangers_reach_no_node(client: TestClient, node: FakeNode, token: str | None) -> None:
    answer = offered(client, token)
    assert answer.status_code == 401
    assert node.asked == []


def test_guessing_tokens_is_limited_by_address(client: TestClient, house: House) -> None:
    for _ in range(house.settings.requests_per_minute_by_address):
        assert offered(client, "forged").status_code == 401
    assert offered(client, "forged").status_code == 429


def test_a_used_token_is_told_so(
    client: TestClient, house: House, who: Customer, node: FakeNode
) -> None:
    new = asked(client, who)
    offered(client, new["token"])
    again = offered(client, new["token"])
    assert (again.status_code, again.json()["code"]) == (409, "token_used")
    assert len(node.asked) == 1
    house.conversation_room.sessions.end(new["conversation_id"], Ending("hang_up", 1.0))
    assert offered(client, new["token"]).status_code == 409


def test_of_many_offers_with_one_token_one_is_answered(
    client: TestClient, who: Customer, node: FakeNode
) -> None:
    token = asked(client, who)["token"]
    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(lambda _: offered(client, token).status_code, range(8)))
    assert statuses == [200] + [409] * 7
    assert node.asked


def test_a_bad_offer_leaves_the_token_good(
    client: TestClient, who: Customer, node: FakeNode
) -> None:
    token = asked(client, who)["token"]
    node.mood = (400, b'{"error": "No offer.", "code": "bad_sdp", "param": "sdp"}')
    answer = offered(client, token)
    assert (answer.status_code, answer.json()["code"], answer.json()["param"]) == (
        400,
        "bad_sdp",
        "sdp",
    )
    node.mood = None
    assert offered(client, token).status_code == 200


def test_without_a_node_nothing_is_charged_and_the_token_stays_good(
    client: TestClient, house: House, who: Customer
) -> None:
    token = asked(client, who)["token"]
    answer = offered(client, token)
    assert (answer.status_code, answer.json()["code"]) == (502, "talk_unavailable")
    assert money(house, who) == Money(950, 50)
    with FakeNode(house):
        assert offered(client, token).status_code == 200


def test_a_node_that_went_down_costs_nothing(
    client: TestClient, house: House, who: Customer, node: FakeNode, clock: ManualClock
) -> None:
    token = asked(client, who)["token"]
    node.stop()
    answer = offered(client, token)
    assert (answer.status_code, answer.json()["code"]) == (502, "talk_unavailable")
    clock.advance(3_601)
    house.sweeper.sweep()
    assert money(house, who) == Money(1_000, 0)


def test_where_one_node_is_down_the_next_is_asked(
    client: TestClient, house: House, who: Customer
) -> None:
    with FakeNode(house, "a-first") as first, FakeNode(house, "b-second") as second:
        first.stop()
        assert offered(client, asked(client, who)["token"]).status_code == 200
        assert (len(first.asked), len(second.asked)) == (0, 1)


def test_where_one_node_does_not_know_us_the_next_is_asked(
    client: TestClient, house: House, who: Customer
) -> None:
    with FakeNode(house, "a-first") as first, FakeNode(house, "b-second") as second:
        first.mood = (403, b'{"error": "Not for you."}')
        assert offered(client, asked(client, who)["token"]).status_code == 200
        assert (len(first.asked), len(second.asked)) == (1, 1)
        second.stop()
        answer = offered(client, asked(client, who)["token"])
        assert (answer.status_code, answer.json()["code"]) == (502, "talk_unavailable")


@pytest.mark.parametrize(
    "mood",
    [
        (0, b""),
        (200, b"<html>"),
        (200, b'{"sdp": "v=0"}'),
        (400, b"<html>"),
        (500, b'{"error": "Secret words of an exception"}'),
        (302, b""),
    ],
)
def test_a_node_that_misbehaves_costs_nothing(
    client: TestClient,
    house: House,
    who: Customer,
    node: FakeNode,
    clock: ManualClock,
    mood: tuple[int, bytes],
) -> None:
    token = asked(client, who)["token"]
    node.mood, node.admits_first = mood, True
    answer = offered(client, token)
    assert (answer.status_code, answer.json()["code"]) == (502, "talk_failed")
    assert "Secret" not in answer.text
    clock.advance(120)
    house.sweeper.sweep()
    assert money(house, who) == Money(1_000, 0)


def test_at_capacity_the_client_is_told_when_to_come_back(
    client: TestClient, house: House, who: Customer
) -> None:
    with FakeNode(house, capacity=1) as node:
        first, second = asked(client, who), asked(client, who)
        assert offered(client, first["token"]).status_code == 200
        full = offered(client, second["token"])
        assert (full.status_code, full.json()["code"]) == (429, "at_capacity")
        assert int(full.headers["retry-after"]) > 0
        assert len(node.asked) == 1
        house.conversation_room.sessions.end(first["conversation_id"], Ending("hang_up", 0.0))
        assert money(house, who) == Money(950, 50)
        assert offered(client, second["token"]).status_code == 200


def test_a_node_that_filled_up_meanwhile_passes_on_to_the_next(
    client: TestClient, house: House, who: Customer
) -> None:
    full = (429, b'{"error": "Full."}')
    with FakeNode(house, "a-first") as first, FakeNode(house, "b-second") as second:
        first.mood = second.mood = full
        token = asked(client, who)["token"]
        answer = offered(client, token)
        assert (answer.status_code, answer.json()["code"]) == (429, "at_capacity")
        second.mood = None
        assert offered(client, token).status_code == 200


def test_conversations_go_to_the_emptiest_node_that_is_there(
    house: House, clock: ManualClock
) -> None:
    nodes = house.conversation_room.nodes
    nodes.register("big", "http://127.0.0.1:1/", 10)
    nodes.register("small", "http://127.0.0.1:2", 2)
    nodes.beat("big", 4)
    nodes.beat("small", 1)
    assert [node.name for node in nodes.choose()] == ["big", "small"]
    assert nodes.choose()[0].url == "http://127.0.0.1:1"
    nodes.beat("small", 0)
    assert nodes.choose()[0].name == "small"
    clock.advance(SILENCE.total_seconds() + 1)
    assert nodes.beat("big", 5)
    assert [node.name for node in nodes.choose()] == ["big"]
    nodes.leave("big")
    assert not nodes.beat("big", 5)


def test_a_node_that_comes_back_takes_its_own_place(house: House, clock: ManualClock) -> None:
    nodes = house.conversation_room.nodes
    nodes.register("node", "http://127.0.0.1:1", 1)
    nodes.beat("node", 1)
    nodes.register("node", "http://127.0.0.1:2", 3)
    assert [(n.url, n.capacity, n.sessions) for n in nodes.choose()] == [
        ("http://127.0.0.1:2", 3, 0)
    ]
    clock.advance(25 * 3_600)
    house.sweeper.sweep()
    assert nodes.find("node") is None


def test_a_node_that_rests_gets_nobody_new_and_is_found_by_who_it_has(house: House) -> None:
    nodes = house.conversation_room.nodes
    nodes.register("node", "http://127.0.0.1:1", 4)
    nodes.register("other", "http://127.0.0.1:2", 1)
    nodes.rest("node")
    assert nodes.beat("node", 1)
    assert [node.name for node in nodes.choose()] == ["other"]
    assert nodes.find("node") is not None


def test_a_client_that_lost_its_line_goes_on_at_the_same_node(
    client: TestClient, house: House, who: Customer, node: FakeNode, clock: ManualClock
) -> None:
    new = asked(client, who)
    pc_id = offered(client, new["token"]).json()["pc_id"]
    with FakeNode(house, "another"):
        clock.advance(3_600)  # the token is past its time: the conversation is not
        house.conversation_room.nodes.beat("node", 4)
        again = offered(client, new["token"], pc_id=pc_id)
    assert again.status_code == 200
    assert node.asked[-1][1]["pc_id"] == pc_id
    assert row(house, new["conversation_id"]).pc_id == again.json()["pc_id"] == "pc-2"


def test_a_conversation_that_did_not_begin_is_not_taken_up(
    client: TestClient, who: Customer, node: FakeNode
) -> None:
    answer = offered(client, asked(client, who)["token"], pc_id="pc-1")
    assert answer.status_code == 401
    assert node.asked == []


def test_candidates_reach_the_node_that_leads(
    client: TestClient, who: Customer, node: FakeNode
) -> None:
    token = asked(client, who)["token"]
    pc_id = offered(client, token).json()["pc_id"]
    found = {"candidate": "candidate:1 1 UDP …", "sdp_mid": "0", "sdp_mline_index": 0}
    body = {"pc_id": pc_id, "candidates": [found]}
    for headers in ({}, {"authorization": f"Bearer {token}"}):
        answer = client.patch(CONNECT, json=body, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"ok": True})
        assert node.asked[-1] == ("PATCH", body)


def test_candidates_of_no_connection_reach_no_node(
    client: TestClient, house: House, who: Customer, node: FakeNode
) -> None:
    new = asked(client, who)
    pc_id = offered(client, new["token"]).json()["pc_id"]
    house.conversation_room.sessions.end(new["conversation_id"], Ending("hang_up", 1.0))
    for unknown in (pc_id, "pc-77"):
        answer = client.patch(CONNECT, json={"pc_id": unknown, "candidates": []})
        assert answer.status_code == 404
    many = [{"candidate": "candidate:1"}] * 65
    answer = client.patch(CONNECT, json={"pc_id": pc_id, "candidates": many})
    assert (answer.status_code, answer.json()["param"]) == (400, "candidates")
    assert len(node.asked) == 1


def test_one_token_grinds_no_mill_of_offers(
    client: TestClient, who: Customer, node: FakeNode
) -> None:
    token = asked(client, who)["token"]
    node.mood = (400, b'{"error": "No offer."}')
    for _ in range(CONNECTS_PER_MINUTE):
        assert offered(client, token).status_code == 400
    assert offered(client, token).json()["code"] == "rate_limited"
    assert len(node.asked) == CONNECTS_PER_MINUTE
