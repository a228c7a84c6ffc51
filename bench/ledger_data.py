"""Databases to measure the ledger on: of both kinds, old rows in it, thrown away afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from charafy.credits.tables import accounts, entries
from charafy.kernel.clock import SystemClock
from charafy.kernel.db import Database
from charafy.kernel.ids import new_id
from tests.support import postgresql

ABSENT: Final = "not measured: PostgreSQL's server programs are not installed"

New = Callable[[Path], str]
"""Makes the URL of an empty database for a server with that data folder."""


@contextmanager
def engines() -> Iterator[Mapping[str, New]]:
    """Both kinds by name; PostgreSQL is left out where it is not installed.

    Each syncs every commit to disk before it says that it is done.
    """
    made: dict[str, New] = {"sqlite": lambda home: f"sqlite:///{home / 'charafy.db'}"}
    programs = postgresql.programs()
    if programs is None:
        yield made
        return
    with postgresql.running(programs, durable=True) as server:
        yield made | {"postgresql": lambda _home: server.new(migrated=False)}


def on_each(measure: Callable[[New], Any]) -> dict[str, Any]:
    """By kind of database: what was measured on it, or why nothing was."""
    with engines() as kinds:
        found = {kind: measure(new) for kind, new in kinds.items()}
    return {"postgresql": ABSENT} | found


def fill(db: Database, ids: list[str], rows: int) -> None:
    """Let these accounts, each with credits for it, have spent `rows` credits one by one."""
    yesterday = SystemClock().now() - timedelta(days=1)
    old = [
        {
            "id": new_id(),
            "account_id": ids[number % len(ids)],
            "amount": -1,
            "kind": "tts",
            "reference": new_id(),
            "description": "Speech",
            "created_at": yesterday,
        }
        for number in range(rows)
    ]
    total = (
        sa.select(sa.func.sum(entries.c.amount))
        .where(entries.c.account_id == accounts.c.account_id)
        .scalar_subquery()
    )
    with db.write() as tx:
        tx.execute(sa.insert(entries), old)
        tx.execute(sa.update(accounts).where(accounts.c.account_id.in_(ids)).values(balance=total))
        if tx.dialect.name == "postgresql":
            tx.exec_driver_sql("ANALYZE")  # as a database that has run for a day has done
