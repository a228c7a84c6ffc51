"""A copy of a SQLite database while others write to it, and a database of a copy."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Final

from charafy.kernel.backups.manifest import BackupRefused

_PATIENCE_S: Final = 30.0
_BESIDE: Final = ("-wal", "-shm", "-journal")


def copy(database: Path, target: Path) -> None:
    """By SQLite's own backup: as of one moment, whatever is written meanwhile; whole and synced.

    Raises `OSError` for a full disk, `BackupRefused` for a database that is damaged.
    """
    if not database.is_file():
        raise BackupRefused(f"There is nothing to save: {database} does not exist.")
    target.touch(mode=0o600, exist_ok=False)
    try:
        with _opened(database, "rw") as old, _opened(target, "rw") as new:
            old.backup(new)
            # One file: what the log of the other says is in the copy already.
            new.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_FULL", "SQLITE_IOERR")):
            raise OSError(str(error)) from None
        raise BackupRefused(f"{database} can't be copied: {error}.") from None
    check(target)


def check(database: Path) -> None:
    """Raise `BackupRefused` unless every page of it is sound."""
    try:
        with _opened(database, "ro&immutable=1") as db:
            found = str(db.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise BackupRefused(f"{database} is damaged: {found}")


def revision(database: Path) -> str | None:
    """The revision of its schema; None for a database that isn't Charafy's."""
    with _opened(database, "ro&immutable=1") as db:
        try:
            row = db.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:
            return None
    return str(row[0]) if row else None


def put_to_rest(database: Path) -> None:
    """Fold its log into the one file. Raises `BackupRefused` while any process has it open."""
    try:
        with _opened(database, "rw", patience_s=0.5) as db:
            db.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError:
        raise BackupRefused(
            f"{database} is in use: stop every process of Charafy on this data folder first."
        ) from None
    except sqlite3.DatabaseError:  # damaged: why it is replaced, perhaps
        return


def files_of(database: Path) -> list[Path]:
    """The database and what lies beside it, as far as it is there."""
    names = [database, *(database.with_name(database.name + end) for end in _BESIDE)]
    return [path for path in names if path.exists()]


def _opened(
    database: Path, mode: str, patience_s: float = _PATIENCE_S
) -> contextlib.closing[sqlite3.Connection]:
    address = f"{database.absolute().as_uri()}?mode={mode}"
    return contextlib.closing(sqlite3.connect(address, uri=True, timeout=patience_s))
