"""The ledger as its owner reads it: line by line, by day and kind, and what is set aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import sqlalchemy as sa

from charafy.credits.queries import ENTRY_COLUMNS
from charafy.credits.tables import accounts, entries, holds
from charafy.credits.values import Entry
from charafy.kernel.db import Database, Tx
from charafy.kernel.ids import is_id

NOT_WORK: Final = ("adjustment", "closed", "purchase_refund")
"""Kinds of entries that take credits without any work behind them."""
HOLDS_SHOWN: Final = 100
AT_ONCE: Final = 500
"""Lines read in one short snapshot when all are wanted."""


@dataclass(frozen=True, slots=True)
class Line:
    """One movement, and what the account had after it."""

    entry: Entry
    balance: int


@dataclass(frozen=True, slots=True)
class OpenHold:
    """Credits set aside for work under way."""

    id: str
    amount: int
    kind: str
    reference: str
    description: str
    created_at: datetime
    expires_at: datetime
    """When they are given back unless the work says that it goes on."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What one kind of work cost on one day."""

    day: date
    """In UTC."""
    kind: str
    credits: int
    times: int


class Books:
    """The ledgers of all accounts, to look at. Thread-safe."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def lines(
        self, account_id: str, limit: int, *, before: str | None = None
    ) -> tuple[list[Line], str | None]:
        """At most `limit` lines, newest first, and what the next page is `before`.

        `before`: id of an entry; none of its account's lines for one that is unknown.
        """
        with self._db.read() as tx:
            found = self._entries(tx, account_id, limit + 1, before)
            balance = self._balance_after(tx, account_id, found[0].id) if found else 0
        page: list[Line] = []
        for entry in found[:limit]:
            page.append(Line(entry, balance))
            balance -= entry.amount
        return page, page[-1].entry.id if len(found) > limit else None

    def all_lines(self, account_id: str) -> Iterator[Line]:
        """Every line, newest first; what is written meanwhile is left out."""
        before: str | None = None
        while True:
            page, before = self.lines(account_id, AT_ONCE, before=before)
            yield from page
            if before is None:
                return

    def holds(self, account_id: str) -> list[OpenHold]:
        """What is set aside now, newest first."""
        names = OpenHold.__dataclass_fields__
        wanted = (
            sa.select(*(holds.c[name] for name in names))
            .where(holds.c.account_id == account_id, holds.c.state == "held")
            .order_by(holds.c.created_at.desc(), holds.c.id)
            .limit(HOLDS_SHOWN)
        )
        with self._db.read() as tx:
            return [OpenHold(**row) for row in tx.execute(wanted).mappings()]

    def spent(self, account_id: str, since: datetime) -> list[Spent]:
        """What work cost from `since` on, by day and kind, oldest first."""
        with self._db.read() as tx:
            wanted = (
                sa.select(
                    _day(tx).label("day"),
                    entries.c.kind,
                    -sa.func.sum(entries.c.amount),
                    sa.func.count(),
                )
                .where(
                    entries.c.account_id == account_id,
                    entries.c.created_at >= since,
                    entries.c.amount < 0,
                    entries.c.kind.not_in(NOT_WORK),
                )
                # By the label: PostgreSQL takes an expression with parameters for another one.
                .group_by("day", entries.c.kind)
                .order_by("day", entries.c.kind)
            )
            rows = tx.execute(wanted).all()
        return [Spent(date.fromisoformat(on), kind, int(n), times) for on, kind, n, times in rows]

    def _entries(self, tx: Tx, account_id: str, limit: int, before: str | None) -> list[Entry]:
        if before is not None and not is_id(before):
            return []
        wanted = sa.select(*ENTRY_COLUMNS).where(entries.c.account_id == account_id)
        if before is not None:
            wanted = wanted.where(entries.c.seq < _place(account_id, before))
        rows = tx.execute(wanted.order_by(entries.c.seq.desc()).limit(limit))
        return [Entry(*row) for row in rows]

    def _balance_after(self, tx: Tx, account_id: str, entry_id: str) -> int:
        """From what the account has and what came since: few lines, where all would be many."""
        has = sa.select(accounts.c.balance).where(accounts.c.account_id == account_id)
        since = sa.select(sa.func.coalesce(sa.func.sum(entries.c.amount), 0)).where(
            entries.c.account_id == account_id, entries.c.seq > _place(account_id, entry_id)
        )
        return int(tx.execute(has).scalar() or 0) - int(tx.execute(since).scalar_one())


def _place(account_id: str, entry_id: str) -> sa.ScalarSelect[int]:
    mine = sa.and_(entries.c.id == entry_id.lower(), entries.c.account_id == account_id)
    return sa.select(entries.c.seq).where(mine).scalar_subquery()


def _day(tx: Tx) -> sa.ColumnElement[str]:
    """The day of an entry in UTC, as `YYYY-MM-DD`."""
    if tx.dialect.name == "postgresql":
        return sa.func.to_char(sa.func.timezone("UTC", entries.c.created_at), "YYYY-MM-DD")
    return sa.func.strftime("%Y-%m-%d", entries.c.created_at)
