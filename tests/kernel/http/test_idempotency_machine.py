"""Whatever is asked under whatever key: each is one order, which is paid for once."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from starlette.requests import Request
from starlette.responses import Response

from charafy.credits.service import Credits
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import Conflict, InsufficientCredits, UpstreamFailed
from charafy.kernel.http.caller import ALL_SCOPES, Caller
from charafy.kernel.http.idempotency import LEASE_S, LIFE_S, REPLAYED, Idempotency, Ticket
from charafy.kernel.http.schema import Answer, Body
from charafy.kernel.ids import new_id
from charafy.kernel.observe import Metrics
from tests.support.clock import ManualClock

KEYS = ("one", "two", "three")
ITEMS = ("tea", "cake")
START = 8

keys = st.sampled_from(KEYS)
items = st.sampled_from(ITEMS)
who = st.sampled_from((0, 1))


class Order(Body):
    item: str


class Receipt(Answer):
    number: int
    item: str


class Died(Exception):
    """The process is gone."""


def request_for(key: str) -> Request:
    return Request(
        {
            "type": "http",
            "method": "POST",
            "path": "/orders",
            "query_string": b"",
            "server": ("127.0.0.1", 80),
            "headers": [(b"idempotency-key", key.encode())],
        }
    )


class Orders(RuleBasedStateMachine):
    """The model: what was answered under each caller's key, and until when that is known."""

    def __init__(self, db: Database) -> None:
        super().__init__()
        self.db, self.clock = db, ManualClock()
        self.credits = Credits(db, self.clock, Metrics())
        self.idempotency = Idempotency(db, self.clock)
        self.callers = [self._caller() for _ in range(2)]
        self.left = [START, START]
        self.answered: dict[tuple[int, str], tuple[str, bytes, float]] = {}
        self.lost: dict[tuple[int, str], tuple[str, float]] = {}
        self.count = 0

    def _caller(self) -> Caller:
        account_id = new_id()
        with self.db.write() as tx:
            self.credits.open(tx, account_id)
            self.credits.grant(
                tx, account_id, START, kind="grant", reference=new_id(), description="Start"
            )
        return Caller(account_id, "standard", "key", False, frozenset(ALL_SCOPES))

    def sell(self, tx: Tx, number: int, item: str) -> Receipt:
        self.count += 1
        self.credits.charge(
            tx,
            self.callers[number].account_id,
            1,
            kind="tts",
            reference=new_id(),
            description="Order",
        )
        return Receipt(number=self.count, item=item)

    def answer(self, number: int, key: str) -> tuple[str, bytes] | None:
        item, body, until = self.answered.get((number, key), ("", b"", 0.0))
        return (item, body) if until > self.clock.monotonic() else None

    def in_flight(self, number: int, key: str) -> str | None:
        """What a process died over, while its claim lasts."""
        item, until = self.lost.get((number, key), ("", 0.0))
        return item if until > self.clock.monotonic() else None

    @rule(number=who, key=keys, item=items, at_once=st.booleans())
    def order(self, number: int, key: str, item: str, at_once: bool) -> None:
        """`at_once`: the order and its record in one unit of work."""
        before, lost = self.answer(number, key), self.in_flight(number, key)
        try:
            answer = self.ask(number, key, item, at_once)
        except InsufficientCredits:
            assert before is None
            assert lost is None
            assert self.left[number] == 0
        except Conflict as refused:
            first = before[0] if before else lost
            assert first is not None
            if first != item:
                assert refused.code == "idempotency_key_reused"
            else:
                assert before is None
                assert refused.code == "idempotency_in_flight"
        else:
            assert lost is None
            if before is None:
                assert REPLAYED not in answer.headers
                self.left[number] -= 1
                until = self.clock.monotonic() + LIFE_S
                self.answered[number, key] = (item, bytes(answer.body), until)
            else:
                assert answer.headers[REPLAYED] == "true"
                assert (item, bytes(answer.body)) == before

    def ask(self, number: int, key: str, item: str, at_once: bool) -> Response:
        caller, request, body = self.callers[number], request_for(key), Order(item=item)
        if at_once:
            return self.idempotency.run_in_tx(
                caller, request, body, lambda tx: self.sell(tx, number, item)
            )

        def work() -> Receipt:
            with self.db.write() as tx:
                return self.sell(tx, number, item)

        return self.idempotency.run(caller, request, body, work)

    @rule(number=who, key=keys, item=items, paid=st.booleans())
    def die_over(self, number: int, key: str, item: str, paid: bool) -> None:
        """Before or after the order is paid; in either case nobody frees the key."""
        if self.answer(number, key) or self.in_flight(number, key):
            return
        ticket = self.idempotency.begin(self.callers[number], request_for(key), Order(item=item))
        assert isinstance(ticket, Ticket)
        self.answered.pop((number, key), None)
        self.lost[number, key] = (item, self.clock.monotonic() + LEASE_S)
        if paid and self.left[number]:
            with self.db.write() as tx:
                self.sell(tx, number, item)
            self.left[number] -= 1

    @rule(number=who, key=keys, item=items)
    def die_within_a_unit_of_work(self, number: int, key: str, item: str) -> None:
        if self.answer(number, key) or self.in_flight(number, key):
            return

        def work(tx: Tx) -> Receipt:
            with suppress(InsufficientCredits):
                self.sell(tx, number, item)
            raise Died

        with suppress(Died):
            self.idempotency.run_in_tx(
                self.callers[number], request_for(key), Order(item=item), work
            )
        self.answered.pop((number, key), None)

    @rule(number=who, key=keys, item=items)
    def fail_over(self, number: int, key: str, item: str) -> None:
        """An error that we answer: the key is free for the next attempt."""
        if self.answer(number, key) or self.in_flight(number, key):
            return

        def work() -> Receipt:
            raise UpstreamFailed("Not today.")

        with suppress(UpstreamFailed):
            self.idempotency.run(self.callers[number], request_for(key), Order(item=item), work)

    @rule(seconds=st.sampled_from((1, LEASE_S - 1, LEASE_S, LIFE_S - 1, LIFE_S)))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule()
    def sweep(self) -> None:
        self.idempotency.sweep()

    @invariant()
    def each_key_was_paid_for_once(self) -> None:
        with self.db.read() as tx:
            for caller, left in zip(self.callers, self.left, strict=True):
                assert self.credits.balance(tx, caller.account_id).available == left


@pytest.mark.slow
def test_each_key_is_one_order(db: Database) -> None:
    class Kept(Orders):
        def __init__(self) -> None:
            super().__init__(db)

    run_state_machine_as_test(
        Kept, settings=settings(max_examples=25, stateful_step_count=40, deadline=None)
    )
