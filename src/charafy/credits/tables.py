"""The ledger's tables.

`credit_entries` is the truth and is never changed; `credit_accounts` keeps its running sums so that
one guarded UPDATE can refuse a debit. See docs/decisions/ledger.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import sqlalchemy as sa

from charafy.kernel.db import UtcDateTime, metadata

_Sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")

accounts = sa.Table(
    "credit_accounts",
    metadata,
    sa.Column("account_id", sa.String(36), primary_key=True),
    sa.Column("balance", sa.BigInteger, nullable=False),
    sa.Column("held", sa.BigInteger, nullable=False),
    sa.CheckConstraint("held >= 0 AND balance >= held", name="never_negative"),
)

entries = sa.Table(
    "credit_entries",
    metadata,
    sa.Column("seq", _Sequence, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(36), nullable=False, unique=True),
    sa.Column("account_id", sa.String(36), nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("reference", sa.String(200), nullable=False, unique=True),
    sa.Column("description", sa.String(200), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    # No key to characters: the books outlive who was in them.
    sa.Column("character_id", sa.String(36)),
    sa.CheckConstraint("amount <> 0", name="moves_something"),
    sa.Index(None, "account_id", "seq"),
    sa.Index(None, "account_id", "character_id", "seq"),
    sqlite_autoincrement=True,
)

holds = sa.Table(
    "credit_holds",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("account_id", sa.String(36), nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("captured", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("reference", sa.String(200), nullable=False, unique=True),
    sa.Column("description", sa.String(200), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("character_id", sa.String(36)),
    sa.CheckConstraint("amount > 0 AND captured BETWEEN 0 AND amount", name="within_amount"),
    sa.CheckConstraint("state IN ('held', 'captured', 'released')", name="state_known"),
    sa.Index("ix_credit_holds_account_id", "account_id"),
    # Only the few holds that are still open are ever searched by time.
    sa.Index(
        "ix_credit_holds_open",
        "expires_at",
        sqlite_where=sa.text("state = 'held'"),
        postgresql_where=sa.text("state = 'held'"),
    ),
)

purchases = sa.Table(
    "credit_purchases",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("account_id", sa.String(36), nullable=False, index=True),
    sa.Column("credits", sa.BigInteger, nullable=False),
    sa.Column("amount_cents", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("session_id", sa.String(255), unique=True),
    sa.Column("payment_id", sa.String(255), unique=True),
    sa.Column("refunded_cents", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("paid_at", UtcDateTime),
    sa.CheckConstraint(
        "state IN ('open', 'paid', 'failed', 'review')",
        name="state_known",
    ),
)

APPEND_ONLY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sqlite": tuple(
            f"CREATE TRIGGER credit_entries_no_{verb} BEFORE {verb.upper()} ON credit_entries "
            "BEGIN SELECT RAISE(ABORT, 'credit entries are append-only'); END"
            for verb in ("update", "delete")
        ),
        "postgresql": (
            "CREATE FUNCTION credit_entries_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'credit entries are append-only'; END $$",
            "CREATE TRIGGER credit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            "ON credit_entries FOR EACH STATEMENT EXECUTE FUNCTION credit_entries_append_only()",
        ),
    }
)
"""What makes the database itself refuse to rewrite history; a migration executes these too."""

for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        sa.event.listen(
            entries,
            "after_create",
            # DDL formats with %: nothing here may contain one.
            sa.DDL(_statement).execute_if(dialect=_dialect),  # type: ignore[no-untyped-call]
        )
