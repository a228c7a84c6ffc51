"""The database: SQLite on one machine, PostgreSQL on many, through the same synchronous Core.

Rules that the rest of the house relies on:
- `read()` never writes; `write()` is one unit of work that commits at its end or not at all.
- On SQLite a write starts with BEGIN IMMEDIATE: with a deferred BEGIN most racing debits fail with
  "database is locked" when they upgrade. Threads of one process queue on a lock of ours, which is
  fairer and cheaper than SQLite's own polling; other processes wait for `BUSY_TIMEOUT_S`.
- `synchronous=FULL`: a committed debit survives a power cut.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect, Engine, make_url
from sqlalchemy.pool import QueuePool

BUSY_TIMEOUT_S = 15
POOL_SIZE = 48
"""More than the server's worker threads, so that no request waits for a connection."""

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

_AFTERWARDS = "charafy_after_commit"

Tx = Connection
"""A unit of work in progress; what takes one never commits it."""


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Aware UTC datetimes in and out, on databases with and without time zones."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(sa.DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """Connections to one database. Owned by the process that made it; `close()` ends it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._sqlite = make_url(url).get_backend_name() == "sqlite"
        self._engine = _sqlite_engine(url) if self._sqlite else _server_engine(url)
        self._writer = threading.Lock()

    @property
    def engine(self) -> Engine:
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A snapshot for reading; whatever it might write is rolled back."""
        with self._engine.connect() as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """One unit of work: commits when the block ends, rolls back when it raises."""
        afterwards: list[Callable[[], object]] = []
        with self._unit_of_work() as tx:
            tx.execution_options(**{_AFTERWARDS: afterwards})
            yield tx
        for then in afterwards:
            then()

    @contextmanager
    def _unit_of_work(self) -> Iterator[Tx]:
        if not self._sqlite:
            with self._engine.begin() as tx:
                yield tx
            return
        with self._writer, self._engine.connect() as connection:
            tx = connection.execution_options(charafy_write=True)
            with tx.begin():
                yield tx

    def close(self) -> None:
        self._engine.dispose()


def after_commit(tx: Tx, then: Callable[[], object]) -> None:
    """Call `then` once this `Database.write` is committed and its lock is free; never if it fails.

    `then` must be quick and must not raise: the unit of work is done, whatever happens to it.
    """
    afterwards = tx.get_execution_options().get(_AFTERWARDS)
    if afterwards is not None:  # None: nobody is going to commit this
        afterwards.append(then)


def one_at_a_time(tx: Tx, what: str) -> None:
    """Wait until no other unit of work holds `what`, and hold it until this one ends.

    For limits that are counted and then used up. SQLite has one writer anyway.
    """
    if tx.dialect.name == "postgresql":
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(what))))


def _server_engine(url: str) -> Engine:
    return sa.create_engine(url, pool_size=POOL_SIZE, max_overflow=0, pool_pre_ping=True)


def _sqlite_engine(url: str) -> Engine:
    engine = sa.create_engine(
        url,
        poolclass=QueuePool,
        pool_size=POOL_SIZE,
        max_overflow=0,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
    )

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # The driver must not open transactions by itself: `_begin` decides which kind.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-16000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("charafy_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
