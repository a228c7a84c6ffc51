"""A database as an earlier version left it: its schema, and rows in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from charafy.kernel.db import Database, Tx
from charafy.kernel.migrate import migrate

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


def revisions() -> list[str]:
    """All that ever were, the oldest first."""
    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    return [script.revision for script in scripts][::-1]


def upgrade(database: Database, revision: str) -> None:
    """Bring it as far as a version whose newest schema was `revision`."""
    config = _config()
    with database.write() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, revision)


def described(tx: Tx, table: str) -> sa.Table:
    """A table as the database has it, whatever this version's code says of it."""
    return sa.Table(table, sa.MetaData(), autoload_with=tx, resolve_fks=False)


def insert(tx: Tx, table: str, **values: object) -> None:
    """A row of a table as it is now: what must be there and isn't said is nothing."""
    there = described(tx, table)
    nothing: dict[str, object] = {
        column.name: _nothing(column)
        for column in there.columns
        if not column.nullable and column.name not in values and column.name != "seq"
    }
    tx.execute(sa.insert(there).values(nothing | values))


def upgraded_keys(url: str, revision: str, scopes: Sequence[str]) -> dict[str, list[str]]:
    """What the keys "all" (`scopes`), "some" (three of them) and "none" may do now.

    The empty database at `url` was made at `revision`, when `scopes` were all that there were.
    """
    earlier = Database(url)
    upgrade(earlier, revision)
    with earlier.write() as tx:
        insert(tx, "accounts", id="a", email="a@example.com")
        for name, kept in (("all", scopes), ("some", scopes[:3]), ("none", [])):
            insert(tx, "api_keys", id=name, account_id="a", hash=name, scopes=list(kept))
    migrate(earlier)
    with earlier.read() as tx:
        keys = described(tx, "api_keys")
        rows = tx.execute(sa.select(keys.c.id, keys.c.scopes)).all()
    earlier.close()
    return {name: list(kept) for name, kept in rows}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "charafy:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _nothing(column: sa.Column[object]) -> object:
    if isinstance(column.type, sa.JSON):
        return {}
    if isinstance(column.type, sa.DateTime):
        return SINCE
    if isinstance(column.type, sa.Date):
        return SINCE.date()
    if isinstance(column.type, sa.Boolean):
        return False
    if isinstance(column.type, sa.LargeBinary):
        return b""
    return "" if isinstance(column.type, sa.String) else 0
