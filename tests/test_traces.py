"""A trace goes from a request to the last of what it asked for, through every process.

The collector is a real HTTP server that reads protobuf; spans come as they would in operation.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from charafy.kernel.traces import OFF, traces_of
from charafy.talk.turns import Spoken
from charafy.talk.watched import Watch
from tests.support.conversations import asked
from tests.support.otlp import PATIENCE_S, Collector, Seen
from tests.support.talk_node import FakeNode
from tests.support.videos import API, Customer, customer, ordered

OURS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SECRETS = ("the quick brown fox", "Mika", "@example", "ck_live", "ck_test", "eyJ")


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made


@pytest.fixture
def house(settings: Settings, db: Database, collector: Collector) -> Iterator[House]:
    db.close()
    house = build_house(settings.model_copy(update={"otlp_url": collector.url}))
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


def speak(client: TestClient, who: Customer, **headers: str) -> str:
    """Have something spoken; what the answer says of its trace."""
    answer = client.post(
        f"{API}/tts",
        json={"text": "the quick brown fox", "character_id": who.character_id},
        headers={**who.headers, **headers},
    )
    assert answer.status_code == 200, answer.text
    return answer.headers["traceresponse"]


def test_a_request_is_a_span_with_what_it_did_inside(
    client: TestClient, who: Customer, collector: Collector
) -> None:
    speak(client, who)
    request = collector.one(f"POST {API}/tts")
    assert request.service == "charafy-api"
    assert request.parent_id == ""
    assert request.facts["http.route"] == f"{API}/tts"
    assert request.facts["http.response.status_code"] == 200
    synthesis = collector.one("synthesise")
    assert synthesis.facts == {"speech.chars": 19}

    def written(spans: list[Seen]) -> list[Seen]:
        """The hold and its capture, once both are there."""
        ours = [s for s in spans if (s.name, s.trace_id) == ("db.write", request.trace_id)]
        return ours if len(ours) >= 2 else []

    writes: list[Seen] = collector.waits(written)
    for span in (synthesis, *writes):
        assert (span.trace_id, span.parent_id) == (request.trace_id, request.span_id)
        assert request.began_ns <= span.began_ns <= span.ended_ns


def test_who_sends_a_traceparent_finds_our_spans_in_their_trace(
    client: TestClient, who: Customer, collector: Collector
) -> None:
    told = speak(client, who, traceparent=OURS)
    request = collector.one(f"POST {API}/tts")
    assert request.trace_id == OURS.split("-")[1]
    assert request.parent_id == OURS.split("-")[2]
    assert told == f"00-{request.trace_id}-{request.span_id}-01"


@pytest.mark.parametrize("given", ["", "00-zz-1-1", "x" * 5_000, OURS.replace("-01", "-00")])
def test_a_traceparent_that_is_none_or_wants_no_trace_fails_nothing(
    client: TestClient, who: Customer, given: str
) -> None:
    speak(client, who, traceparent=given)


def test_the_worker_goes_on_with_the_trace_that_ordered_a_video(
    client: TestClient, house: House, who: Customer, collector: Collector
) -> None:
    video = house.video_room.work.find(ordered(client, who, "the quick brown fox"))
    assert video is not None
    with house.traces.span("video", kind="consumer", parent=video.order.trace):
        pass
    order, job = collector.one(f"POST {API}/video"), collector.one("video")
    assert (job.trace_id, job.parent_id) == (order.trace_id, order.span_id)


def test_a_conversation_is_one_trace_from_its_token_to_each_stage_of_a_turn(
    client: TestClient, house: House, who: Customer, collector: Collector
) -> None:
    with FakeNode(house) as node:
        token = asked(client, who, visitor_name="Mika")["token"]
        offer = {"sdp": "v=0", "type": "offer"}
        bearer = {"authorization": f"Bearer {token}"}
        assert client.post(f"{API}/conversation/connect", json=offer, headers=bearer).is_success
        assert node.asked
    admitted = house.conversation_room.sessions.admit(asked(client, who)["token"], "node")
    talk = Watch(house.metrics, house.traces).conversation(admitted)
    with talk.call("recognise"):
        pass
    since_s = time.monotonic() - 2.0
    latency = {"recognised": 0.2, "thought": 0.5, "spoken": 0.6, "audible": 0.7}
    noted: list[Spoken] = []
    talk.turns(noted.append)(Spoken("assistant", "the quick brown fox", False, latency, since_s))
    talk.over()

    conversation = collector.one("conversation")
    tokens = {span.trace_id: span for span in collector.named(f"POST {API}/conversation/token")}
    assert conversation.trace_id in tokens
    assert conversation.facts["conversation.id"] == admitted.conversation_id
    turn, engine = collector.one("turn"), collector.one("recognise")
    assert turn.parent_id == engine.parent_id == conversation.span_id
    stages = [span for span in collector.spans if span.parent_id == turn.span_id]
    assert {span.name for span in stages} == {f"turn.{stage}" for stage in latency}
    assert seconds(turn) == pytest.approx(0.7, abs=0.01)
    assert sum(map(seconds, stages)) == pytest.approx(0.7, abs=0.01)
    connect = collector.one("connect")
    assert connect.trace_id in set(tokens) - {conversation.trace_id}
    assert connect.links, "the request of the browser, which began another trace"


def test_nothing_that_users_say_or_are_is_in_any_span(
    client: TestClient, house: House, who: Customer, collector: Collector
) -> None:
    speak(client, who)
    ordered(client, who, "the quick brown fox")
    asked(client, who, visitor_name="Mika")
    client.get(f"{API}/characters/{who.character_id}?q=the+quick+brown+fox", headers=who.headers)
    client.post(f"{API}/tts", json={"text": "the quick brown fox"}, headers=who.headers)
    house.traces.close()
    collector.waits(lambda spans: len(spans) > 8)
    for body in collector.bodies:
        for secret in SECRETS:
            assert secret.encode() not in body, secret
    assert not any(span.events for span in collector.spans), "no words of an exception either"


def test_an_error_is_told_by_its_kind(house: House, collector: Collector) -> None:
    with pytest.raises(ConnectionError), house.traces.span("work"):
        raise ConnectionError("the quick brown fox")
    span = collector.one("work")
    assert (span.failed, span.facts, span.events) == (True, {"error.type": "ConnectionError"}, 0)


@pytest.mark.parametrize("mood", [400, 503])
def test_a_collector_that_refuses_fails_no_request(
    client: TestClient, who: Customer, collector: Collector, mood: int
) -> None:
    collector.mood = mood
    for _ in range(3):
        speak(client, who)
    collector.waits(lambda _: collector.asked)


def test_a_collector_that_is_silent_holds_up_neither_requests_nor_the_end(
    settings: Settings, db: Database
) -> None:
    db.close()
    with Collector(silent=threading.Event()) as collector:
        house = build_house(settings.model_copy(update={"otlp_url": collector.url}))
        who = customer(house)
        client = TestClient(build_app(house), base_url=house.settings.base_url)
        speak(client, who)
        collector.waits(lambda _: collector.asked)
        for _ in range(10_000):  # more than the queue holds
            house.traces.begin("many").end()
        speak(client, who)
        began_s = time.monotonic()
        house.traces.close()
        assert time.monotonic() - began_s < PATIENCE_S / 2
        house.close()


def test_headers_for_the_collector_are_sent(settings: Settings, collector: Collector) -> None:
    given = settings.model_dump() | {
        "otlp_url": collector.url,
        "otlp_headers": "authorization=Bearer abc, x-tenant=one",
    }
    traces = traces_of(Settings(**given), "worker", "1.2.3")
    traces.begin("work").end()
    traces.close()
    assert collector.one("work").service == "charafy-worker"
    (headers,) = collector.headers
    assert (headers["authorization"], headers["x-tenant"]) == ("Bearer abc", "one")


def test_a_share_of_traces_is_whole_or_not_there(settings: Settings, collector: Collector) -> None:
    few = settings.model_copy(update={"otlp_url": collector.url, "trace_ratio": 0.3})
    traces = traces_of(few, "api", "1")
    for _ in range(300):
        with traces.span("outer"), traces.span("inner", inside=True):
            traces.begin("carried", parent=traces.carried()).end()
    traces.close()

    def whole(spans: list[Seen]) -> set[str]:
        """Those whose spans all came, once there is no other."""
        outer, *others = (
            {span.trace_id for span in spans if span.name == name}
            for name in ("outer", "inner", "carried")
        )
        return outer if all(other == outer for other in others) else set()

    assert 40 < len(collector.waits(whole)) < 150


def test_switched_off_nothing_of_it_is_loaded_and_nothing_is_said(
    settings: Settings, db: Database
) -> None:
    assert traces_of(settings, "api", "1") is OFF
    program = (
        "import sys; import charafy.app, charafy.worker, charafy.talk.watched; "
        "from charafy.kernel.traces import OFF; "
        "s = OFF.span('x'); s.__enter__(); "
        "sys.exit(any('opentelemetry.sdk' in name or 'otlp' in name for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=300).returncode == 0


def seconds(span: Seen) -> float:
    return (span.ended_ns - span.began_ns) / 1e9
