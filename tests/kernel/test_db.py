"""Units of work commit whole or not at all, and writers queue instead of failing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from charafy.kernel.db import Database, UtcDateTime, after_commit, one_at_a_time


@pytest.fixture
def counter(empty_url: str) -> Iterator[Database]:
    """A database with one counter that stands at 0."""
    database = Database(empty_url)
    with database.write() as tx:
        tx.exec_driver_sql("CREATE TABLE counter (n INTEGER)")
        tx.exec_driver_sql("INSERT INTO counter VALUES (0)")
    yield database
    database.close()


def count(database: Database) -> int:
    with database.read() as tx:
        return int(tx.exec_driver_sql("SELECT n FROM counter").scalar_one())


def add_one(database: Database) -> None:
    """Read first, then write: the order that deadlocks under a deferred BEGIN."""
    with database.write() as tx:
        one_at_a_time(tx, "counter")
        n = tx.exec_driver_sql("SELECT n FROM counter").scalar_one()
        tx.execute(sa.text("UPDATE counter SET n = :n"), {"n": n + 1})


def test_a_unit_of_work_that_raises_leaves_nothing(counter: Database) -> None:
    with pytest.raises(ZeroDivisionError), counter.write() as tx:
        tx.exec_driver_sql("UPDATE counter SET n = 7")
        raise ZeroDivisionError
    assert count(counter) == 0


def test_what_is_to_follow_a_commit_sees_what_was_committed(counter: Database) -> None:
    seen: list[int] = []
    with counter.write() as tx:
        after_commit(tx, lambda: seen.append(count(counter)))
        tx.exec_driver_sql("UPDATE counter SET n = 7")
        assert seen == []
    assert seen == [7]


def test_what_is_to_follow_a_commit_may_write_itself(counter: Database) -> None:
    with counter.write() as tx:
        after_commit(tx, lambda: add_one(counter))
        tx.exec_driver_sql("UPDATE counter SET n = 7")
    assert count(counter) == 8


def test_nothing_follows_a_unit_of_work_that_failed_or_only_read(counter: Database) -> None:
    called: list[str] = []
    with pytest.raises(ZeroDivisionError), counter.write() as tx:
        after_commit(tx, lambda: called.append("failed"))
        raise ZeroDivisionError
    with counter.read() as tx:
        after_commit(tx, lambda: called.append("read"))
    with counter.write():
        pass
    assert called == []


def test_what_a_reader_writes_is_rolled_back(counter: Database) -> None:
    with counter.read() as tx:
        tx.exec_driver_sql("UPDATE counter SET n = 7")
    assert count(counter) == 0


def test_racing_threads_lose_no_update(counter: Database) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: add_one(counter), range(200)))
    assert count(counter) == 200


def test_racing_processes_lose_no_update(counter: Database) -> None:
    code = (
        "import sys; from charafy.kernel.db import Database;"
        "from tests.kernel.test_db import add_one;"
        "db = Database(sys.argv[1]); [add_one(db) for _ in range(50)]"
    )
    root = Path(__file__).parents[2]
    workers = [
        subprocess.Popen([sys.executable, "-c", code, counter.url], cwd=root) for _ in range(4)
    ]
    assert [worker.wait(timeout=60) for worker in workers] == [0] * 4
    assert count(counter) == 200


def test_a_committed_write_is_on_the_disk(counter: Database) -> None:
    with counter.read() as tx:
        if tx.dialect.name == "postgresql":
            assert tx.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
            return
        assert tx.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert tx.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"


def test_times_come_back_aware_and_in_utc(counter: Database) -> None:
    table = sa.Table("moments", sa.MetaData(), sa.Column("at", UtcDateTime()))
    tokyo = datetime(2026, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=9)))
    with counter.write() as tx:
        table.create(tx)
        tx.execute(table.insert().values(at=tokyo))
        read = tx.execute(sa.select(table.c.at)).scalar_one()
    assert read == tokyo
    assert read.tzinfo is UTC
