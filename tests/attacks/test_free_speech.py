"""Test keys are for tests: nobody runs a product on them for nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from charafy.kernel.db import Database
from charafy.kernel.settings import Plan, Settings
from tests.support.clock import ManualClock
from tests.support.speech import Stage, build
from tests.support.voices import WatchedVoice

DAY_S = 86_400


@pytest.fixture
def stage(db: Database, clock: ManualClock, settings: Settings) -> Iterator[Stage]:
    plans = {"standard": Plan(test_chars_per_day=100)}
    stage = build(db, clock, settings.model_copy(update={"plans": plans}), WatchedVoice())
    with stage.client:
        yield stage
    stage.speech.close()


def test_test_keys_speak_so_many_characters_a_day(stage: Stage) -> None:
    body = {"character_id": stage.character_id, "text": "a" * 50}
    assert [stage.post("/tts", body, "test").status_code for _ in range(2)] == [200, 200]

    refused = stage.post("/tts", {**body, "text": "a"}, "test")
    assert (refused.status_code, refused.json()["code"]) == (429, "test_limit_reached")
    assert 0 < int(refused.headers["retry-after"]) <= DAY_S
    by_openai = {"model": "kokoro", "voice": "af_heart", "input": "a"}
    assert stage.post("/audio/speech", by_openai, "test").status_code == 429

    assert stage.post("/tts", body).status_code == 200  # a live key pays
    stage.clock.advance(float(refused.headers["retry-after"]))
    assert stage.post("/tts", body, "test").status_code == 200
    stage.settle()


def test_what_was_refused_counts_for_nothing(stage: Stage) -> None:
    body = {"character_id": stage.character_id, "text": "a" * 60}
    statuses = [stage.post("/tts", body, "test").status_code for _ in range(3)]
    assert statuses == [200, 429, 429]
    assert stage.post("/tts", {**body, "text": "a" * 40}, "test").status_code == 200


def test_the_same_answer_again_is_not_spoken_again(stage: Stage) -> None:
    body = {"character_id": stage.character_id, "text": "a" * 60}
    again = [stage.post("/tts", body, "test", Idempotency_Key="one") for _ in range(3)]
    assert [answer.status_code for answer in again] == [200, 200, 200]
    assert len({answer.content for answer in again}) == 1
