"""A conversation whose process is lost goes on in another: exactly one, and nobody pays the gap."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from charafy.conversations.models import Ending, TurnRecord
from charafy.conversations.sessions import LEASE, Sessions
from charafy.conversations.succession import Lost, Succession
from charafy.house import House
from tests.support.clock import ManualClock
from tests.support.conversations import asked, row, spent
from tests.support.videos import Customer, Money, money

HELLO = TurnRecord("assistant", "Hello!", False, 0.5, {})
ASKED = TurnRecord("user", "What do you like?", False, 3.0, {})


@pytest.fixture
def succession(house: House) -> Succession:
    return house.conversation_room.succession


@pytest.fixture
def lost(
    client: TestClient,
    who: Customer,
    sessions: Sessions,
    succession: Succession,
    clock: ManualClock,
) -> Lost:
    """Led by "first" for 20 s, which was silent for 10 s since."""
    conversation_id = asked(client, who, visitor_name="Mika")["conversation_id"]
    sessions.admit_joined(conversation_id, "first")
    sessions.reached(conversation_id)
    sessions.turn(conversation_id, HELLO)
    sessions.turn(conversation_id, ASKED)
    clock.advance(20)
    sessions.beat(conversation_id)
    clock.advance(10)
    [found] = succession.left_by(["first"], 5)
    return found


def test_who_takes_it_over_learns_what_was_said_and_is_paid_for_what_is_led(
    house: House,
    who: Customer,
    sessions: Sessions,
    succession: Succession,
    clock: ManualClock,
    lost: Lost,
) -> None:
    admitted = succession.take_over(lost, "second")
    assert admitted is not None
    assert (admitted.term, admitted.visitor) == (1, "Mika")
    assert admitted.before is not None
    assert admitted.before.turns == (HELLO, ASKED)
    assert admitted.before.seconds == 20
    clock.advance(5)
    sessions.reached(lost.conversation_id, term=1, before_s=20)
    clock.advance(40)
    assert sessions.beat(lost.conversation_id, term=1)
    now = row(house, lost.conversation_id)
    assert (now.node, now.term, now.gap_s) == ("second", 1, 15)
    assert sessions.end(lost.conversation_id, Ending("hang_up", 60.0), term=1)
    assert [-entry.amount for entry in spent(house, who)] == [5]
    assert money(house, who) == Money(995, 0)


def test_of_many_that_want_it_one_gets_it(house: House, succession: Succession, lost: Lost) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: succession.take_over(lost, f"node{n}"), range(8)))
    [taken] = [number for number, admitted in enumerate(answers) if admitted is not None]
    assert row(house, lost.conversation_id).node == f"node{taken}"


def test_who_gave_a_sign_of_life_meanwhile_keeps_it(
    sessions: Sessions, succession: Succession, lost: Lost
) -> None:
    assert sessions.beat(lost.conversation_id)
    assert succession.take_over(lost, "second") is None


def test_who_lost_it_can_neither_keep_nor_end_it_nor_add_to_it(
    house: House, who: Customer, sessions: Sessions, succession: Succession, lost: Lost
) -> None:
    assert not succession.has_moved(lost.conversation_id, 0)
    succession.take_over(lost, "second")
    assert succession.has_moved(lost.conversation_id, 0)
    assert not succession.has_moved(lost.conversation_id, 1)
    before = row(house, lost.conversation_id)
    assert not sessions.beat(lost.conversation_id)
    assert not sessions.end(lost.conversation_id, Ending("hang_up", 600.0))
    assert not succession.hand_over(lost.conversation_id, term=0)
    sessions.reached(lost.conversation_id)
    sessions.turn(lost.conversation_id, TurnRecord("assistant", "I like tea.", False, 4.0, {}))
    assert row(house, lost.conversation_id) == before
    detail = house.conversation_room.conversations.get(who.account_id, lost.conversation_id)
    assert len(detail.transcript) == 2
    assert not spent(house, who)


def test_one_that_comes_back_to_a_process_is_not_its_earlier_term(
    sessions: Sessions, succession: Succession, lost: Lost
) -> None:
    """The name of who leads it is the same again; what it lost stays lost."""
    succession.take_over(lost, "second")
    [again] = succession.left_by(["second"], 5)
    back = succession.take_over(again, "first")
    assert back is not None
    assert back.term == 2
    assert not sessions.beat(lost.conversation_id)
    assert sessions.beat(lost.conversation_id, term=2)


@pytest.mark.parametrize("came", [False, True])
def test_who_is_lost_after_it_took_over_is_paid_until_its_own_last_sign(
    house: House,
    who: Customer,
    sessions: Sessions,
    succession: Succession,
    clock: ManualClock,
    lost: Lost,
    came: bool,
) -> None:
    succession.take_over(lost, "second")
    if came:
        clock.advance(2)
        sessions.reached(lost.conversation_id, term=1, before_s=20)
        clock.advance(10)
        sessions.beat(lost.conversation_id, term=1)
    clock.advance(LEASE.total_seconds() + 1)
    assert succession.left_by(["second"], 5) == []  # it is given up
    house.sweeper.sweep()
    ended = row(house, lost.conversation_id)
    assert (ended.state, ended.reason, ended.seconds) == ("ended", "node_lost", 30 if came else 20)
    assert money(house, who).held == 0


def test_one_that_is_handed_over_is_anybodys_at_once(
    house: House, sessions: Sessions, succession: Succession, clock: ManualClock, lost: Lost
) -> None:
    assert succession.left_by(["third"], 5) == []
    sessions.beat(lost.conversation_id)
    assert succession.hand_over(lost.conversation_id, term=0)
    [found] = succession.left_by(["third"], 5)
    admitted = succession.take_over(found, "third")
    assert admitted is not None
    assert admitted.before is not None
    assert admitted.before.seconds == 30


def test_a_visitor_who_was_never_there_is_met_as_if_new(
    client: TestClient, who: Customer, sessions: Sessions, succession: Succession
) -> None:
    conversation_id = asked(client, who)["conversation_id"]
    sessions.admit_joined(conversation_id, "first")
    [found] = succession.left_by(["first"], 5)
    admitted = succession.take_over(found, "second")
    assert admitted is not None
    assert admitted.before is None


def test_what_is_not_in_a_room_cannot_be_taken_over(
    client: TestClient, who: Customer, sessions: Sessions, succession: Succession
) -> None:
    token = asked(client, who)["token"]
    sessions.admit(token, "first")
    assert succession.left_by(["first"], 5) == []


def test_one_whose_character_is_gone_is_left_to_be_settled(
    house: House, who: Customer, succession: Succession, lost: Lost
) -> None:
    house.characters.delete(who.account_id, who.character_id)
    assert succession.take_over(lost, "second") is None
