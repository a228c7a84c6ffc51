"""Two workers on one PostgreSQL share the videos, and take over what the other was killed over."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from charafy.house import House
from charafy.kernel.roll import BEAT_S, SILENCE_S
from charafy.webhooks.tables import events
from tests.support.many import Many, Process, until
from tests.support.videos import Customer, look, money, ordered

pytestmark = pytest.mark.slow

LONG = "This sentence is said again and again. " * 60


def listen(house: House, who: Customer) -> None:
    with house.db.write() as tx:
        events = ("video.completed", "video.failed")
        house.webhooks.add(tx, who.account_id, "https://example.com/hook", events=events)


def told(house: House) -> Counter[tuple[str, str]]:
    """How often webhooks were to be told of what, and of which video."""
    with house.db.read() as tx:
        bodies = [json.loads(body) for body in tx.execute(sa.select(events.c.body)).scalars()]
    return Counter((body["type"], body["data"]["video_id"]) for body in bodies)


def executors(house: House) -> list[str]:
    """Which runs of workers made the videos, as DBOS recorded them in our database."""
    with house.db.read() as tx:
        made = tx.exec_driver_sql("SELECT executor_id FROM dbos.workflow_status")
        return list(made.scalars())


def made_once_and_paid_once(
    house: House, client: TestClient, who: Customer, video_ids: list[str]
) -> None:
    found = [look(client, who, video_id) for video_id in video_ids]
    assert [video["error"] for video in found] == [None] * len(found)
    assert told(house) == Counter(("video.completed", video_id) for video_id in video_ids)
    assert len(house.storage.keys("videos/")) == 3 * len(video_ids)  # a film and its subtitles
    assert list(house.settings.workshops.glob("*/*")) == []
    with house.db.read() as tx:
        entries = house.credits.recent(tx, who.account_id)
    assert len([entry for entry in entries if entry.kind == "video"]) == len(video_ids)
    paid = sum(video["credits_used"] for video in found)
    assert (money(house, who).available, money(house, who).held) == (10_000 - paid, 0)


def ended(client: TestClient, who: Customer, video_ids: list[str]) -> bool:
    return all(look(client, who, one)["status"] != "processing" for one in video_ids)


def begun(client: TestClient, who: Customer, video_id: str) -> None:
    until(lambda: look(client, who, video_id)["progress"] > 0.6, "being filmed")


def test_two_workers_that_start_at_once_share_the_videos(
    started: Many, house: House, client: TestClient, who: Customer
) -> None:
    listen(house, who)
    workers = [started.worker(), started.worker()]
    video_ids = [ordered(client, who, f"Number {n}. {LONG[:200]}") for n in range(6)]
    until(lambda: ended(client, who, video_ids), "all ended")
    for worker in workers:
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0, worker.said()
    made_once_and_paid_once(house, client, who, video_ids)
    assert len(executors(house)) == len(video_ids)
    assert len(set(executors(house))) == 2


def test_what_a_killed_and_a_frozen_worker_had_begun_is_taken_over_once(
    started: Many, house: House, client: TestClient, who: Customer
) -> None:
    listen(house, who)
    killed, video_ids = started.worker(), [ordered(client, who, LONG, width=512, height=512)]
    begun(client, who, video_ids[0])
    killed.signal(signal.SIGSTOP)  # or it would be done before the other has begun
    frozen = started.worker()
    video_ids.append(ordered(client, who, LONG, width=512, height=512))
    begun(client, who, video_ids[1])
    frozen.signal(signal.SIGSTOP)
    killed.signal(signal.SIGKILL)
    assert not ended(client, who, video_ids[:1])
    assert not ended(client, who, video_ids[1:])

    heir = started.worker(CHARAFY_WORKER_NAME="heir")  # of the same name it would know at once
    lost_s = until(lambda: heir.said().count("worker_lost") == 2, "both missed")
    assert lost_s < SILENCE_S + 2 * BEAT_S + 60  # on a busy machine it starts slowly
    frozen.signal(signal.SIGCONT)
    assert frozen.wait() == 1
    assert "worker_given_up_by_others" in frozen.said()
    until(lambda: ended(client, who, video_ids), "both ended")
    until(lambda: not list(house.settings.workshops.glob("*/*")), "cleaned up")
    made_once_and_paid_once(house, client, who, video_ids)


def test_what_a_stopped_worker_put_down_goes_on_at_once(
    started: Many, house: House, client: TestClient, who: Customer
) -> None:
    listen(house, who)
    first = started.worker()
    video_id = ordered(client, who, LONG, width=512, height=512)
    begun(client, who, video_id)
    second = started.worker(CHARAFY_LOG_LEVEL="info")
    until(lambda: "worker_ready" in second.said(), "the second is there")
    first.signal(signal.SIGTERM)
    assert first.wait() == 0
    assert not ended(client, who, [video_id])
    began_s = time.monotonic()
    until(lambda: "worker_lost" in second.said(), "taken over")
    assert time.monotonic() - began_s < SILENCE_S
    until(lambda: ended(client, who, [video_id]), "ended")
    until(lambda: not list(house.settings.workshops.glob("*/*")), "cleaned up")
    made_once_and_paid_once(house, client, who, [video_id])


def test_two_of_one_name_are_refused_with_a_sentence(started: Many, tmp_path: Path) -> None:
    first = started.worker(CHARAFY_WORKER_NAME="same", CHARAFY_LOG_LEVEL="info")
    until(lambda: "worker_ready" in first.said(), "the first is there")
    elsewhere = started.start(
        "charafy",
        "worker",
        home=tmp_path / "other",
        env={
            "CHARAFY_WORKER_NAME": "same",
            "CHARAFY_SECRET": (started.home / "secret").read_bytes().hex(),
        },
    )
    assert refused(elsewhere) == (
        "A worker named same works on another machine or data folder: give each its own "
        "CHARAFY_WORKER_NAME, or wait 30 s after it was killed."
    )
    here = started.worker(CHARAFY_WORKER_NAME="same")
    assert refused(here).startswith("Another worker named same runs on this data folder: give")


def refused(process: Process) -> str:
    assert process.wait() == 1
    return " ".join(process.said().split()).removeprefix("charafy: ")
