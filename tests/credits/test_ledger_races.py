"""The ledger stays exact when threads and processes race for it, and when one is killed."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from charafy.credits.service import Balance, Credits, HoldEnded
from charafy.kernel.clock import SystemClock
from charafy.kernel.db import Database
from charafy.kernel.errors import InsufficientCredits
from charafy.kernel.observe import Metrics
from tests.support.clock import ManualClock

THREADS = 50
PROCESSES = 4


def balance(db: Database, credits: Credits, owner: str) -> Balance:
    with db.read() as tx:
        assert credits.audit(tx) == []
        return credits.balance(tx, owner)


def at_once(work: Callable[[int], str]) -> Counter[str]:
    """Run `work` in many threads that start together; what they answered, counted."""
    together = threading.Barrier(THREADS)

    def one(number: int) -> str:
        together.wait(20)
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(pool.map(one, range(THREADS)))


def spend(db: Database, credits: Credits, owner: str, reference: str, amount: int = 1) -> str:
    try:
        with db.write() as tx:
            credits.charge(tx, owner, amount, kind="tts", reference=reference, description="Speech")
    except InsufficientCredits:
        return "refused"
    return "charged"


def test_fifty_threads_race_for_the_last_credits(
    db: Database, credits: Credits, owner: str
) -> None:
    outcome = at_once(lambda n: spend(db, credits, owner, f"r{n}", 9))

    assert outcome == {"charged": 11, "refused": 39}
    assert balance(db, credits, owner) == Balance(1, 0)


def test_fifty_threads_race_with_holds_for_the_last_credits(
    db: Database, credits: Credits, owner: str
) -> None:
    def hold_and_capture(number: int) -> str:
        try:
            with db.write() as tx:
                hold = credits.hold(
                    tx, owner, 9, kind="x", reference=f"r{number}", description="x", lease_s=60
                )
        except InsufficientCredits:
            return "refused"
        with db.write() as tx:
            return f"took {credits.capture(tx, hold.id, 9)}"

    outcome = at_once(hold_and_capture)

    # A hold counts in full until it ends, so no more than 11 ever fit; all of those are taken.
    assert outcome == {"took 9": 11, "refused": 39}
    assert balance(db, credits, owner) == Balance(1, 0)


def test_one_reference_from_fifty_threads_is_one_charge(
    db: Database, credits: Credits, owner: str
) -> None:
    outcome = at_once(lambda n: spend(db, credits, owner, "the same", 9))

    assert outcome == {"charged": THREADS}
    assert balance(db, credits, owner) == Balance(91, 0)


def test_a_hold_that_is_captured_and_released_at_once_ends_one_way(
    db: Database, credits: Credits, owner: str, clock: ManualClock
) -> None:
    with db.write() as tx:
        hold = credits.hold(tx, owner, 50, kind="x", reference="h", description="x", lease_s=1)
    clock.advance(2)

    def end(number: int) -> str:
        if number % 3 == 0:
            return "released" if credits.release_expired() else "late"
        with db.write() as tx:
            if number % 3 == 1:
                return "released" if credits.release(tx, hold.id) else "late"
            try:
                credits.capture(tx, hold.id)
            except HoldEnded:
                return "late"
            return "captured"

    outcome = at_once(end)

    left = balance(db, credits, owner)
    if outcome["captured"]:
        assert (outcome["released"], left) == (0, Balance(50, 0))
    else:
        assert (outcome["released"], left) == (1, Balance(100, 0))


def test_four_processes_race_for_the_last_credits(
    db: Database, credits: Credits, owner: str
) -> None:
    """Each reference is tried by two processes: one charge each, until nothing is left."""
    jobs = [(db.url, owner, first) for first in (0, 0, 60, 60)]
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        outcomes = [Counter(result) for result in pool.starmap(_spend_sixty, jobs, chunksize=1)]

    assert all(outcome.keys() <= {"charged", "refused"} for outcome in outcomes), outcomes
    assert balance(db, credits, owner) == Balance(0, 0)
    with db.read() as tx:
        taken = [entry for entry in credits.recent(tx, owner, 1_000) if entry.amount < 0]
    assert len(taken) == len({entry.reference for entry in taken}) == 100


def _spend_sixty(url: str, owner: str, first: int) -> list[str]:
    database = Database(url)
    ledger = Credits(database, SystemClock(), Metrics())
    try:
        return [spend(database, ledger, owner, f"r{first + n}") for n in range(60)]
    finally:
        database.close()


WORKER = """
import sys, time
from charafy.credits.service import Credits
from charafy.kernel.clock import SystemClock
from charafy.kernel.db import Database
from charafy.kernel.observe import Metrics

url, owner, where = sys.argv[1:]
db = Database(url)
credits = Credits(db, SystemClock(), Metrics())
about = {"kind": "tts", "reference": "job", "description": "Speech", "lease_s": 30}
with db.write() as tx:
    hold = credits.hold(tx, owner, 60, **about)
    if where == "inside the hold":
        print("ready", flush=True)
        time.sleep(60)
if where == "before the capture":
    print("ready", flush=True)
    time.sleep(60)
with db.write() as tx:
    credits.capture(tx, hold.id, 45)
    if where == "inside the capture":
        print("ready", flush=True)
        time.sleep(60)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("where", "found", "swept"),
    [
        ("inside the hold", Balance(100, 0), Balance(100, 0)),
        ("before the capture", Balance(100, 60), Balance(100, 0)),
        ("inside the capture", Balance(100, 60), Balance(100, 0)),
        ("after the capture", Balance(55, 0), Balance(55, 0)),
    ],
)
def test_a_worker_killed_anywhere_is_charged_only_for_what_it_captured(
    db: Database,
    credits: Credits,
    owner: str,
    clock: ManualClock,
    where: str,
    found: Balance,
    swept: Balance,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, db.url, owner, where],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as worker:
        try:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        finally:
            worker.send_signal(signal.SIGKILL)

    assert balance(db, credits, owner) == found
    # The worker's lease was real time; what it left is due once that has passed.
    clock.advance((SystemClock().now() - clock.now() + timedelta(seconds=31)).total_seconds())
    assert credits.release_expired() == int(found.held > 0)
    assert balance(db, credits, owner) == swept
