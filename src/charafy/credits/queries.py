"""The ledger's statements, built once: SQLAlchemy then only binds values."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from charafy.credits.tables import accounts, entries, holds
from charafy.credits.values import Entry, Hold
from charafy.kernel.db import Tx

_account = sa.bindparam("account", type_=sa.String)
_amount = sa.bindparam("n", type_=sa.BigInteger)
_hold = sa.bindparam("hold", type_=sa.String)

BALANCE = sa.select(accounts.c.balance, accounts.c.held).where(accounts.c.account_id == _account)

ADD = (
    sa.update(accounts)
    .where(accounts.c.account_id == _account)
    .values(balance=accounts.c.balance + _amount)
    .returning(accounts.c.balance)
)
SPEND = (
    sa.update(accounts)
    .where(accounts.c.account_id == _account, accounts.c.balance - accounts.c.held >= _amount)
    .values(balance=accounts.c.balance - _amount)
    .returning(accounts.c.balance)
)
RESERVE = (
    sa.update(accounts)
    .where(accounts.c.account_id == _account, accounts.c.balance - accounts.c.held >= _amount)
    .values(held=accounts.c.held + _amount)
    .returning(accounts.c.balance)
)
SETTLE = (
    sa.update(accounts)
    .where(accounts.c.account_id == _account)
    .values(
        balance=accounts.c.balance - sa.bindparam("spent"),
        held=accounts.c.held - _amount,
    )
)
FORGET = sa.delete(accounts).where(accounts.c.account_id == _account)

ENTRY_COLUMNS = (
    entries.c.id,
    entries.c.account_id,
    entries.c.amount,
    entries.c.kind,
    entries.c.reference,
    entries.c.description,
    entries.c.created_at,
    entries.c.character_id,
)
ENTRY_BY_REFERENCE = sa.select(*ENTRY_COLUMNS).where(
    entries.c.reference == sa.bindparam("reference")
)
RECENT = (
    sa.select(*ENTRY_COLUMNS)
    .where(entries.c.account_id == _account)
    .order_by(entries.c.seq.desc())
    .limit(sa.bindparam("count"))
)
OLDER_THAN = (
    sa.select(*ENTRY_COLUMNS)
    .where(
        entries.c.account_id == _account,
        entries.c.seq
        < sa.select(entries.c.seq)
        .where(entries.c.id == sa.bindparam("before"), entries.c.account_id == _account)
        .scalar_subquery(),
    )
    .order_by(entries.c.seq.desc())
    .limit(sa.bindparam("count"))
)

_hold_columns = (
    holds.c.id,
    holds.c.account_id,
    holds.c.amount,
    holds.c.captured,
    holds.c.state,
    holds.c.expires_at,
)
HOLD = sa.select(*_hold_columns).where(holds.c.id == _hold)
HOLD_BY_REFERENCE = sa.select(*_hold_columns).where(holds.c.reference == sa.bindparam("reference"))
RENEW = (
    sa.update(holds)
    .where(holds.c.id == _hold, holds.c.state == "held")
    .values(expires_at=sa.bindparam("until"))
    .returning(holds.c.id)
)
_captured = sa.func.coalesce(sa.bindparam("spent", type_=sa.BigInteger), holds.c.amount)
CAPTURE = (
    sa.update(holds)
    .where(holds.c.id == _hold, holds.c.state == "held", holds.c.amount >= _captured)
    .values(
        state="captured",
        captured=_captured,
        ended_at=sa.bindparam("now"),
    )
    .returning(
        holds.c.account_id,
        holds.c.amount,
        holds.c.captured,
        holds.c.kind,
        holds.c.reference,
        holds.c.description,
        holds.c.character_id,
    )
)
RELEASE = (
    sa.update(holds)
    .where(holds.c.id == _hold, holds.c.state == "held")
    .values(state="released", ended_at=sa.bindparam("now"))
    .returning(holds.c.account_id, holds.c.amount)
)
RELEASE_EXPIRED = RELEASE.where(holds.c.expires_at <= sa.bindparam("now"))
EXPIRED = (
    sa.select(holds.c.id)
    .where(holds.c.state == "held", holds.c.expires_at <= sa.bindparam("now"))
    .order_by(holds.c.expires_at)
    .limit(sa.bindparam("count"))
)
OPEN_HOLDS = sa.select(holds.c.id).where(holds.c.account_id == _account, holds.c.state == "held")

NEW_ENTRY = sa.insert(entries)
_NEW = MappingProxyType(
    {
        (dialect, table): insert(table).on_conflict_do_nothing(index_elements=[key]).returning(id_)
        for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
        for table, key, id_ in (
            (entries, "reference", entries.c.id),
            (holds, "reference", holds.c.id),
            (accounts, "account_id", accounts.c.account_id),
        )
    }
)


def row_of(value: Entry | Hold) -> dict[str, Any]:
    return {field: getattr(value, field) for field in value.__slots__}


def insert_new(tx: Tx, table: sa.Table, row: dict[str, Any]) -> bool:
    """Insert unless its reference (or account) is there already; whether it was new."""
    return tx.execute(_NEW[tx.dialect.name, table], row).first() is not None


def move(tx: Tx, account_id: str, amount: int) -> bool:
    """Add to the account's sum, or take what is available; False when it can't."""
    statement = ADD if amount >= 0 else SPEND
    return tx.execute(statement, {"account": account_id, "n": abs(amount)}).first() is not None


def undo(tx: Tx, account_id: str, amount: int) -> None:
    """Take back a `move` of this unit of work."""
    tx.execute(ADD, {"account": account_id, "n": -amount})


def reserve(tx: Tx, account_id: str, amount: int) -> bool:
    return tx.execute(RESERVE, {"account": account_id, "n": amount}).first() is not None


def settle(tx: Tx, account_id: str, held: int, *, spent: int) -> None:
    """End a hold in the account's sums: `spent` of the `held` credits are gone."""
    tx.execute(SETTLE, {"account": account_id, "n": held, "spent": spent})


