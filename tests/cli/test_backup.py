"""A house that is saved while it works comes back elsewhere, and goes on where it was."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from charafy.app import build_app
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from tests.support import recordings, s3
from tests.support.server import running
from tests.support.surroundings import surroundings
from tests.support.videos import API, Customer, Hands, customer, look, money, ordered

PATIENCE_S = 300.0
Place = Literal["folder", "bucket"]


@pytest.fixture
def first(settings: Settings, db: Database, tmp_path: Path) -> Settings:
    """Those of the house that is saved."""
    del db
    return settings.model_copy(update={"portrait_engine": "still", "models": tmp_path / "none"})


@pytest.fixture
def second(first: Settings, other_url: str, tmp_path: Path) -> Settings:
    """Those of the house that is restored: another folder, and another database of that kind."""
    changed: dict[str, Any] = {"home": tmp_path / "second"}
    if first.database_url is not None:
        changed["database_url"] = SecretStr(other_url)
    return first.model_copy(update=changed)


def charafy(settings: Settings, *words: str | Path) -> str:
    """What the command said; it went well."""
    done = subprocess.run(
        [sys.executable, "-m", "charafy", *words],
        env={**os.environ, **surroundings(settings)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def worker(settings: Settings, *module: str) -> Iterator[subprocess.Popen[bytes]]:
    env = {**os.environ, **surroundings(settings), "CHARAFY_LOG_LEVEL": "error"}
    process = subprocess.Popen([sys.executable, "-m", *module], env=env)
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE_S)


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[House, TestClient]]:
    """The API's side, in this process."""
    with closing(build_house(settings)) as house:
        yield house, TestClient(build_app(house), base_url=house.settings.base_url)


def until(condition: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up, f"still not: {what}"
        time.sleep(0.05)


@contextmanager
def busy(base_url: str, who: Customer, voice_id: str) -> Iterator[None]:
    """Somebody has things said, each of which is paid for, before and during what is inside."""
    done, some = threading.Event(), threading.Event()
    wrong: list[str] = []

    def speak() -> None:
        with httpx.Client(timeout=PATIENCE_S) as client:
            while not done.is_set():
                body = {"character_id": who.character_id, "voice_id": voice_id, "text": "Hi."}
                answer = client.post(f"{base_url}{API}/tts", json=body, headers=who.headers)
                if answer.status_code != 200:
                    wrong.append(answer.text)
                some.set()

    speaking = threading.Thread(target=speak)
    speaking.start()
    try:
        assert some.wait(PATIENCE_S)
        yield
    finally:
        done.set()
        speaking.join(PATIENCE_S)
    assert wrong == []


def film(base_url: str, who: Customer, video_id: str) -> bytes:
    """As a customer downloads it."""
    about = httpx.get(f"{base_url}{API}/video/{video_id}", headers=who.headers, timeout=60).json()
    assert about["status"] == "completed", about
    link = urlsplit(about["output_url"])
    answer = httpx.get(
        f"{base_url}{link.path}?{link.query}", follow_redirects=True, timeout=PATIENCE_S
    )
    assert answer.status_code == 200
    return answer.content


def clone(base_url: str, who: Customer) -> str:
    answer = httpx.post(
        f"{base_url}{API}/voice/clone",
        files={"audio": ("speech.wav", recordings.speech())},
        data={"name": "Mine", "language": "en"},
        headers=who.headers,
        timeout=PATIENCE_S,
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["voice_id"])


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_a_house_saved_while_it_works_comes_back_and_answers(
    place: Place,
    first: Settings,
    second: Settings,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    if place == "bucket":
        server = request.getfixturevalue("s3_server")
        first = first.model_copy(update=s3.settings_of(server.new()))
        second = second.model_copy(update=s3.settings_of(server.new()))
    saved = tmp_path / "saved"
    with opened(first) as (house, client), running(first.home, **surroundings(first)) as server:
        who = customer(house, 1_000_000, plan="owner")
        video_id = ordered(client, who)
        Hands(house).make(video_id)
        mine = clone(server.base_url, who)
        shown = film(server.base_url, who, video_id)
        with busy(server.base_url, who, mine):
            charafy(first, "backup", saved)
        last = money(house, who).available

    charafy(second, "restore", saved)

    with running(second.home, **surroundings(second)) as server, opened(second) as (house, _):
        assert server.api_key == ""  # it is the same house: nobody is made its owner anew
        left = money(house, who)  # every balance equals its entries
        assert last <= left.available + left.held
        assert left.held <= 1  # of the sentence that was being said; it runs out by itself
        assert film(server.base_url, who, video_id) == shown
        with busy(server.base_url, who, mine):  # both the key and the clone are good
            pass
        assert money(house, who).available < left.available


def test_films_under_way_are_made_after_a_restore_and_paid_once(
    first: Settings, second: Settings, tmp_path: Path
) -> None:
    saved = tmp_path / "saved"
    with opened(first) as (house, client):
        who = customer(house)
        begun = ordered(client, who, "I was begun.")
        with worker(first, "tests.support.dying_worker", "after-film", begun) as process:
            process.wait(PATIENCE_S)
        queued = ordered(client, who, "I was not.")
        held = money(house, who).held
        assert held > 0
        charafy(first, "backup", saved)

    charafy(second, "restore", saved)

    with opened(second) as (house, client):
        assert money(house, who).held == held
        with worker(second, "charafy", "worker"):
            for video_id in (begun, queued):
                until(
                    lambda one=video_id: look(client, who, one)["status"] != "processing",  # type: ignore[misc]
                    "ended",
                )
        found = [look(client, who, video_id) for video_id in (begun, queued)]
        assert [video["error"] for video in found] == [None, None]
        paid = sum(video["credits_used"] for video in found)
        left = money(house, who)
        assert (left.available, left.held) == (1_000 - paid, 0)
