"""Migrations lead every database to this version's schema."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from charafy.kernel.db import Database
from charafy.kernel.migrate import SchemaTooNew, current_revision, migrate
from charafy.tables import metadata


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    database = Database(empty_url)
    yield database
    database.close()


def triggers(database: Database) -> set[str]:
    with database.read() as tx:
        if tx.dialect.name == "sqlite":
            names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        else:
            names = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        return set(tx.exec_driver_sql(names).scalars())


def shape(database: Database) -> list[object]:
    """What changes whenever the schema does."""
    with database.read() as tx:
        if tx.dialect.name == "sqlite":
            return [tx.exec_driver_sql("PRAGMA schema_version").scalar_one()]
        # A row of the catalogue that is written anew has another transaction's number.
        return list(tx.exec_driver_sql("SELECT oid, xmin FROM pg_class ORDER BY oid").all())


def test_migrations_make_exactly_the_schema_that_the_code_expects(
    empty: Database, other_url: str
) -> None:
    migrate(empty)
    with empty.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), metadata) == []
    created = Database(other_url)
    with created.write() as tx:
        metadata.create_all(tx)
    assert triggers(empty) == triggers(created) != set()
    created.close()


def test_a_current_database_is_left_alone(empty: Database) -> None:
    migrate(empty)
    before = shape(empty)
    migrate(empty)
    assert shape(empty) == before
    with empty.read() as tx:
        assert current_revision(tx) is not None


def test_processes_that_start_at_once_migrate_once(empty: Database) -> None:
    code = (
        "import sys; from charafy.kernel.db import Database;"
        "from charafy.kernel.migrate import migrate;"
        "migrate(Database(sys.argv[1]))"
    )
    starting = [subprocess.Popen([sys.executable, "-c", code, empty.url]) for _ in range(3)]
    assert [one.wait(timeout=60) for one in starting] == [0] * 3
    with empty.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), metadata) == []


def test_a_database_of_a_later_version_is_refused_with_one_sentence(empty: Database) -> None:
    migrate(empty)
    with empty.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew, match="later version"):
        migrate(empty)


def test_the_ledgers_history_cannot_be_rewritten(empty: Database) -> None:
    migrate(empty)
    with empty.write() as tx:
        tx.exec_driver_sql(
            "INSERT INTO credit_entries (id, account_id, amount, kind, reference, description,"
            " created_at) VALUES ('e', 'a', 1, 'grant', 'r', 'd', '2026-01-01 00:00:00')"
        )
    for statement in ("UPDATE credit_entries SET amount = 2", "DELETE FROM credit_entries"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), empty.write() as tx:
            tx.exec_driver_sql(statement)


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("alembic.op.create_index", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        migrate(empty)
    with empty.read() as tx:
        assert sa.inspect(tx).get_table_names() == []
