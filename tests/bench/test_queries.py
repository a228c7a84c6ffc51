"""Statements are counted as they are sent, and only while somebody counts."""

from __future__ import annotations

import sqlalchemy as sa

from bench.queries import counting
from charafy.kernel.db import Database


def test_what_is_read_is_a_unit_of_work_without_a_commit(db: Database) -> None:
    with counting(db.engine) as counted, db.read() as tx:
        tx.execute(sa.select(sa.literal(1)))
        tx.execute(sa.select(sa.literal(2)))
    assert (len(counted.statements), counted.begun, counted.committed) == (2, 1, 0)


def test_what_is_written_is_committed_once(db: Database) -> None:
    with counting(db.engine) as counted, db.write() as tx:
        tx.execute(sa.select(sa.literal(1)))
    assert (len(counted.statements), counted.begun, counted.committed) == (1, 1, 1)


def test_who_stopped_counting_counts_nothing(db: Database) -> None:
    with counting(db.engine) as counted:
        pass
    with db.read() as tx:
        tx.execute(sa.select(sa.literal(1)))
    assert (counted.statements, counted.begun) == ([], 0)
