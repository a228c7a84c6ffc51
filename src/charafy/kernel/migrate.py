"""Bring the database to this version's schema, whichever released version it has."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.engine import Connection

from charafy.kernel.db import Database


class SchemaTooNew(RuntimeError):
    """The database was written by a later version of Charafy."""


def migrate(db: Database) -> None:
    """Run the migrations that are missing; does nothing on a current database.

    Raises `SchemaTooNew` when the database comes from a later version.
    """
    config = _config()
    scripts = ScriptDirectory.from_config(config)
    with db.write() as tx:
        current = MigrationContext.configure(tx).get_current_revision()
        if current == scripts.get_current_head():
            return
        _refuse_unknown(scripts, current)
        config.attributes["connection"] = tx
        command.upgrade(config, "head")


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
