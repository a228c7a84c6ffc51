"""Nothing that a client sends again is done twice."""

from __future__ import annotations

from typing import Any

from charafy.conversations.models import Before, TurnRecord
from charafy.talk.events import Event
from charafy.talk.receipts import Receipts


def text(key: object, content: str = "Hello", **more: object) -> dict[str, Any]:
    return {"type": "send-text", "id": key, "data": {"content": content}, **more}


def turn(role: Any, said: str) -> TurnRecord:
    return TurnRecord(role=role, text=said, interrupted=False, started_s=1.0, latency={})


def ids(told: list[Event]) -> list[str]:
    return [event["data"]["id"] for event in told if event["data"]["t"] == "received"]


def test_each_message_with_an_id_gets_a_receipt() -> None:
    told: list[Event] = []
    receipts = Receipts(told.append)
    assert all(receipts.take(text(key)) for key in ("a-1", "a-2"))
    assert ids(told) == ["a-1", "a-2"]


def test_what_comes_again_is_taken_once_and_gets_its_receipt_again() -> None:
    told: list[Event] = []
    receipts = Receipts(told.append)
    assert receipts.take(text("a-1", again=True)), "the first one was lost"
    assert not receipts.take(text("a-1", again=True))
    assert ids(told) == ["a-1", "a-1"]


def test_clients_whose_ids_are_all_the_same_are_understood() -> None:
    receipts = Receipts(lambda event: None)
    assert all(receipts.take(text("1", content)) for content in ("Hello", "Hello", "Bye"))


def test_what_has_no_id_or_a_strange_one_is_taken_without_a_receipt() -> None:
    told: list[Event] = []
    receipts = Receipts(told.append)
    assert all(receipts.take(text(key, again=True)) for key in (None, 7, "", "x" * 65, ["a"]))
    assert told == []


def test_a_thousand_messages_are_not_all_remembered() -> None:
    receipts = Receipts(lambda event: None)
    for number in range(1000):
        receipts.take(text(f"a-{number}"))
    assert receipts.take(text("a-0", again=True))
    assert not receipts.take(text("a-999", again=True))


def test_a_turn_that_the_process_before_had_taken_is_not_taken_again() -> None:
    before = Before(10.0, None, (turn("assistant", "Hi."), turn("user", "Who are you?")))
    receipts = Receipts(lambda event: None, before)
    assert receipts.take(text("a-1", "Something else", again=True))
    assert not receipts.take(text("a-2", "Who are you?", again=True))
    assert receipts.take(text("a-3", "Who are you?")), "asked once more"


def test_a_turn_that_was_answered_may_be_said_again() -> None:
    before = Before(10.0, None, (turn("user", "Who are you?"), turn("assistant", "Emma.")))
    receipts = Receipts(lambda event: None, before)
    assert receipts.take(text("a-2", "Who are you?", again=True))
