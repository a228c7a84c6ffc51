"""A database that can't be asked is told from a question that is wrong."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from charafy.kernel.db import Database
from charafy.kernel.outages import database_away
from tests.support.postgresql import Server


def caught(work: Callable[[], object]) -> Exception:
    with pytest.raises(sa.exc.SQLAlchemyError) as error:
        work()
    return error.value


def ask(url: str, statement: str = "SELECT 1") -> Exception:
    database = Database(url)
    try:
        return caught(lambda: _run(database, statement))
    finally:
        database.close()


def _run(database: Database, statement: str) -> None:
    with database.read() as tx:
        tx.exec_driver_sql(statement)


def test_a_server_that_is_not_there_is_away() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert database_away(ask(f"postgresql+psycopg://me:pw@127.0.0.1:{port}/none"))


def test_a_server_that_ends_a_session_is_away(postgres: Server) -> None:
    database = Database(postgres.new())
    with database.read() as tx:
        number = tx.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with database.write() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({number})")
        assert database_away(caught(lambda: tx.exec_driver_sql("SELECT 1")))
    database.close()


def test_who_waited_for_a_lock_in_vain_may_try_again(postgres: Server) -> None:
    database = Database(postgres.new())
    with database.write() as one, database.write() as other:
        one.exec_driver_sql("SELECT pg_advisory_xact_lock(7)")
        other.exec_driver_sql("SET LOCAL lock_timeout = '10ms'")
        error = caught(lambda: other.exec_driver_sql("SELECT pg_advisory_xact_lock(7)"))
        assert database_away(error)
        other.rollback()
    database.close()


def test_a_file_that_can_not_be_opened_or_is_held_by_somebody_is_away(tmp_path: Path) -> None:
    assert database_away(ask(f"sqlite:///{tmp_path}"))
    url = f"sqlite:///{tmp_path / 'held.db'}"
    holder, other = Database(url), sa.create_engine(url, connect_args={"timeout": 0})
    with holder.write() as tx:
        tx.exec_driver_sql("CREATE TABLE held (n INTEGER)")
        with other.connect() as asks:
            error = caught(lambda: asks.exec_driver_sql("CREATE TABLE mine (n INTEGER)"))
    assert database_away(error)
    other.dispose()
    holder.close()


def test_a_wrong_question_is_our_fault(tmp_path: Path, postgres: Server) -> None:
    for url in (f"sqlite:///{tmp_path / 'one.db'}", postgres.new()):
        assert not database_away(ask(url, "SELECT n FROM nowhere"))
        assert not database_away(ask(url, "SELEKT 1"))
    assert not database_away(RuntimeError("no"))
