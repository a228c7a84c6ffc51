"""Whatever is done to the ledger, in whatever order, it agrees with a simple model of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from charafy.credits.service import Balance, Credits, Hold, HoldEnded
from charafy.credits.tables import entries, holds
from charafy.kernel.db import Database, metadata
from charafy.kernel.errors import InsufficientCredits
from charafy.kernel.observe import Metrics
from tests.support.clock import ManualClock

OWNERS = ("ann", "ben")
LEASE_S = 30

owners = st.sampled_from(OWNERS)
amounts = st.integers(0, 60)


class Ledger(RuleBasedStateMachine):
    """The model: what each owner has, and every hold with how it ended."""

    given_holds: Bundle[Hold] = Bundle("given_holds")
    charges: Bundle[tuple[str, int, str]] = Bundle("charges")

    def __init__(self, url: str) -> None:
        """With an empty database at `url`."""
        super().__init__()
        self.clock = ManualClock()
        self.db = Database(url)
        self.credits = Credits(self.db, self.clock, Metrics())
        self.total = dict.fromkeys(OWNERS, 0)
        self.open: dict[str, tuple[Hold, float]] = {}
        self.ended: dict[str, int | None] = {}
        self.refunded: set[str] = set()
        self.count = 0
        with self.db.write() as tx:
            metadata.create_all(tx)
            for owner in OWNERS:
                self.credits.open(tx, owner)

    def teardown(self) -> None:
        self.db.close()

    def about(self) -> dict[str, Any]:
        self.count += 1
        return {"kind": "tts", "reference": f"r{self.count}", "description": "x"}

    def held(self, owner: str) -> int:
        return sum(hold.amount for hold, _ in self.open.values() if hold.account_id == owner)

    def available(self, owner: str) -> int:
        return self.total[owner] - self.held(owner)

    @rule(owner=owners, amount=st.integers(-80, 80))
    def adjust(self, owner: str, amount: int) -> None:
        fits = amount >= 0 or -amount <= self.available(owner)
        with suppress(InsufficientCredits), self.db.write() as tx:
            self.credits.adjust(tx, owner, amount, reason="x")
            assert fits
            self.total[owner] += amount
            return
        assert not fits

    @rule(target=charges, owner=owners, amount=amounts)
    def charge(self, owner: str, amount: int) -> tuple[str, int, str]:
        about = self.about()
        fits = amount <= self.available(owner)
        try:
            with self.db.write() as tx:
                self.credits.charge(tx, owner, amount, **about)
        except InsufficientCredits:
            assert not fits
            return owner, 0, about["reference"]
        assert fits
        self.total[owner] -= amount
        return owner, amount, about["reference"]

    @rule(charge=charges)
    def charge_again(self, charge: tuple[str, int, str]) -> None:
        owner, amount, reference = charge
        if amount:
            with self.db.write() as tx:
                self.credits.charge(
                    tx, owner, amount, kind="tts", reference=reference, description="x"
                )

    @rule(charge=charges)
    def refund(self, charge: tuple[str, int, str]) -> None:
        owner, amount, reference = charge
        with self.db.write() as tx:
            given = self.credits.refund(tx, reference, description="x")
        assert (given is not None) == (amount > 0)
        if reference not in self.refunded:
            self.total[owner] += amount
            self.refunded.add(reference)

    @rule(target=given_holds, owner=owners, amount=amounts)
    def hold(self, owner: str, amount: int) -> Hold:
        fits = amount <= self.available(owner)
        try:
            with self.db.write() as tx:
                hold = self.credits.hold(tx, owner, amount, lease_s=LEASE_S, **self.about())
        except InsufficientCredits:
            assert not fits
            return Hold("", owner, 0, 0, "held", self.clock.now())
        assert fits
        if amount:
            self.open[hold.id] = (hold, self.clock.monotonic() + LEASE_S)
        return hold

    @rule(hold=given_holds, share=st.floats(0, 1))
    def capture(self, hold: Hold, share: float) -> None:
        amount = int(hold.amount * share)
        before = self.ended.get(hold.id, 0)
        if hold.id in self.ended and before is None:
            with suppress(HoldEnded), self.db.write() as tx:
                self.credits.capture(tx, hold.id, amount)
                raise AssertionError("captured what was released")
            return
        with self.db.write() as tx:
            taken = self.credits.capture(tx, hold.id, amount)
        if hold.id in self.open:
            assert taken == amount
            del self.open[hold.id]
            self.ended[hold.id] = amount
            self.total[hold.account_id] -= amount
        else:
            assert taken == before

    @rule(hold=given_holds)
    def release(self, hold: Hold) -> None:
        with self.db.write() as tx:
            released = self.credits.release(tx, hold.id)
        assert released == (hold.id in self.open)
        if released:
            del self.open[hold.id]
            self.ended[hold.id] = None

    @rule(hold=given_holds)
    def renew(self, hold: Hold) -> None:
        if hold.id in self.open:
            with self.db.write() as tx:
                self.credits.renew(tx, hold.id, LEASE_S)
            self.open[hold.id] = (hold, self.clock.monotonic() + LEASE_S)

    @rule(seconds=st.integers(0, 2 * LEASE_S))
    def sweep_later(self, seconds: int) -> None:
        self.clock.advance(seconds)
        over = [id_ for id_, (_, until) in self.open.items() if until <= self.clock.monotonic()]
        assert self.credits.release_expired() == len(over)
        for id_ in over:
            del self.open[id_]
            self.ended[id_] = None

    @rule(owner=owners, amount=amounts)
    def fail_midway(self, owner: str, amount: int) -> None:
        with suppress(InsufficientCredits, ZeroDivisionError), self.db.write() as tx:
            self.credits.charge(tx, owner, amount, **self.about())
            self.credits.hold(tx, owner, 1, lease_s=LEASE_S, **self.about())
            raise ZeroDivisionError

    @invariant()
    def the_ledger_is_the_model(self) -> None:
        with self.db.read() as tx:
            assert self.credits.audit(tx) == []
            for owner in OWNERS:
                balance = self.credits.balance(tx, owner)
                assert balance == Balance(self.total[owner], self.held(owner))
                assert balance.total >= balance.held >= 0
                rows = tx.execute(sa.select(entries.c.amount).where(entries.c.account_id == owner))
                assert sum(rows.scalars()) == balance.total

    @invariant()
    def every_hold_ends_at_most_once(self) -> None:
        with self.db.read() as tx:
            rows = {row.id: row for row in tx.execute(sa.select(holds))}
        assert {id_ for id_, row in rows.items() if row.state == "held"} == set(self.open)
        captured = {id_: row.captured for id_, row in rows.items() if row.state == "captured"}
        assert captured == {id_: end for id_, end in self.ended.items() if end is not None}
        released = {id_ for id_, row in rows.items() if row.state == "released"}
        assert released == {id_ for id_, end in self.ended.items() if end is None}


@pytest.mark.slow
def test_the_ledger_is_its_model(new_url: Callable[[], str]) -> None:
    class Kept(Ledger):
        def __init__(self) -> None:
            super().__init__(new_url())

    run_state_machine_as_test(
        Kept, settings=settings(max_examples=25, stateful_step_count=40, deadline=None)
    )
