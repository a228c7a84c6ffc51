"""From the schema of every version there was, with rows in it, to this one: nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from charafy.kernel.db import Database, Tx
from charafy.kernel.migrate import migrate
from charafy.tables import metadata
from tests.support.earlier import described, insert, revisions, upgrade

ALLOWED: Final[dict[str, dict[str, object]]] = {
    "credit_entries": {"amount": 1},
    "credit_holds": {"amount": 1, "state": "held"},
    "credit_purchases": {"state": "open"},
    "videos": {"status": "completed"},
    "webhook_deliveries": {"status": "pending"},
    "voices": {"refinement": "none"},
    "voice_consents": {"given_by": "key"},
    "conversations": {"state": "ended"},
    "secret_fingerprint": {"one": 1},
    "conversation_turns": {"role": "user"},
}
"""By table: what its checks let stand where nothing at all would not do."""


def fill(tx: Tx) -> None:
    """A row in every table, each of those that it belongs to; all ids are "x"."""
    there = sa.MetaData()
    there.reflect(tx)
    for table in there.sorted_tables:
        if table.name == "alembic_version":
            continue
        keys = [*table.primary_key.columns, *(key.parent for key in table.foreign_keys)]
        ids: dict[str, object] = {one.name: "x" for one in keys if isinstance(one.type, sa.String)}
        insert(tx, table.name, **ids | ALLOWED.get(table.name, {}))


def rows(tx: Tx) -> dict[str, list[dict[str, object]]]:
    names = set(sa.inspect(tx).get_table_names()) - {"alembic_version"}
    return {
        name: [dict(row) for row in tx.execute(sa.select(described(tx, name))).mappings()]
        for name in names
    }


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    opened = Database(empty_url)
    yield opened
    opened.close()


@pytest.mark.parametrize("revision", revisions())
def test_every_earlier_schema_comes_forward_with_all_its_rows(
    database: Database, revision: str
) -> None:
    upgrade(database, revision)
    with database.write() as tx:
        fill(tx)
        before = rows(tx)
    assert all(before.values())
    migrate(database)
    with database.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), metadata) == []
        after = rows(tx)
    for table, [was] in before.items():
        [now] = after[table]
        assert now | was == now, table
