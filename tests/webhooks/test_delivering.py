"""Events reach their endpoints signed, are tried again, and their log says how it went."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from charafy.house import House
from charafy.webhooks.deliverer import Deliverer
from charafy.webhooks.models import EVENT_TYPES
from charafy.webhooks.tables import events
from tests.support.clock import ManualClock
from tests.support.neighbours import Customer
from tests.support.servers import answer, raw, redirect
from tests.support.webhooks import OK, Receiver
from tests.webhooks.conftest import Emit

BUSY = answer(b"busy", status="503 Service Unavailable")
LATER_S = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]
"""The specification's example schedule."""
DAY_S = 86_400

Log = Callable[[dict[str, Any]], list[Any]]


def test_an_event_arrives_signed_as_the_specification_says(
    deliverer: Deliverer,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    clock: ManualClock,
) -> None:
    emit("video.completed", {"video_id": "v1", "title": "さくら"})
    assert deliverer.run_once() == 1
    (got,) = receiver.received
    assert receiver.requests[0].startswith("POST /hook?from=charafy HTTP/1.1\r\n")
    assert got.is_signed_with(endpoint["secret"])
    assert got.headers["webhook-timestamp"] == str(int(clock.now().timestamp()))
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"].startswith("charafy")
    assert "." not in got.id
    assert list(got.event) == ["type", "timestamp", "data"]
    assert got.event == {
        "type": "video.completed",
        "timestamp": "2026-01-01T00:00:00Z",
        "data": {"video_id": "v1", "title": "さくら"},
    }


def test_a_delivered_event_is_not_sent_again_and_its_log_says_so(
    deliverer: Deliverer,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    clock: ManualClock,
    log_of: Log,
) -> None:
    emit()
    deliverer.run_once()
    clock.advance(4 * DAY_S)
    assert deliverer.run_once() == 0
    (delivery,) = log_of(endpoint)
    assert (delivery["status"], delivery["next_attempt_at"]) == ("delivered", None)
    assert delivery["event_id"] == receiver.received[0].id
    assert delivery["event_type"] == "video.completed"
    (attempt,) = delivery["attempts"]
    assert attempt == {
        "attempted_at": "2026-01-01T00:00:00Z",
        "duration_ms": 0,
        "response_status": 200,
        "response_body": "thanks",
        "error": None,
    }


def test_an_event_that_its_transaction_takes_back_is_never_told(
    house: House,
    deliverer: Deliverer,
    endpoint: dict[str, Any],
    receiver: Receiver,
    alice: Customer,
) -> None:
    with pytest.raises(ZeroDivisionError), house.db.write() as tx:
        house.webhooks.emit(tx, alice.account_id, "video.completed", {})
        raise ZeroDivisionError
    assert deliverer.run_once() == 0
    assert receiver.received == []


def test_what_is_refused_is_tried_again_on_the_schedule_with_the_same_id_and_bytes(
    deliverer: Deliverer,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    clock: ManualClock,
    log_of: Log,
) -> None:
    receiver.answers(BUSY)
    emit()
    for number, wait_s in enumerate(LATER_S, start=1):
        assert deliverer.run_once() == 1
        assert log_of(endpoint)[0]["status"] == "pending"
        clock.advance(wait_s - 1)
        assert deliverer.run_once() == 0, f"attempt {number + 1} came early"
        clock.advance(1)
    assert deliverer.run_once() == 1
    clock.advance(30 * DAY_S)
    assert deliverer.run_once() == 0

    got = receiver.received
    assert len(got) == 10
    assert len({request.id for request in got}) == 1
    assert len({request.body for request in got}) == 1
    assert len({request.headers["webhook-timestamp"] for request in got}) == 10
    assert all(request.is_signed_with(endpoint["secret"]) for request in got)
    (delivery,) = log_of(endpoint)
    assert delivery["status"] == "failed"
    assert [attempt["response_status"] for attempt in delivery["attempts"]] == [503] * 10


def test_a_retry_that_is_answered_ends_the_schedule(
    deliverer: Deliverer,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    clock: ManualClock,
    log_of: Log,
) -> None:
    receiver.answers(BUSY, raw(b""), answer(b"", status="204 No Content"))
    emit()
    for _ in range(3):
        deliverer.run_once()
        clock.advance(301)
    (delivery,) = log_of(endpoint)
    assert delivery["status"] == "delivered"
    assert [a["response_status"] for a in delivery["attempts"]] == [503, None, 204]
    assert delivery["attempts"][1]["error"] == "There was no answer: the connection failed."


def test_an_endpoint_may_ask_for_more_time_but_not_for_less(
    deliverer: Deliverer, endpoint: dict[str, Any], receiver: Receiver, emit: Emit, log_of: Log
) -> None:
    for wish, then in (
        ("120", "2026-01-01T00:02:00Z"),
        ("1", "2026-01-01T00:00:05Z"),
        ("99999999", "2026-01-02T00:00:00Z"),
        ("Fri, 31 Dec 2027 23:59:59 GMT", "2026-01-01T00:00:05Z"),
    ):
        receiver.answers(answer(b"", f"Retry-After: {wish}", status="429 Too Many Requests"))
        known = {delivery["delivery_id"] for delivery in log_of(endpoint)}
        emit()
        deliverer.run_once()
        (new,) = (d for d in log_of(endpoint) if d["delivery_id"] not in known)
        assert new["next_attempt_at"] == then, wish


