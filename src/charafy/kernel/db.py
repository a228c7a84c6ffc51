"""The database: SQLite on one machine, PostgreSQL on many, through the same synchronous Core.

Rules that the rest of the house relies on:
- `read()` never writes; `write()` is one unit of work that commits at its end or not at all.
- On SQLite a write starts with BEGIN IMMEDIATE: with a deferred BEGIN most racing debits fail with
  "database is locked" when they upgrade. Threads of one process queue on a lock of ours, which is
  fairer and cheaper than SQLite's own polling; other processes wait for `BUSY_TIMEOUT_S`.
- On PostgreSQL work runs at READ COMMITTED and money moves by guarded single statements, whose
  rows they lock; what is counted first and used then takes `one_at_a_time`.
- `synchronous=FULL`: a committed debit survives a power cut.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect, Engine, make_url
from sqlalchemy.pool import QueuePool

from charafy.kernel.db_url import PATIENCE, DatabaseRefused, shown

BUSY_TIMEOUT_S = 15
POOL_SIZE = 48
"""More than the server's worker threads, so that no request waits for a connection."""
SERVER_POOL_SIZE = 16
"""Of one process to PostgreSQL, whose stock limit is 100 for all of them; the rest wait for one."""
LOCK_TIMEOUT_S = 15
IDLE_TIMEOUT_S = 60
"""After which a unit of work in which nothing happens is ended, with all its locks."""

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

_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "authentication failed": "its user or password in CHARAFY_DATABASE_URL is wrong.",
        "no password supplied": "CHARAFY_DATABASE_URL holds no password and it wants one.",
        "does not exist": "it has no database or no user of that name; create them first.",
        "too many": "it has no connection left; raise its max_connections.",
        "no pg_hba.conf entry": "it takes no connections of this user from this machine.",
        "SSL": "they don't agree on encryption; see sslmode in CHARAFY_DATABASE_URL.",
        "starting up": "it is still starting; try again in a moment.",
        "resolve": "no machine has that name.",
    }
)

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

    def __init__(
        self, url: str, *, around_write: Callable[[], AbstractContextManager[object]] = nullcontext
    ) -> None:
        """`around_write` is entered around every unit of work that writes, its wait included."""
        self.url = url
        self._around_write = around_write
        self._sqlite = make_url(url).get_backend_name() == "sqlite"
        self._engine = _sqlite_engine(url) if self._sqlite else _server_engine(url)
        self._writer = threading.Lock()

    @property
    def engine(self) -> Engine:
        return self._engine

    @property
    def connections(self) -> tuple[int, int]:
        """How many connections are at work, and how many there may be."""
        pool = self._engine.pool
        assert isinstance(pool, QueuePool)
        return pool.checkedout(), POOL_SIZE if self._sqlite else SERVER_POOL_SIZE

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A snapshot for reading; whatever it might write is rolled back."""
        with self._engine.connect() as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """One unit of work: commits when the block ends, rolls back when it raises."""
        afterwards: list[Callable[[], object]] = []
        with self._around_write(), self._unit_of_work() as tx:
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

    def answers(self) -> None:
        """Raise `DatabaseRefused`, which says where and why, unless it can be connected to."""
        try:
            with self._engine.connect():
                pass
        except sa.exc.OperationalError as error:
            if self._sqlite:
                raise DatabaseRefused(f"The database can't be opened: {error.orig}.") from error
            raise DatabaseRefused(
                f"The database at {shown(self.url)} can't be reached: {_reason(error)}"
            ) from None

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


@contextmanager
def one_process(db: Database, what: str, patience_s: int = 600) -> Iterator[None]:
    """Keep other processes out of `what` while it is done, in several units of work of its own.

    For the start of many processes at once. Does nothing on SQLite, which one machine has.
    """
    with db.read() as tx:
        if tx.dialect.name == "postgresql":
            tx.exec_driver_sql(f"SET LOCAL lock_timeout = '{patience_s}s'")
            tx.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = '{patience_s}s'")
        one_at_a_time(tx, what)
        yield


def _reason(error: sa.exc.OperationalError) -> str:
    """Why PostgreSQL or the way to it refused, as one sentence; never its own words."""
    words = str(error.orig)
    for sign, reason in _REASONS.items():
        if sign in words:
            return reason
    return "nothing answers there; see CHARAFY_DATABASE_URL."


def _server_engine(url: str) -> Engine:
    seconds = 1000  # of the settings below, which are in milliseconds
    return sa.create_engine(
        url,
        pool_size=SERVER_POOL_SIZE,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT_S,
        pool_pre_ping=True,  # a server that was restarted costs nobody a failed request
        hide_parameters=True,  # errors are logged; what was written is nobody's business
        connect_args={
            **PATIENCE,
            "application_name": "charafy",
            # As on SQLite: nobody waits for a lock for ever, and no dead client holds one.
            "options": f"-c timezone=UTC -c lock_timeout={LOCK_TIMEOUT_S * seconds} "
            f"-c idle_in_transaction_session_timeout={IDLE_TIMEOUT_S * seconds}",
        },
    )


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
