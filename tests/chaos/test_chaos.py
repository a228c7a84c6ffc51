"""Some time of chaos: whatever breaks, the books are right. `make chaos` goes on for longer."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.chaos.__main__ import report
from tests.chaos.ground import ServerKind
from tests.chaos.run import Plan, run
from tests.support import postgresql, s3

SECONDS = float(os.environ.get("CHARAFY_TEST_CHAOS_S", "20"))


def needed(there: object, what: str) -> None:
    if not there:
        if os.environ.get("CI"):
            pytest.fail(what)
        pytest.skip(what)


@pytest.mark.slow
def test_after_kills_and_full_disks_everything_of_one_machine_is_in_its_place() -> None:
    outcome = run(Plan(SECONDS, seed=11, clients=3))
    assert outcome.wrong == [], report(outcome)
    assert outcome.notes.answers.total() > 0  # a busy machine asks seldom
    assert outcome.faults.total() > 0


@pytest.mark.slow
def test_after_faults_of_all_kinds_everything_of_two_of_each_is_in_its_place() -> None:
    needed(postgresql.programs(), "PostgreSQL's server programs are not installed")
    needed(shutil.which("redis-server") or shutil.which("valkey-server"), "no Redis is installed")
    needed(s3.program(), "no S3 server is there (scripts/s3 builds one where Go is)")
    servers: tuple[ServerKind, ...] = ("postgresql", "redis", "s3")
    outcome = run(Plan(SECONDS, seed=12, clients=3, each=2, servers=servers))
    assert outcome.wrong == [], report(outcome)
    assert outcome.notes.answers.total() > 0
    assert outcome.faults.total() > 0
