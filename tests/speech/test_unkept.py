"""A speech that was to be kept, and can't be: S3 fails. Nobody pays for it, anybody may retry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from charafy.kernel.storage_settings import Bucket
from tests.support import s3
from tests.support.clock import ManualClock
from tests.support.faulty import FaultyWay
from tests.support.speech import START_CREDITS, Stage, build
from tests.support.voices import WatchedVoice


@pytest.fixture
def way(s3_server: s3.Server) -> Iterator[FaultyWay]:
    with FaultyWay(s3_server.port) as way:
        yield way


@pytest.fixture
def stage(
    db: Database, clock: ManualClock, settings: Settings, bucket: Bucket, way: FaultyWay
) -> Iterator[Stage]:
    far = s3.settings_of(s3.through(bucket, way.port, timeout_s=0.5))
    stage = build(db, clock, settings.model_copy(update=far), WatchedVoice())
    with stage.client:
        yield stage
    stage.speech.close()


def test_an_answer_in_one_piece_is_503_and_costs_nothing(stage: Stage, way: FaultyWay) -> None:
    body = {"character_id": stage.character_id, "text": "Hello there."}
    way.fault = "refuses"

    answer = stage.post("/tts/timestamps", body, Idempotency_Key="k1")

    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert answer.headers["retry-after"] == "5"
    stage.settle()
    assert stage.charged == []
    way.fault = "none"
    again = stage.post("/tts/timestamps", body, Idempotency_Key="k1")
    assert (again.status_code, again.json()["credits_remaining"]) == (200, START_CREDITS - 1)
    kept = stage.post("/tts/timestamps", body, Idempotency_Key="k1")
    assert kept.headers["idempotent-replayed"] == "true"
    assert kept.content == again.content
    stage.settle()
    assert stage.charged == [1]


def test_a_stream_that_cannot_be_kept_costs_nothing(stage: Stage, way: FaultyWay) -> None:
    body = {"character_id": stage.character_id, "text": "Hello there."}
    way.fault = "silent"

    stage.post("/tts", body, Idempotency_Key="k2")

    stage.settle()
    assert stage.charged == []


def test_who_asked_for_nothing_to_be_kept_needs_no_storage(stage: Stage, way: FaultyWay) -> None:
    way.fault = "refuses"
    assert stage.speak("Hello there.").status_code == 200
    stage.settle()
    assert stage.charged == [1]
