"""The ledger as its owner reads it: line by line, by day, kind and character, and what is held.

Where a `character` is asked for, it is the id of one, or `NOBODY` for what belongs to none; there
may be no such character any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import sqlalchemy as sa

from charafy.credits.queries import ENTRY_BY_REFERENCE, ENTRY_COLUMNS
from charafy.credits.tables import accounts, entries, holds
from charafy.credits.values import NOBODY, Entry
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
    character_id: str | None


@dataclass(frozen=True, slots=True)
class Spent:
    """What one kind of work of one character cost on one day."""

    day: date
    """In UTC."""
    kind: str
    credits: int
    times: int
    character_id: str | None = None


class Books:
    """The ledgers of all accounts, to look at. Thread-safe."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @staticmethod
    def has(tx: Tx, reference: str) -> bool:
        """Whether anything stands in them under this reference, in whosever."""
        return tx.execute(ENTRY_BY_REFERENCE, {"reference": reference}).first() is not None

    def lines(
        self,
        account_id: str,
        limit: int,
        *,
        before: str | None = None,
        character: str | None = None,
    ) -> tuple[list[Line], str | None]:
        """At most `limit` lines, newest first, and what the next page is `before`.

        `before`: id of an entry; none of its account's lines for one that is unknown.
        """
        with self._db.read() as tx:
            found = self._entries(tx, account_id, limit + 1, before, character)
            page = found[:limit]
            left = self._balances(tx, account_id, page)
        lines = [Line(entry, left[entry.id]) for entry in page]
        return lines, page[-1].id if len(found) > limit else None

    def all_lines(self, account_id: str, character: str | None = None) -> Iterator[Line]:
        """Every line, newest first; what is written meanwhile is left out."""
        before: str | None = None
        while True:
            page, before = self.lines(account_id, AT_ONCE, before=before, character=character)
            yield from page
            if before is None:
                return

    def holds(self, account_id: str, character: str | None = None) -> list[OpenHold]:
        """What is set aside now, newest first."""
        names = OpenHold.__dataclass_fields__
        wanted = (
            sa.select(*(holds.c[name] for name in names))
            .where(holds.c.account_id == account_id, holds.c.state == "held")
            .order_by(holds.c.created_at.desc(), holds.c.id)
            .limit(HOLDS_SHOWN)
        )
        wanted = wanted.where(_is_of(holds.c.character_id, character))
        with self._db.read() as tx:
            return [OpenHold(**row) for row in tx.execute(wanted).mappings()]

    def characters(self, account_id: str) -> set[str]:
        """The ids of all that credits ever went into, those of deleted characters as well."""
        wanted = (
            sa.select(entries.c.character_id)
            .where(entries.c.account_id == account_id, entries.c.character_id.is_not(None))
            .distinct()
        )
        with self._db.read() as tx:
            return {str(one) for one in tx.execute(wanted).scalars()}

    def spent(self, account_id: str, since: datetime) -> list[Spent]:
        """What work cost from `since` on, by day, kind and character, oldest first."""
        with self._db.read() as tx:
            wanted = (
                sa.select(
                    _day(tx).label("day"),
                    entries.c.kind,
                    -sa.func.sum(entries.c.amount),
                    sa.func.count(),
                    entries.c.character_id,
                )
                .where(
                    entries.c.account_id == account_id,
                    entries.c.created_at >= since,
                    entries.c.amount < 0,
                    entries.c.kind.not_in(NOT_WORK),
                )
                # By the label: PostgreSQL takes an expression with parameters for another one.
                .group_by("day", entries.c.kind, entries.c.character_id)
                .order_by("day", entries.c.kind, entries.c.character_id)
            )
            rows = tx.execute(wanted).all()
        return [
            Spent(date.fromisoformat(day), kind, int(n), times, who)
            for day, kind, n, times, who in rows
        ]

    def _entries(
        self, tx: Tx, account_id: str, limit: int, before: str | None, character: str | None
    ) -> list[Entry]:
        if before is not None and not is_id(before):
            return []
        wanted = sa.select(*ENTRY_COLUMNS).where(
            entries.c.account_id == account_id, _is_of(entries.c.character_id, character)
        )
        if before is not None:
            wanted = wanted.where(entries.c.seq < _place(account_id, before))
        rows = tx.execute(wanted.order_by(entries.c.seq.desc()).limit(limit))
        return [Entry(*row) for row in rows]

    def _balances(self, tx: Tx, account_id: str, page: list[Entry]) -> dict[str, int]:
        """By id, what the account had after each of these, newest first; others lie between."""
        if not page:
            return {}
        last = self._balance_after(tx, account_id, page[0].id)
        between = (
            sa.select(
                entries.c.id,
                (sa.func.sum(entries.c.amount).over(order_by=entries.c.seq.desc())).label("moved"),
                entries.c.amount,
            )
            .where(
                entries.c.account_id == account_id,
                entries.c.seq <= _place(account_id, page[0].id),
                entries.c.seq >= _place(account_id, page[-1].id),
            )
            .order_by(entries.c.seq.desc())
        )
        wanted = {entry.id for entry in page}
        return {
            row.id: last - int(row.moved) + row.amount
            for row in tx.execute(between)
            if row.id in wanted
        }

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


def _is_of(column: sa.Column[str | None], character: str | None) -> sa.ColumnElement[bool]:
    if character is None:
        return sa.true()
    return column.is_(None) if character == NOBODY else column == character.lower()


def _day(tx: Tx) -> sa.ColumnElement[str]:
    """The day of an entry in UTC, as `YYYY-MM-DD`."""
    if tx.dialect.name == "postgresql":
        return sa.func.to_char(sa.func.timezone("UTC", entries.c.created_at), "YYYY-MM-DD")
    return sa.func.strftime("%Y-%m-%d", entries.c.created_at)
