"""Many senders, slow receivers, crashes: every event goes out, and nobody waits for a stranger."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.house import House
from charafy.kernel.bell import Bell
from charafy.kernel.clock import SystemClock
from charafy.webhooks import deliverer as module
from charafy.webhooks import outbox
from charafy.webhooks.deliverer import PER_ACCOUNT, WORKERS
from charafy.webhooks.outbox import Claim
from charafy.webhooks.sending import Outcome, Sender
from charafy.webhooks.signing import Secrets
from charafy.webhooks.tables import endpoints
from tests.support.clock import ManualClock
from tests.support.neighbours import Customer
from tests.support.servers import answer, silent
from tests.support.webhooks import OK, Receiver
from tests.webhooks.conftest import Emit, new_deliverer

PATIENCE_S = 20.0
"""For what must happen; nothing waits so long when it does."""

Log = Callable[[dict[str, Any]], list[Any]]


class HeldSender(Sender):
    """Holds every attempt until it is let go."""

    def __init__(self, house: House, clock: ManualClock, held: str = "") -> None:
        super().__init__(clock, Secrets(house.secret), house.outside)
        self._held = held
        self.started = threading.Semaphore(0)
        self.let_go = threading.Event()
        self.under_way: list[Claim] = []

    def send(self, claim: Claim) -> Outcome:
        self.under_way.append(claim)
        self.started.release()
        if self._held in claim.endpoint.url:
            assert self.let_go.wait(PATIENCE_S)
        return super().send(claim)


@pytest.fixture
def background() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def test_senders_that_race_send_every_event_once(
    house: House,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    clock: ManualClock,
    background: ThreadPoolExecutor,
) -> None:
    for _ in range(12):
        emit()
    senders = [new_deliverer(house, clock) for _ in range(4)]
    sent = list(background.map(lambda sender: sender.run_once(), senders))
    for sender in senders:
        sender.run_once()
        sender.close()
    assert len(receiver.received) == 12
    assert len({got.id for got in receiver.received}) == 12
    assert sum(sent) <= 12


def test_a_claim_is_taken_once(
    house: House, endpoint: dict[str, Any], emit: Emit, clock: ManualClock
) -> None:
    emit()
    now = clock.now()
    with house.db.read() as tx:
        ids = [due.delivery_id for due in outbox.due(tx, now, 10)]
    claims: list[Claim] = []
    for _ in range(2):
        with house.db.write() as tx:
            claims += outbox.claim(tx, ids, now, now + module.LEASE)
    assert len(claims) == 1


def test_who_dies_between_sending_and_recording_sends_again_under_the_same_id(
    house: House,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    clock: ManualClock,
    log_of: Log,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die(*_args: object, **_options: object) -> None:
        raise RuntimeError("killed")

    emit()
    with monkeypatch.context() as patched:
        patched.setattr(module, "record", die)
        killed = new_deliverer(house, clock)
        killed.run_once()
        killed.close()
    assert log_of(endpoint)[0]["attempts"] == []
    successor = new_deliverer(house, clock)
    assert successor.run_once() == 0, "the lease still stands"
    clock.advance(module.LEASE.total_seconds())
    assert successor.run_once() == 1
    successor.close()
    first, second = receiver.received
    assert (first.id, first.body) == (second.id, second.body)
    assert log_of(endpoint)[0]["status"] == "delivered"


def test_who_comes_back_after_its_lease_does_not_undo_what_its_successor_did(
    house: House,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    clock: ManualClock,
    log_of: Log,
    background: ThreadPoolExecutor,
) -> None:
    receiver.answers(OK, answer(b"", status="500 Oops"))
    held = HeldSender(house, clock)
    late = new_deliverer(house, clock, sender=held)
    emit()
    waiting = background.submit(late.run_once)
    assert held.started.acquire(timeout=PATIENCE_S)
    clock.advance(module.LEASE.total_seconds())
    successor = new_deliverer(house, clock)
    assert successor.run_once() == 1
    held.let_go.set()
    waiting.result(PATIENCE_S)
    (delivery,) = log_of(endpoint)
    assert delivery["status"] == "delivered"
    assert [attempt["response_status"] for attempt in delivery["attempts"]] == [200]
    late.close()
    successor.close()


def test_an_endpoint_gets_one_request_at_a_time_and_slow_ones_keep_no_other_account_waiting(
    house: House,
    receiver: Receiver,
    other_receiver: Receiver,
    emit: Emit,
    alice: Customer,
    bob: Customer,
    clock: ManualClock,
    background: ThreadPoolExecutor,
) -> None:
    for _ in range(PER_ACCOUNT + 3):
        alice.post("/webhooks", {"url": receiver.url})
    bob.post("/webhooks", {"url": other_receiver.url})
    for _ in range(WORKERS):
        emit()
    clock.advance(1)
    emit(account_id=bob.account_id)
    held = HeldSender(house, clock, held=receiver.host)
    deliverer = new_deliverer(house, clock, sender=held)
    deliverer.start()
    for _ in range(PER_ACCOUNT + 1):
        assert held.started.acquire(timeout=PATIENCE_S)
    told = [claim.endpoint for claim in held.under_way]
    assert len({endpoint.endpoint_id for endpoint in told}) == PER_ACCOUNT + 1
    assert sum(endpoint.account_id == alice.account_id for endpoint in told) == PER_ACCOUNT
    wait_until(lambda: len(other_receiver.received) == 1)
    held.let_go.set()
    deliverer.close()


def test_an_endpoint_that_never_answers_is_given_up_and_tried_again(
    house: House,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    clock: ManualClock,
    log_of: Log,
) -> None:
    receiver.answers(silent)
    sender = Sender(SystemClock(), Secrets(house.secret), house.outside, timeout_s=0.3)
    deliverer = new_deliverer(house, clock, sender=sender)
    emit()
    assert deliverer.run_once() == 1
    deliverer.close()
    (delivery,) = log_of(endpoint)
    assert delivery["next_attempt_at"] == "2026-01-01T00:00:05Z"
    assert delivery["attempts"][0]["error"] == "There was no answer: it did not answer in time."


def test_the_loop_is_woken_by_the_commit_of_a_new_event(
    house: House, endpoint: dict[str, Any], receiver: Receiver, emit: Emit, clock: ManualClock
) -> None:
    bell = house.webhooks._bell
    deliverer = new_deliverer(house, clock, bell=bell, poll_s=3_600.0)
    deliverer.start()
    for number in range(1, 4):
        emit()
        wait_until(lambda number=number: len(receiver.received) == number)  # type: ignore[misc]
    deliverer.stop()
    emit()
    assert len(receiver.received) == 3
    deliverer.start()
    wait_until(lambda: len(receiver.received) == 4)
    deliverer.close()


def test_the_loop_finds_what_another_process_wrote(
    house: House, endpoint: dict[str, Any], receiver: Receiver, emit: Emit, clock: ManualClock
) -> None:
    deliverer = new_deliverer(house, clock, bell=Bell(), poll_s=0.01)
    deliverer.start()
    emit()
    wait_until(lambda: len(receiver.received) == 1)
    deliverer.close()


def test_the_server_sends_while_it_runs(
    house: House, endpoint: dict[str, Any], receiver: Receiver, emit: Emit
) -> None:
    with TestClient(build_app(house)):
        emit()
        wait_until(lambda: len(receiver.received) == 1)
    emit()
    assert len(receiver.received) == 1


def test_a_database_that_is_away_for_a_moment_does_not_end_the_loop(
    house: House,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures = threading.Semaphore(0)
    due = outbox.due

    def away(*args: Any, **options: Any) -> Any:
        if failures.acquire(blocking=False):
            failed.set()
            raise ConnectionError
        return due(*args, **options)

    failed = threading.Event()
    failures.release()
    monkeypatch.setattr(outbox, "due", away)
    deliverer = new_deliverer(house, clock, poll_s=0.01)
    emit()
    deliverer.start()
    assert failed.wait(PATIENCE_S)
    wait_until(lambda: len(receiver.received) == 1)
    deliverer.close()


def test_disabled_while_on_its_way_it_is_not_tried_again(
    house: House,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    alice: Customer,
    clock: ManualClock,
    log_of: Log,
    background: ThreadPoolExecutor,
) -> None:
    receiver.answers(answer(b"", status="500 Oops"))
    held = HeldSender(house, clock)
    deliverer = new_deliverer(house, clock, sender=held)
    emit()
    waiting = background.submit(deliverer.run_once)
    assert held.started.acquire(timeout=PATIENCE_S)
    alice.patch(f"/webhooks/{endpoint['endpoint_id']}", {"enabled": False})
    held.let_go.set()
    waiting.result(PATIENCE_S)
    deliverer.close()
    (delivery,) = log_of(endpoint)
    assert (delivery["status"], delivery["next_attempt_at"]) == ("cancelled", None)
    assert [attempt["response_status"] for attempt in delivery["attempts"]] == [500]


def test_an_event_that_came_while_its_endpoint_was_being_disabled_is_not_sent(
    house: House,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    clock: ManualClock,
    log_of: Log,
) -> None:
    emit()
    with house.db.write() as tx:
        tx.execute(endpoints.update().values(enabled=False))
    deliverer = new_deliverer(house, clock)
    assert deliverer.run_once() == 0
    deliverer.close()
    assert receiver.requests == []
    assert log_of(endpoint)[0]["status"] == "cancelled"


def test_deleted_while_on_its_way_it_leaves_nothing(
    house: House,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    alice: Customer,
    clock: ManualClock,
    background: ThreadPoolExecutor,
) -> None:
    held = HeldSender(house, clock)
    deliverer = new_deliverer(house, clock, sender=held)
    emit()
    waiting = background.submit(deliverer.run_once)
    assert held.started.acquire(timeout=PATIENCE_S)
    alice.delete(f"/webhooks/{endpoint['endpoint_id']}")
    held.let_go.set()
    assert waiting.result(PATIENCE_S) == 1
    deliverer.close()
    with house.db.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM webhook_attempts").scalar_one() == 0


def test_looking_for_work_reads_an_index_and_nothing_else(house: House) -> None:
    look = "SELECT id FROM webhook_deliveries WHERE due_at <= '2026-01-01'"
    with house.db.read() as tx:
        if tx.dialect.name == "sqlite":
            [step] = tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {look}").all()
            assert "SEARCH" in step[-1]
            assert "ix_webhook_deliveries_due" in step[-1]
            return
        # It reads an empty table as a whole, unless told that this costs a lot.
        tx.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = "\n".join(tx.exec_driver_sql(f"EXPLAIN {look}").scalars())
    assert "ix_webhook_deliveries_due" in plan
    assert "Index Cond" in plan
    assert "Filter" not in plan


def wait_until(happened: Callable[[], bool]) -> None:
    """Poll without a clock of our own: an event that nobody sets is waited for in small steps."""
    never = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        if happened():
            return
        never.wait(0.01)
    raise AssertionError("it never happened")
