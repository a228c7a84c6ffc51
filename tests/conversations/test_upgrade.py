"""A database of an earlier version: keys that could do everything still can."""

from __future__ import annotations

import json
from pathlib import Path

from alembic import command

from charafy.kernel.db import Database
from charafy.kernel.http.caller import ALL_SCOPES
from charafy.kernel.migrate import _config, migrate

BEFORE = [scope for scope in ALL_SCOPES if not scope.startswith("conversations:")]


def test_keys_that_could_do_everything_may_talk_and_others_may_not(tmp_path: Path) -> None:
    earlier = Database(f"sqlite:///{tmp_path / 'earlier.db'}")
    config = _config()
    with earlier.write() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, "0005")
    with earlier.write() as tx:
        tx.exec_driver_sql(
            "INSERT INTO accounts (id, email, name, role, status, plan, created_at)"
            " VALUES ('a', 'a@example.com', '', 'member', 'active', 'standard', '2026-01-01')"
        )
        for name, scopes in (("all", BEFORE), ("some", BEFORE[:3]), ("none", [])):
            tx.exec_driver_sql(
                "INSERT INTO api_keys (id, account_id, name, kind, hash, last4, scopes, created_at)"
                " VALUES (?, 'a', '', 'live', ?, 'last', ?, '2026-01-01')",
                (name, name, json.dumps(scopes)),
            )
    migrate(earlier)
    with earlier.read() as tx:
        rows = tx.exec_driver_sql("SELECT id, scopes FROM api_keys").all()
    earlier.close()
    kept = {name: json.loads(scopes) for name, scopes in rows}
    assert set(kept["all"]) == set(ALL_SCOPES)
    assert (kept["some"], kept["none"]) == (BEFORE[:3], [])
