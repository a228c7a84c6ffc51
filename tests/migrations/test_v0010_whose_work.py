"""The ledger learns which character its old rows were for, and stays what it was otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from charafy.kernel.db import Database
from charafy.kernel.ids import new_id
from charafy.kernel.migrate import migrate
from tests.support.earlier import insert, upgrade

OWNER, OTHER = new_id(), new_id()
MIA, KEN = new_id(), new_id()
FILM, TALK, ALIEN, SPEECH = new_id(), new_id(), new_id(), new_id()
ENTRIES = {
    "start": (100, "grant", None),
    f"video:{FILM}": (-12, "video", MIA),
    f"refund:video:{FILM}": (12, "refund", MIA),
    f"conversation:{TALK}": (-8, "conversation", KEN),
    # Of a video that is gone, and of one that another account has.
    f"video:{new_id()}": (-6, "video", None),
    f"video:{ALIEN}": (-6, "video", None),
    f"tts:{SPEECH}": (-1, "tts", None),
}
"""By reference: amount, kind, and the character that is to be found."""
WORK = ("video", "conversation")


def rows_before(database: Database) -> None:
    """Rows of the version before: some tell of their character, some don't."""
    with database.write() as tx:
        for number, account in enumerate((OWNER, OTHER)):
            insert(tx, "accounts", id=account, email=f"{number}@example.com")
        for video, account, character in ((FILM, OWNER, MIA), (ALIEN, OTHER, KEN)):
            about = {"account_id": account, "character_id": character}
            insert(tx, "videos", id=video, status="failed", **about)
        insert(tx, "conversations", id=TALK, account_id=OWNER, character_id=KEN, state="ended")
        for reference, (amount, kind, _) in ENTRIES.items():
            about = {"account_id": OWNER, "reference": reference, "kind": kind}
            insert(tx, "credit_entries", id=new_id(), amount=amount, **about)
            if kind in WORK:
                insert(tx, "credit_holds", id=new_id(), amount=20, state="captured", **about)


@pytest.fixture
def before(empty_url: str) -> Iterator[Database]:
    database = Database(empty_url)
    upgrade(database, "0009")
    rows_before(database)
    yield database
    database.close()


def found(database: Database, table: str) -> dict[str, str | None]:
    with database.read() as tx:
        rows = tx.exec_driver_sql(f"SELECT reference, character_id FROM {table}")
        return {row.reference: row.character_id for row in rows}


def test_old_rows_name_the_character_where_its_work_is_still_there(before: Database) -> None:
    migrate(before)
    assert found(before, "credit_entries") == {
        reference: character for reference, (_, _, character) in ENTRIES.items()
    }
    assert found(before, "credit_holds") == {
        reference: character for reference, (_, kind, character) in ENTRIES.items() if kind in WORK
    }


def test_nothing_else_of_the_history_changes(before: Database) -> None:
    wanted = (
        "SELECT seq, id, account_id, amount, kind, reference, created_at FROM credit_entries"
        " ORDER BY seq"
    )
    with before.read() as tx:
        was = tx.exec_driver_sql(wanted).all()
    migrate(before)
    with before.read() as tx:
        assert tx.exec_driver_sql(wanted).all() == was


def test_afterwards_history_cannot_be_rewritten_again(before: Database) -> None:
    migrate(before)
    for statement in (
        "UPDATE credit_entries SET character_id = NULL",
        "DELETE FROM credit_entries",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), before.write() as tx:
            tx.exec_driver_sql(statement)


def test_a_migration_that_fails_midway_leaves_the_guard_where_it_was(
    before: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("alembic.op.create_index", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        migrate(before)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), before.write() as tx:
        tx.exec_driver_sql("UPDATE credit_entries SET amount = 2")
    with before.read() as tx:
        columns = {column["name"] for column in sa.inspect(tx).get_columns("credit_entries")}
    assert "character_id" not in columns
