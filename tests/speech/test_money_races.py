"""Many requests at once: the last credits go to as many as they pay for, a retry pays once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.support.rawhttp import Exchange
from tests.support.speech import START_CREDITS, MakeStage, Stage, serving
from tests.support.voices import WatchedVoice

MANY = 50


def at_once(stage: Stage, bodies: list[dict[str, Any]], **headers: str) -> list[httpx.Response]:
    """All requests at the same time over a real server."""
    limits = httpx.Limits(max_connections=len(bodies))
    with (
        serving(stage.app) as url,
        httpx.Client(base_url=url, limits=limits, timeout=60) as client,
        ThreadPoolExecutor(len(bodies)) as pool,
    ):

        def ask(body: dict[str, Any]) -> httpx.Response:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            return client.post("/api/v1/tts", json=body, headers=given | {"x-api-key": "live"})

        return list(pool.map(ask, bodies))


def hello(stage: Stage, text: str = "Hello") -> dict[str, Any]:
    return {"character_id": stage.character_id, "text": text, "format": "pcm"}


def keyed(stage: Stage, text: str = "Hello, how are you?", key: str = "k1", **more: Any) -> Any:
    body = {"character_id": stage.character_id, "text": text} | more
    return stage.post("/tts", body, Idempotency_Key=key)


def test_fifty_requests_race_for_ten_credits_and_ten_win(make_stage: MakeStage) -> None:
    stage = make_stage(concurrent=64)
    stage.spend_all_but(10)

    answers = at_once(stage, [hello(stage)] * MANY)

    assert Counter(a.status_code for a in answers) == {200: 10, 402: 40}
    assert all(a.content for a in answers if a.status_code == 200)
    stage.settle()
    assert stage.available == 0
    assert stage.charged == [1] * 10
    assert stage.voice.begun == 10


def test_fifty_requests_with_one_idempotency_key_are_one_speech(make_stage: MakeStage) -> None:
    stage = make_stage(concurrent=64)

    answers = at_once(stage, [hello(stage)] * MANY, Idempotency_Key="the same")

    stage.settle()
    assert stage.charged == [1]
    assert stage.voice.begun == 1
    assert {a.status_code for a in answers} <= {200, 409}
    spoken = [a for a in answers if a.status_code == 200]
    assert len({a.content for a in spoken}) == 1
    assert sum("idempotent-replayed" not in a.headers for a in spoken) == 1
    waiting = [a for a in answers if a.status_code == 409]
    assert all(a.json()["code"] == "idempotency_in_flight" for a in waiting)


@pytest.mark.parametrize("name", ["mp3", "wav", "opus", "flac", "aac", "pcm"])
def test_a_retry_gets_the_same_bytes_and_headers_for_nothing(stage: Stage, name: str) -> None:
    first = keyed(stage, format=name)
    again = keyed(stage, format=name)

    assert again.status_code == 200
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    for header in ("content-type", "x-credits-used", "x-credits-remaining", "cache-control"):
        assert again.headers[header] == first.headers[header]
    assert stage.charged == [1]
    assert stage.voice.begun == 1


def test_the_same_key_with_another_text_is_refused(stage: Stage) -> None:
    keyed(stage, "Hello")

    answer = keyed(stage, "Goodbye")

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert stage.charged == [1]


def test_keys_of_different_routes_and_modes_do_not_meet(stage: Stage) -> None:
    body = {"character_id": stage.character_id, "text": "Hello"}

    assert keyed(stage, "Hello").status_code == 200
    timed = stage.post("/tts/timestamps", body, Idempotency_Key="k1")
    tested = stage.post("/tts", body, "test", Idempotency_Key="k1")

    assert (timed.status_code, tested.status_code) == (200, 200)
    assert "idempotent-replayed" not in timed.headers | tested.headers


@pytest.mark.parametrize(
    ("reason", "status"), [("nothing to say", 400), ("no such character", 404), ("poor", 402)]
)
def test_a_refused_request_leaves_its_key_free(stage: Stage, reason: str, status: int) -> None:
    if reason == "poor":
        stage.spend_all_but(0)
    text = "🎉" if reason == "nothing to say" else "Hello"
    more = {"character_id": "nobody"} if reason == "no such character" else {}
    assert keyed(stage, text, **more).status_code == status

    stage.grant(5)
    answer = keyed(stage, "Hello")

    assert answer.status_code == 200
    assert "idempotent-replayed" not in answer.headers


def test_a_failed_speech_leaves_its_key_free(make_stage: MakeStage) -> None:
    stage = make_stage(WatchedVoice(fail_at=0))

    assert keyed(stage).status_code == 502
    assert keyed(stage).status_code == 502

    stage.settle()
    assert stage.voice.begun == 2
    assert stage.available == START_CREDITS


def test_a_client_that_left_can_fetch_the_speech_with_its_key_for_one_charge(
    make_stage: MakeStage,
) -> None:
    stage = make_stage(WatchedVoice(gated=True))
    text = "Seven words are in every single sentence. " * 5
    body = {"character_id": stage.character_id, "text": text, "format": "pcm"}
    with serving(stage.app) as url:
        with Exchange(url, "/api/v1/tts", body, x_api_key="live", Idempotency_Key="k1") as exchange:
            stage.voice.allow(2)
            exchange.head()
            assert exchange.chunk()
            exchange.leave()
        stage.voice.open()
        stage.settle()

    answer = stage.post("/tts", body, Idempotency_Key="k1")

    assert answer.headers["idempotent-replayed"] == "true"
    assert answer.content == stage.post("/tts", body, "test").content
    assert stage.charged == [3]


def test_the_kept_answer_goes_when_its_day_is_over(stage: Stage) -> None:
    keyed(stage)
    assert len(stage.storage.keys("speech/")) == 1

    stage.clock.advance(25 * 3600)

    again = keyed(stage)
    assert "idempotent-replayed" not in again.headers
    assert stage.charged == [1, 1]
