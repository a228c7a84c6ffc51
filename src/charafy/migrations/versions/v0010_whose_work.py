"""Which character credits went into: on holds and entries, as far as it is known of old ones.

Videos and conversations tell it of theirs; speech and faces made before left no trace of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_WORK = (("video", "videos"), ("conversation", "conversations"))
"""Tables whose ids stand in references, by kind."""
_COLUMNS = ("id", "account_id", "character_id", "reference")
"""Of the ledger's tables; work has no reference."""


def upgrade() -> None:
    for table in ("credit_holds", "credit_entries"):
        op.add_column(table, sa.Column("character_id", sa.String(length=36), nullable=True))
    with _history_open():
        for kind, work in _WORK:
            _fill("credit_holds", f"{kind}:", work)
            _fill("credit_entries", f"{kind}:", work)
            _fill("credit_entries", f"refund:{kind}:", work)
    op.create_index(
        op.f("ix_credit_entries_account_id_character_id_seq"),
        "credit_entries",
        ["account_id", "character_id", "seq"],
        unique=False,
    )


def _fill(table: str, prefix: str, work: str) -> None:
    """Name whose work it was in rows whose reference is `prefix` and an id in `work`."""
    row, done = (
        sa.table(name, *(sa.column(column, sa.String) for column in _COLUMNS))
        for name in (table, work)
    )
    whose = sa.select(done.c.character_id).where(
        done.c.id == sa.func.substr(row.c.reference, len(prefix) + 1),
        done.c.account_id == row.c.account_id,
    )
    op.execute(
        sa.update(row)
        .where(row.c.reference.startswith(prefix))
        .values(character_id=whose.scalar_subquery())
    )


@contextmanager
def _history_open() -> Iterator[None]:
    """Lift what refuses to rewrite entries, for a column that was not there before.

    All of a migration is one unit of work: nobody else sees the ledger without its guard.
    """
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE credit_entries DISABLE TRIGGER credit_entries_append_only")
        yield
        op.execute("ALTER TABLE credit_entries ENABLE TRIGGER credit_entries_append_only")
        return
    op.execute("DROP TRIGGER credit_entries_no_update")
    yield
    op.execute(
        "CREATE TRIGGER credit_entries_no_update BEFORE UPDATE ON credit_entries "
        "BEGIN SELECT RAISE(ABORT, 'credit entries are append-only'); END"
    )