_entry_sums = (
    sa.select(entries.c.account_id, sa.func.sum(entries.c.amount).label("total"))
    .group_by(entries.c.account_id)
    .subquery()
)
_hold_sums = (
    sa.select(holds.c.account_id, sa.func.sum(holds.c.amount).label("total"))
    .where(holds.c.state == "held")
    .group_by(holds.c.account_id)
    .subquery()
)
_entries_total = sa.func.coalesce(_entry_sums.c.total, 0)
_holds_total = sa.func.coalesce(_hold_sums.c.total, 0)
MISMATCHES = (
    sa.select(
        accounts.c.account_id,
        accounts.c.balance,
        _entries_total.label("sum_of_entries"),
        accounts.c.held,
        _holds_total.label("sum_of_holds"),
    )
    .outerjoin_from(accounts, _entry_sums, _entry_sums.c.account_id == accounts.c.account_id)
    .outerjoin(_hold_sums, _hold_sums.c.account_id == accounts.c.account_id)
    .where(
        sa.or_(accounts.c.balance != _entries_total, accounts.c.held != _holds_total),
    )
    .order_by(accounts.c.account_id)
)
STRAYS = (
    sa.select(_entry_sums.c.account_id, _entry_sums.c.total)
    .select_from(_entry_sums.outerjoin(accounts, accounts.c.account_id == _entry_sums.c.account_id))
    .where(accounts.c.account_id.is_(None), _entry_sums.c.total != 0)
)


def found(
    tx: Tx, wanted: sa.Select[tuple[Any, ...]], character_id: str | None, **about: object
) -> list[Entry]:
    """The entries that `wanted` finds, of one character alone if it is given."""
    if character_id is not None:
        if "\0" in character_id:  # PostgreSQL would not even compare it
            return []
        wanted = wanted.where(entries.c.character_id == character_id.lower())
    return [Entry(*row) for row in tx.execute(wanted, about)]