def test_a_redirect_is_a_failure_and_is_not_followed(
    deliverer: Deliverer,
    endpoint: dict[str, Any],
    receiver: Receiver,
    other_receiver: Receiver,
    emit: Emit,
    log_of: Log,
) -> None:
    receiver.answers(redirect(other_receiver.url))
    emit()
    deliverer.run_once()
    assert other_receiver.requests == []
    (delivery,) = log_of(endpoint)
    assert delivery["status"] == "pending"
    assert delivery["attempts"][0]["response_status"] == 302


def test_gone_disables_the_endpoint_and_cancels_what_waits_for_it(
    deliverer: Deliverer,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    alice: Customer,
    log_of: Log,
    clock: ManualClock,
) -> None:
    receiver.answers(answer(b"", status="410 Gone"))
    emit()
    emit()
    assert deliverer.run_once() == 1
    shown = alice.get(f"/webhooks/{endpoint['endpoint_id']}").json()
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "gone")
    assert shown["disabled_at"] == "2026-01-01T00:00:00Z"
    assert sorted(d["status"] for d in log_of(endpoint)) == ["cancelled", "failed"]
    emit()
    clock.advance(4 * DAY_S)
    assert deliverer.run_once() == 0
    assert len(log_of(endpoint)) == 2


def hours_pass(deliverer: Deliverer, clock: ManualClock, hours: int) -> None:
    for _ in range(hours):
        deliverer.run_once()
        clock.advance(3_600)


def test_an_endpoint_that_fails_for_five_days_is_disabled(
    deliverer: Deliverer,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    alice: Customer,
    clock: ManualClock,
) -> None:
    receiver.answers(BUSY)
    path = f"/webhooks/{endpoint['endpoint_id']}"
    emit()
    hours_pass(deliverer, clock, 4 * 24)
    assert alice.get(path).json()["enabled"], "one event that was given up is not enough"
    emit()
    hours_pass(deliverer, clock, 3 * 24)
    assert alice.get(path).json()["enabled"], "the second may still arrive"
    hours_pass(deliverer, clock, 24)
    shown = alice.get(path).json()
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "failing")


def test_one_success_in_between_is_enough_to_stay_enabled(
    deliverer: Deliverer,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    alice: Customer,
    clock: ManualClock,
) -> None:
    receiver.answers(BUSY)
    emit()
    hours_pass(deliverer, clock, 4 * 24)
    receiver.answers(OK)
    emit()
    hours_pass(deliverer, clock, 1)
    receiver.answers(BUSY)
    emit()
    hours_pass(deliverer, clock, 4 * 24)
    assert len(receiver.received) == 21
    assert alice.get(f"/webhooks/{endpoint['endpoint_id']}").json()["enabled"]


def test_only_those_are_told_who_listen_are_enabled_and_own_it(
    deliverer: Deliverer,
    receiver: Receiver,
    other_receiver: Receiver,
    emit: Emit,
    alice: Customer,
    bob: Customer,
) -> None:
    alice.post("/webhooks", {"url": receiver.url, "events": ["video.failed"]})
    asleep = alice.post("/webhooks", {"url": other_receiver.url}).json()
    alice.patch(f"/webhooks/{asleep['endpoint_id']}", {"enabled": False})
    bob.post("/webhooks", {"url": other_receiver.url})
    emit("video.completed")
    assert deliverer.run_once() == 0
    emit("video.failed")
    assert deliverer.run_once() == 1
    assert [got.event["type"] for got in receiver.received] == ["video.failed"]
    assert other_receiver.received == []


def test_every_endpoint_that_listens_gets_the_same_event_under_its_own_signature(
    deliverer: Deliverer, receiver: Receiver, other_receiver: Receiver, emit: Emit, alice: Customer
) -> None:
    first = alice.post("/webhooks", {"url": receiver.url}).json()
    second = alice.post("/webhooks", {"url": other_receiver.url}).json()
    emit()
    assert deliverer.run_once() == 2
    (here,), (there,) = receiver.received, other_receiver.received
    assert (here.id, here.body) == (there.id, there.body)
    assert here.is_signed_with(first["secret"])
    assert there.is_signed_with(second["secret"])
    assert not here.is_signed_with(second["secret"])


def test_without_a_listener_nothing_is_written(house: House, emit: Emit) -> None:
    emit()
    with house.db.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(events)).scalar_one() == 0


def test_an_unknown_event_type_and_data_that_is_not_json_are_programming_errors(
    emit: Emit, endpoint: dict[str, Any]
) -> None:
    for wrong in ("video.exploded", "webhook.test", ""):
        with pytest.raises(ValueError, match="no event type"):
            emit(wrong)
    with pytest.raises(ValueError, match="JSON"):
        emit("video.failed", {"progress": float("nan")})
    assert "video.failed" in EVENT_TYPES


