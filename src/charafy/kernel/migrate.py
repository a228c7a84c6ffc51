"""Bring the database to this version's schema, whichever released version it has."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.engine import Connection

from charafy.kernel.db import Database, one_at_a_time
from charafy.kernel.db_url import DatabaseRefused

PATIENCE_S = 600
"""How long one waits for another process that migrates."""


class SchemaTooNew(DatabaseRefused):
    """The database was written by a later version of Charafy."""


def migrate(db: Database) -> None:
    """Run the migrations that are missing; does nothing on a current database.

    Processes that start at once do it once: the others wait. Raises `DatabaseRefused` when there
    is no way to the database, `SchemaTooNew` when it comes from a later version.
    """
    db.answers()
    config = _config()
    scripts = ScriptDirectory.from_config(config)
    with db.write() as tx:
        if tx.dialect.name == "postgresql":
            # The other's migration may take a while; waiting for it is not a fault.
            tx.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE_S}s'")
        one_at_a_time(tx, "migrate")
        current = MigrationContext.configure(tx).get_current_revision()
        if current == scripts.get_current_head():
            return
        _refuse_unknown(scripts, current)
        config.attributes["connection"] = tx
        command.upgrade(config, "head")


def require_known(revision: str) -> None:
    """Raise `SchemaTooNew` unless this version can bring such a schema forward."""
    _refuse_unknown(ScriptDirectory.from_config(_config()), revision)


def current_revision(tx: Connection) -> str | None:
    """The schema's revision as the database records it."""
    return MigrationContext.configure(tx).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "charafy:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _refuse_unknown(scripts: ScriptDirectory, current: str | None) -> None:
    if current is None:
        return
    try:
        scripts.get_revision(current)
    except CommandError as error:
        raise SchemaTooNew(
            "This database was written by a later version of Charafy: "
            "start that version, or restore a backup made by this one."
        ) from error
