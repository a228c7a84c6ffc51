"""Work of one price is paid with its result or not at all."""

from __future__ import annotations

import pytest

from charafy.credits.service import Balance, Credits, DailyAllowance, Till
from charafy.kernel.db import Database
from charafy.kernel.errors import InsufficientCredits, TooManyRequests
from charafy.kernel.http.caller import Caller
from tests.support.clock import ManualClock

PRICE = 30
LEASE_S = 60.0


@pytest.fixture
def till(db: Database, clock: ManualClock, credits: Credits) -> Till:
    return Till(
        db,
        credits,
        DailyAllowance(clock, "Test keys draw {limit:,} pictures a day"),
        kind="picture",
        price=PRICE,
        lease_s=LEASE_S,
        test_per_day=lambda plan: {"standard": 2}[plan],
    )


def caller(owner: str, *, is_test: bool = False) -> Caller:
    return Caller(owner, "standard", None, is_test, frozenset())


def balance(db: Database, credits: Credits, owner: str) -> Balance:
    with db.read() as tx:
        assert credits.audit(tx) == []
        return credits.balance(tx, owner)


def test_the_price_is_held_while_the_work_is_done_and_taken_with_it(
    db: Database, credits: Credits, owner: str, till: Till
) -> None:
    before = balance(db, credits, owner).total
    with till.paying(caller(owner), "A picture") as pay:
        assert balance(db, credits, owner) == Balance(before, PRICE)
        with db.write() as tx:
            assert pay(tx) == PRICE
    assert balance(db, credits, owner) == Balance(before - PRICE, 0)
    with db.read() as tx:
        entry = credits.recent(tx, owner)[0]
    assert (entry.amount, entry.kind, entry.description) == (-PRICE, "picture", "A picture")


def test_what_fails_is_not_paid(db: Database, credits: Credits, owner: str, till: Till) -> None:
    before = balance(db, credits, owner)
    with pytest.raises(RuntimeError), till.paying(caller(owner), "A picture"):
        raise RuntimeError
    assert balance(db, credits, owner) == before


def test_what_fails_after_it_was_paid_stays_paid(
    db: Database, credits: Credits, owner: str, till: Till
) -> None:
    before = balance(db, credits, owner).total
    with pytest.raises(RuntimeError), till.paying(caller(owner), "A picture") as pay:
        with db.write() as tx:
            pay(tx)
        raise RuntimeError
    assert balance(db, credits, owner) == Balance(before - PRICE, 0)


def test_without_enough_credits_no_work_is_begun(
    db: Database, credits: Credits, owner: str, till: Till
) -> None:
    with db.write() as tx:
        left = credits.balance(tx, owner).available - PRICE + 1
        credits.charge(tx, owner, left, kind="x", reference="x", description="x")
    with pytest.raises(InsufficientCredits), till.paying(caller(owner), "A picture"):
        pytest.fail("work without credits")


def test_test_keys_pay_nothing_a_few_times_a_day(
    db: Database, credits: Credits, owner: str, till: Till, clock: ManualClock
) -> None:
    before = balance(db, credits, owner)
    tester = caller(owner, is_test=True)
    with till.paying(tester, "A picture") as pay, db.write() as tx:
        assert pay(tx) == 0
    with pytest.raises(RuntimeError), till.paying(tester, "A picture"):
        raise RuntimeError  # it took the same work
    with pytest.raises(TooManyRequests, match="2 pictures a day"), till.paying(tester, "A"):
        pytest.fail("work beyond the allowance")
    for error in (TooManyRequests("Later.", retry_after_s=1), RuntimeError("a bug")):
        clock.advance(86_400)
        with pytest.raises(type(error)), till.paying(tester, "A picture"):
            raise error
        for _ in range(2 if isinstance(error, TooManyRequests) else 1):
            with till.paying(tester, "A picture"):
                pass  # the busy one did not count: nothing was begun
        with pytest.raises(TooManyRequests, match="a day"), till.paying(tester, "A"):
            pytest.fail("work beyond the allowance")
    clock.advance(86_400)
    with till.paying(tester, "A picture"):
        pass
    assert balance(db, credits, owner) == before
