"""What the API tells of the whole house is what is in its database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from charafy.app import build_app
from charafy.conversations.sessions import Ending
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from charafy.videos.models import Failure
from tests.support.clock import ManualClock
from tests.support.conversations import asked
from tests.support.videos import Customer, Hands, customer, ordered

Told = dict[tuple[str, ...], float]


@pytest.fixture
def house(settings: Settings, clock: ManualClock, db: Database) -> Iterator[House]:
    db.close()
    house = build_house(settings, clock=clock)
    yield house
    house.close()


@pytest.fixture
def client(house: House) -> TestClient:
    return TestClient(
        build_app(house), base_url=house.settings.base_url, client=("127.0.0.1", 50_000)
    )


@pytest.fixture
def who(house: House) -> Customer:
    return customer(house)


def told(client: TestClient) -> Told:
    """Every number by its name and the values of its labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_an_empty_house_tells_zeros(client: TestClient) -> None:
    numbers = told(client)
    assert numbers["charafy_database_up",] == 1
    for name in ("charafy_jobs_waiting", "charafy_jobs_running", "charafy_jobs_oldest_seconds"):
        assert numbers[name, "video"] == numbers[name, "refinement"] == 0
    assert numbers["charafy_webhook_backlog",] == 0
    assert numbers["charafy_conversations_open", "live"] == 0
    assert numbers["charafy_credits_held",] == 0
    assert not [key for key in numbers if key[0] == "charafy_talk_node_limit"]
    assert [key[1] for key in numbers if key[0] == "charafy_process_info"] == ["api"]


def test_a_queue_is_told_by_its_length_and_by_who_waits_longest(
    client: TestClient, house: House, who: Customer, clock: ManualClock
) -> None:
    ordered(client, who)
    clock.advance(40)
    ordered(client, who)
    clock.advance(2)
    assert (numbers := told(client))["charafy_jobs_waiting", "video"] == 2
    assert numbers["charafy_jobs_oldest_seconds", "video"] == 42
    assert numbers["charafy_credits_held",] > 0


def test_what_was_begun_waits_no_more(client: TestClient, house: House, who: Customer) -> None:
    house.video_room.work.begin(ordered(client, who))
    numbers = told(client)
    assert numbers["charafy_jobs_waiting", "video"] == 0
    assert numbers["charafy_jobs_running", "video"] == 1
    assert numbers["charafy_jobs_oldest_seconds", "video"] == 0


def test_videos_that_end_are_counted_by_how(
    client: TestClient, house: House, who: Customer
) -> None:
    Hands(house).make(ordered(client, who))
    house.video_room.work.fail(ordered(client, who), Failure("picture_unusable"))
    numbers = told(client)
    assert numbers["charafy_jobs_total", "video", "completed"] == 1
    assert numbers["charafy_jobs_total", "video", "picture_unusable"] == 1


def test_talk_processes_are_told_while_they_are_heard_of(
    client: TestClient, house: House, clock: ManualClock
) -> None:
    nodes = house.conversation_room.nodes
    nodes.register("talk-1", "http://127.0.0.1:1", 4)
    clock.advance(20)
    nodes.register("talk-2", "http://127.0.0.1:2", 6)
    nodes.beat("talk-2", 5)
    clock.advance(15)
    numbers = told(client)
    assert numbers["charafy_talk_node_sessions", "talk-2"] == 5
    assert numbers["charafy_talk_node_limit", "talk-2"] == 6
    assert ("charafy_talk_node_limit", "talk-1") not in numbers


def test_conversations_are_told_while_they_are_open_and_counted_when_they_end(
    client: TestClient, house: House, who: Customer
) -> None:
    token = asked(client, who)["token"]
    sessions = house.conversation_room.sessions
    conversation_id = sessions.admit(token, "node").conversation_id
    assert told(client)["charafy_conversations_open", "live"] == 1
    sessions.end(conversation_id, Ending("hang_up", 3.0))
    sessions.end(conversation_id, Ending("idle", 3.0))
    assert told(client)["charafy_conversations_total", "hang_up"] == 1
