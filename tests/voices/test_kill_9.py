"""Real processes are killed over a clone and over a refinement: paid once or not, nothing left."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.engines.voice.cloning.scripted import ScriptedCloner
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from charafy.voices.chores import ORPHAN_AGE
from charafy.voices.till import LEASE_S
from tests.support import recordings
from tests.support.clock import ManualClock
from tests.support.dying_cloner import IDEMPOTENCY_KEY, POINTS
from tests.support.neighbours import Customer
from tests.support.surroundings import surroundings
from tests.voices.conftest import PRICE, START

pytestmark = pytest.mark.slow

PATIENCE_S = 120.0


@pytest.fixture
def later() -> ManualClock:
    """The time of this process, which it may move; other processes keep to the real one."""
    return ManualClock(datetime.now(UTC))


@pytest.fixture
def house(settings: Settings, later: ManualClock, db: Database) -> Iterator[House]:
    del db
    made = build_house(settings, clock=later, cloner=ScriptedCloner(refines=True))
    yield made
    made.close()


@pytest.fixture
def who(house: House) -> Customer:
    account = house.accounts.create("alice@example.com", plan="standard")
    client = TestClient(build_app(house), base_url=house.settings.base_url)
    return Customer(account.account_id, client, house.keys.create(account.account_id, "k").key)


def dying(settings: Settings, *arguments: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, **surroundings(settings), "CHARAFY_LOG_LEVEL": "error"}
    module = [sys.executable, "-m", "tests.support.dying_cloner", *arguments]
    return subprocess.Popen(module, env=env, stdout=subprocess.DEVNULL)


def killed(settings: Settings, *arguments: str) -> None:
    """Run it until it has killed itself."""
    process = dying(settings, *arguments)
    try:
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait(10)


@contextlib.contextmanager
def living(settings: Settings) -> Iterator[None]:
    process = dying(settings, "refine", "living")
    try:
        yield
    finally:
        process.kill()
        process.wait(10)


def money(house: House, who: Customer) -> tuple[int, int]:
    with house.db.read() as tx:
        assert house.credits.audit(tx) == []
        balance = house.credits.balance(tx, who.account_id)
    return balance.total, balance.held


def clone(who: Customer, **headers: str) -> int:
    answer = who.send(
        "/voice/clone",
        recordings.speech(),
        name="My Voice",
        language="en",
        consent="Yes.",
        headers=headers,
    )
    return int(answer.status_code)


def files(house: House) -> list[str]:
    return house.storage.keys("voices/")


def own(who: Customer) -> list[dict[str, object]]:
    voices = who.get("/voices").json()["voices"]
    return [voice for voice in voices if not voice["is_preset"]]


@pytest.mark.parametrize("point", POINTS)
def test_a_clone_whose_process_is_killed_is_paid_and_there_or_neither(
    house: House, who: Customer, later: ManualClock, point: str
) -> None:
    killed(house.settings, "clone", point, who.key)
    same = {"Idempotency-Key": IDEMPOTENCY_KEY}
    if point == "after-commit":
        assert money(house, who) == (START - PRICE, 0)
        assert clone(who, **same) == 200  # the answer that was lost
        assert money(house, who) == (START - PRICE, 0)
        assert len(own(who)) == 1
        return

    assert money(house, who) == (START, PRICE)
    assert own(who) == []
    assert clone(who, **same) == 409
    later.advance(LEASE_S + PATIENCE_S)
    house.sweeper.sweep()
    assert money(house, who) == (START, 0)
    assert clone(who, **same) == 200
    assert money(house, who) == (START - PRICE, 0)

    later.advance(ORPHAN_AGE.total_seconds() + PATIENCE_S)
    left = 2 if point in ("after-files", "before-commit") else 0
    # The new voice's files are as old by this clock: they have a row.
    assert house.voice_room.chores.remove_orphans() == left
    [voice] = own(who)
    assert len(files(house)) == 2
    assert all(str(voice["voice_id"]) in key for key in files(house))


def test_a_refinement_whose_worker_is_killed_is_done_by_the_next_one(
    house: House, who: Customer
) -> None:
    assert clone(who) == 200
    killed(house.settings, "refine", "dying")
    assert own(who)[0]["refinement"] == "running"
    with living(house.settings):
        _until_ended(who)
    assert own(who)[0]["refinement"] == "kept"
    assert [key for key in files(house) if "/reference-" in key] == []
    assert money(house, who) == (START - PRICE, 0)


def test_a_refinement_that_kills_every_worker_is_given_up(house: House, who: Customer) -> None:
    assert clone(who) == 200
    for _ in range(2):
        killed(house.settings, "refine", "dying")
    with living(house.settings):
        _until_ended(who)
    assert own(who)[0]["refinement"] == "failed"
    assert len(files(house)) == 1


def _until_ended(who: Customer) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while own(who)[0]["refinement"] in ("waiting", "running"):
        assert time.monotonic() < give_up
        time.sleep(0.05)
