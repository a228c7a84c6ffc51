"""The ledger that is measured is one that the house could have written."""

from __future__ import annotations

from bench.ledger_data import fill
from charafy.credits.service import Balance, Credits
from charafy.kernel.db import Database
from charafy.kernel.ids import new_id
from charafy.kernel.observe import Metrics
from tests.support.clock import ManualClock


def test_accounts_that_have_spent_before_have_what_their_entries_say(
    db: Database, clock: ManualClock
) -> None:
    credits = Credits(db, clock, Metrics())
    ids = [new_id() for _ in range(3)]
    with db.write() as tx:
        for owner in ids:
            credits.open(tx, owner)
            credits.grant(tx, owner, 100, kind="grant", reference=owner, description="Start")
    fill(db, ids, 31)
    with db.read() as tx:
        assert credits.audit(tx) == []
        assert [credits.balance(tx, owner) for owner in ids] == [
            Balance(100 - 11, 0),
            Balance(100 - 10, 0),
            Balance(100 - 10, 0),
        ]
