"""A database as an earlier version left it, with keys that could do everything, some or nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from alembic import command

from charafy.kernel.db import Database
from charafy.kernel.migrate import _config, migrate


def upgraded_keys(folder: Path, revision: str, scopes: Sequence[str]) -> dict[str, list[str]]:
    """What the keys "all" (`scopes`), "some" (three of them) and "none" may do now.

    The database was made at `revision`, when `scopes` were all that there were.
    """
    earlier = Database(f"sqlite:///{folder / 'earlier.db'}")
    config = _config()
    with earlier.write() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, revision)
    with earlier.write() as tx:
        tx.exec_driver_sql(
            "INSERT INTO accounts (id, email, name, role, status, plan, created_at)"
            " VALUES ('a', 'a@example.com', '', 'member', 'active', 'standard', '2026-01-01')"
        )
        for name, kept in (("all", scopes), ("some", scopes[:3]), ("none", [])):
            tx.exec_driver_sql(
                "INSERT INTO api_keys (id, account_id, name, kind, hash, last4, scopes, created_at)"
                " VALUES (?, 'a', '', 'live', ?, 'last', ?, '2026-01-01')",
                (name, name, json.dumps(list(kept))),
            )
    migrate(earlier)
    with earlier.read() as tx:
        rows = tx.exec_driver_sql("SELECT id, scopes FROM api_keys").all()
    earlier.close()
    return {name: json.loads(kept) for name, kept in rows}
