"""A copy of a PostgreSQL database by its own tools, `pg_dump` and `pg_restore`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from charafy.kernel.backups.manifest import BackupRefused
from charafy.kernel.db import Database, Tx, metadata
from charafy.kernel.db_url import shown
from charafy.kernel.migrate import current_revision

_PATIENCE_S: Final = 24 * 3_600
"""For a database of any size; a server that is gone is noticed by the tools."""
_JOBS: Final = "dbos"
"""The schema in which the jobs' library keeps its records, which are no part of a backup."""


def dump(url: str, target: Path) -> None:
    """Everything but the jobs' records, as of one moment, in the custom format; synced.

    Raises `OSError` for a full disk.
    """
    target.touch(mode=0o600, exist_ok=False)
    words = ["--format=custom", "--no-owner", "--no-privileges", f"--exclude-schema={_JOBS}"]
    _run("pg_dump", [*words, "--file", str(target)], url)


def load(url: str, source: Path, *, replace: bool) -> None:
    """All of a dump or nothing; `replace`: what is in the database already goes, in the same step.

    Whoever made the dump decides what is run: it is a program to PostgreSQL.
    """
    words = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]
    words += ["--clean", "--if-exists"] if replace else []
    _run("pg_restore", [*words, str(source)], url)


def require_tools() -> None:
    """Raise `BackupRefused` where they are not installed."""
    for tool in ("pg_dump", "pg_restore"):
        _found(tool)


def revision(url: str) -> str | None:
    """The revision of its schema; None for a database that isn't Charafy's."""
    database = Database(url)
    try:
        database.answers()
        with database.read() as tx:
            return current_revision(tx)
    finally:
        database.close()


def others(tx: Tx) -> int:
    """How many other connections there are to this database."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    return int(tx.exec_driver_sql(f"{asked} AND pid <> pg_backend_pid()").scalar_one())


def is_empty(tx: Tx) -> bool:
    """Whether the database has no tables."""
    return not sa.inspect(tx).get_table_names()


def tables(url: str) -> dict[str, int]:
    """What each table is to PostgreSQL, by its name: another number once it was made anew."""
    database = Database(url)
    try:
        with database.read() as tx:
            return _tables(tx)
    finally:
        database.close()


def drop_left(url: str, before: dict[str, int]) -> None:
    """Drop those tables of ours that a dump left as they were, as it knows none of that name.

    They came with a later schema than the dump's, and come anew when that moves forward. A
    stranger's table stays.
    """
    database = Database(url)
    try:
        with database.write() as tx:
            left = {name for name, _number in before.items() & _tables(tx).items()}
            if ours := sorted(left & metadata.tables.keys()):
                names = map(tx.dialect.identifier_preparer.quote, ours)
                tx.exec_driver_sql(f"DROP TABLE {', '.join(names)}")
    finally:
        database.close()


def _tables(tx: Tx) -> dict[str, int]:
    asked = (
        "SELECT relname, oid FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
    )
    return {str(name): int(oid) for name, oid in tx.exec_driver_sql(asked)}


def forget_jobs(tx: Tx) -> None:
    """Drop the jobs' records; a worker makes them anew."""
    tx.exec_driver_sql(f"DROP SCHEMA IF EXISTS {_JOBS} CASCADE")


def _run(tool: str, words: list[str], url: str) -> None:
    address, password = _without_password(url)
    env = {**os.environ, "PGCONNECT_TIMEOUT": "10", "LC_MESSAGES": "C"}
    if password is not None:
        env["PGPASSWORD"] = password  # not as an argument: every user sees those
    command = [_found(tool), "--no-password", *words, "--dbname", address]
    try:
        done = subprocess.run(  # noqa: S603 - a program of this machine, no shell
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BackupRefused(f"{tool} took longer than {_PATIENCE_S // 3_600} hours.") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace")
        if "No space left" in said or "File too large" in said:
            raise OSError("No space left on device")
        raise BackupRefused(f"{tool} of the database at {shown(url)} failed: {_why(said)}.")


def _why(said: str) -> str:
    """In one sentence; the tools' own words may quote what is in the database."""
    for sign, why in (
        ("server version mismatch", "it is older than the server; install the server's version"),
        ("unsupported version", "it is older than the pg_dump that made the backup"),
        ("already exists", "the database is not empty"),
        ("because other objects depend on it", "more is in the database; name a new one"),
        ("permission denied", "the user lacks the right to read or create tables"),
        ("could not connect", "nothing answers there; see CHARAFY_DATABASE_URL"),
        ("connection to server", "nothing answers there; see CHARAFY_DATABASE_URL"),
    ):
        if sign in said:
            return why
    return "run it by hand to see why"


def _found(tool: str) -> str:
    found = shutil.which(tool)
    if found is None:
        raise BackupRefused(
            f"{tool} is not installed, which PostgreSQL databases are saved and restored with: "
            "install PostgreSQL's client programs, of the server's version or a later one."
        )
    return found


def _without_password(url: str) -> tuple[str, str | None]:
    """The address as the tools take it, and the password that stood in it."""
    parts: URL = make_url(url)
    password = parts.password
    if (other := parts.query.get("password")) is not None:
        password = other if isinstance(other, str) else other[0]
    parts = URL.create(
        "postgresql", parts.username, None, parts.host, parts.port, parts.database, parts.query
    ).difference_update_query(["password"])
    return parts.render_as_string(hide_password=False), password