def test_a_text_that_utf8_cannot_hold_does_not_stop_an_event(
    deliverer: Deliverer, endpoint: dict[str, Any], receiver: Receiver, emit: Emit
) -> None:
    emit("video.failed", {"error": "half an emoji: \ud83d"})
    deliverer.run_once()
    assert json.loads(receiver.received[0].body)["data"]["error"].endswith("\ud83d")


def test_both_secrets_sign_for_a_day_after_a_rotation(
    deliverer: Deliverer,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    alice: Customer,
    clock: ManualClock,
) -> None:
    path = f"/webhooks/{endpoint['endpoint_id']}"
    rotated = alice.post(f"{path}/rotate").json()
    assert rotated["secret"] != endpoint["secret"]
    assert rotated["old_secret_until"] == "2026-01-02T00:00:00Z"
    emit()
    deliverer.run_once()
    clock.advance(DAY_S - 1)
    emit()
    deliverer.run_once()
    clock.advance(1)
    emit()
    deliverer.run_once()
    first, second, third = receiver.received
    for got in (first, second):
        assert len(got.signatures()) == 2
        assert got.is_signed_with(rotated["secret"])
        assert got.is_signed_with(endpoint["secret"])
    assert len(third.signatures()) == 1
    assert third.is_signed_with(rotated["secret"])
    assert alice.get(path).json()["old_secret_until"] is None


def test_a_delivery_can_be_sent_again_by_hand_and_is_the_same_event(
    deliverer: Deliverer,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    alice: Customer,
    log_of: Log,
    clock: ManualClock,
) -> None:
    emit()
    deliverer.run_once()
    (delivery,) = log_of(endpoint)
    receiver.answers(BUSY, OK)
    again = alice.post(f"/webhooks/deliveries/{delivery['delivery_id']}/redeliver")
    assert again.status_code == 200
    assert again.json()["status"] == "pending"
    deliverer.run_once()
    clock.advance(5)
    deliverer.run_once()
    assert {(got.id, got.body) for got in receiver.received} == {
        (receiver.received[0].id, receiver.received[0].body)
    }
    (delivery,) = log_of(endpoint)
    assert [a["response_status"] for a in delivery["attempts"]] == [200, 503, 200]


def test_a_test_event_is_sent_once_to_its_endpoint_alone(
    deliverer: Deliverer,
    receiver: Receiver,
    other_receiver: Receiver,
    alice: Customer,
    log_of: Log,
    clock: ManualClock,
) -> None:
    chosen = alice.post("/webhooks", {"url": receiver.url, "events": ["video.failed"]}).json()
    alice.post("/webhooks", {"url": other_receiver.url})
    receiver.answers(BUSY)
    queued = alice.post(f"/webhooks/{chosen['endpoint_id']}/test").json()
    assert (queued["event_type"], queued["status"]) == ("webhook.test", "pending")
    assert deliverer.run_once() == 1
    clock.advance(DAY_S)
    assert deliverer.run_once() == 0
    assert other_receiver.requests == []
    (got,) = receiver.received
    assert got.is_signed_with(chosen["secret"])
    assert got.event["data"] == {"endpoint_id": chosen["endpoint_id"]}
    assert log_of(chosen)[0]["status"] == "failed"


def test_failed_tests_are_no_reason_to_disable_an_endpoint(
    deliverer: Deliverer,
    endpoint: dict[str, Any],
    receiver: Receiver,
    alice: Customer,
    clock: ManualClock,
) -> None:
    receiver.answers(BUSY)
    path = f"/webhooks/{endpoint['endpoint_id']}"
    for _ in range(3):
        alice.post(f"{path}/test")
        deliverer.run_once()
        clock.advance(6 * DAY_S)
    assert len(receiver.received) == 3
    assert alice.get(path).json()["enabled"]


def test_old_events_are_forgotten_with_their_deliveries(
    house: House,
    deliverer: Deliverer,
    endpoint: dict[str, Any],
    emit: Emit,
    clock: ManualClock,
    log_of: Log,
) -> None:
    emit()
    deliverer.run_once()
    clock.advance(20 * DAY_S)
    emit()
    deliverer.run_once()
    clock.advance(11 * DAY_S)
    assert house.webhooks.sweep() == 1
    assert [d["created_at"] for d in log_of(endpoint)] == ["2026-01-21T00:00:00Z"]


def test_a_deleted_account_leaves_nothing_and_is_told_nothing(
    house: House,
    deliverer: Deliverer,
    endpoint: dict[str, Any],
    receiver: Receiver,
    emit: Emit,
    alice: Customer,
) -> None:
    receiver.answers(BUSY)
    emit()
    deliverer.run_once()
    emit()
    house.accounts.delete(alice.account_id)
    emit()
    assert deliverer.run_once() == 0
    with house.db.read() as tx:
        for table in ("endpoints", "events", "deliveries", "attempts"):
            count = tx.exec_driver_sql(f"SELECT count(*) FROM webhook_{table}").scalar_one()
            assert count == 0, table
