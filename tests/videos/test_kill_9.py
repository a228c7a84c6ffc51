"""Real worker processes are killed wherever it hurts; every video is made once and paid once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from charafy.videos.tables import videos
from charafy.videos.work import MAX_ATTEMPTS
from tests.support.server import Server, start
from tests.support.surroundings import surroundings
from tests.support.videos import API, Customer, Money, customer, look, money, ordered

pytestmark = pytest.mark.slow

POINTS = (
    "before-speak",
    "after-speak",
    "before-film",
    "during-film",
    "after-film",
    "before-store",
    "after-store",
    "before-settle",
    "after-settle",
)
PATIENCE_S = 120.0
LONG = "This sentence is said again and again. " * 15


@pytest.fixture
def still(settings: Settings) -> Settings:
    """The API's side and the workers agree on these."""
    return settings.model_copy(update={"portrait_engine": "still"})


@pytest.fixture
def house(still: Settings, db: Database) -> Iterator[House]:
    """The API's side, in this process."""
    del db
    house = build_house(still)
    yield house
    house.close()


@pytest.fixture
def client(house: House) -> TestClient:
    return TestClient(build_app(house), base_url=house.settings.base_url)


@pytest.fixture
def who(house: House) -> Customer:
    return customer(house)


@contextlib.contextmanager
def worker(settings: Settings, *module: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process of this server; killed at the end if it still lives."""
    env = {**os.environ, **surroundings(settings), "CHARAFY_LOG_LEVEL": "error"}
    process = subprocess.Popen([sys.executable, "-m", *module], env=env)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def until(condition: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up, f"still not: {what}"
        time.sleep(0.05)


def test_whatever_its_worker_is_killed_over_a_video_is_made_once_and_paid_once(
    house: House, client: TestClient, who: Customer, still: Settings
) -> None:
    """Each worker finishes what the one before was killed over, and is killed over its own."""
    orders = {point: ordered(client, who, f"Hello, I am {point}.") for point in POINTS}
    for point, video_id in orders.items():
        with worker(still, "tests.support.dying_worker", point, video_id) as process:
            assert process.wait(PATIENCE_S) == -signal.SIGKILL, point
        finished = look(client, who, video_id)["status"] == "completed"
        assert finished == (point == "after-settle")
        assert house.storage.keys(f"videos/{video_id}/") or point == "before-speak"
    with worker(still, "charafy", "worker"):
        last = orders[POINTS[-1]]
        until(lambda: not (house.settings.workshop / last).exists(), "cleaned up")
        until(lambda: len(house.storage.keys("videos/")) == 3 * len(POINTS), "tidied")

    found = {point: look(client, who, video_id) for point, video_id in orders.items()}
    assert {point: video["error"] for point, video in found.items() if video["error"]} == {}
    assert all(client.get(video["output_url"]).status_code == 200 for video in found.values())
    paid = sum(video["credits_used"] for video in found.values())
    assert money(house, who) == Money(1_000 - paid, 0)
    with house.db.read() as tx:
        entries = house.credits.recent(tx, who.account_id)
    assert len([entry for entry in entries if entry.kind == "video"]) == len(POINTS)


def test_a_video_that_kills_every_worker_is_given_up_for_free(
    house: House, client: TestClient, who: Customer, still: Settings
) -> None:
    video_id = ordered(client, who, "Hello there!")
    for _ in range(MAX_ATTEMPTS):
        with worker(still, "tests.support.dying_worker", "during-film", video_id) as process:
            assert process.wait(PATIENCE_S) == -signal.SIGKILL
    with worker(still, "charafy", "worker"):
        until(lambda: look(client, who, video_id)["status"] != "processing", "ended")

    assert look(client, who, video_id)["error_code"] == "internal"
    assert money(house, who) == Money(1_000, 0)


def test_an_asked_worker_puts_its_video_down_and_the_next_one_takes_it_up(
    house: House, client: TestClient, who: Customer, still: Settings
) -> None:
    video_id = ordered(client, who, LONG, width=512, height=512, fps=25)
    with worker(still, "charafy", "worker") as process:
        until(lambda: look(client, who, video_id)["progress"] > 0.6, "being filmed")
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    assert look(client, who, video_id)["status"] == "processing"
    with worker(still, "charafy", "worker"):
        until(lambda: look(client, who, video_id)["status"] == "completed", "completed")
    with house.db.read() as tx:
        attempts = tx.execute(sa.select(videos.c.attempts)).scalar_one()
    assert attempts == 1  # having been asked to stop is no fault of the video
    assert money(house, who).held == 0


def test_cancelling_reaches_the_worker_while_it_films(
    house: House, client: TestClient, who: Customer, still: Settings
) -> None:
    video_id = ordered(client, who, LONG, width=512, height=512, fps=25)
    unfinished = house.settings.workshop / video_id
    with worker(still, "charafy", "worker"):
        until(lambda: look(client, who, video_id)["progress"] > 0.6, "being filmed")
        client.post(f"{API}/video/{video_id}/cancel", headers=who.headers)
        until(lambda: not unfinished.exists(), "stopped and cleaned up")
    assert money(house, who) == Money(1_000, 0)
    assert house.storage.keys("videos/") == []


def test_a_server_killed_whole_takes_its_worker_along_and_goes_on_after_a_restart(
    still: Settings, db: Database
) -> None:
    del db
    env = {**surroundings(still), "CHARAFY_DEMO": "true", "CHARAFY_WORKER": "on"}
    server = start(still.home, env)
    try:
        key = server.api_key
        with api(server, key) as client:
            before = client.get("/credits").json()["credits_remaining"]
            character_id = client.get("/characters").json()["characters"][0]["character_id"]
            body = {"character_id": character_id, "text": LONG}
            video_id = client.post("/video", json=body).json()["video_id"]
            until(lambda: client.get(f"/video/{video_id}").json()["progress"] > 0.3, "begun")
        [worker_pid] = children(server.process.pid)
        server.kill()
        until(lambda: not alive(worker_pid), "the worker noticed")
    finally:
        server.stop()
    server = start(still.home, env)
    try:
        with api(server, key) as client:
            url = f"/video/{video_id}"
            until(lambda: client.get(url).json()["status"] == "completed", "completed")
            used = client.get(url).json()["credits_used"]
            assert client.get("/credits").json()["credits_remaining"] == before - used
            [worker_pid] = children(server.process.pid)
            os.kill(worker_pid, signal.SIGKILL)
            until(lambda: children(server.process.pid) not in ([], [worker_pid]), "another one")
    finally:
        server.stop()


@contextlib.contextmanager
def api(server: Server, key: str) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"{server.base_url}/api/v1", headers={"x-api-key": key}, timeout=30
    ) as client:
        yield client


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
