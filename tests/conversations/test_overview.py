"""How conversations went, in a few numbers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from charafy.conversations.models import Ending, Role, TurnRecord
from charafy.conversations.overview import Overview, Overviews, Summary
from charafy.conversations.sessions import Sessions
from charafy.house import House
from charafy.kernel.ids import new_id
from tests.support.clock import ManualClock
from tests.support.conversations import asked
from tests.support.videos import Customer

NODE = "talk-1"


@pytest.fixture
def overviews(house: House) -> Overviews:
    return Overviews(house.db)


def said(role: Role, **latency: float) -> TurnRecord:
    return TurnRecord(role, "Hello.", interrupted=False, started_s=1.0, latency=latency)


def held(
    client: TestClient, who: Customer, sessions: Sessions, *turns: TurnRecord, seconds: float
) -> str:
    """A conversation that took place; its id."""
    ticket = asked(client, who)
    talk = sessions.admit(ticket["token"], NODE)
    for turn in turns:
        sessions.turn(talk.conversation_id, turn)
    sessions.end(talk.conversation_id, Ending("hang_up", seconds))
    return talk.conversation_id


def test_conversations_are_counted_with_what_they_cost_and_how_soon_was_answered(
    client: TestClient, who: Customer, sessions: Sessions, overviews: Overviews, clock: ManualClock
) -> None:
    since = clock.now()
    answers = (said("user"), said("assistant", audible=1.0), said("assistant", audible=3.0))
    one = held(client, who, sessions, *answers, seconds=60)
    two = held(client, who, sessions, said("assistant", audible=2.0), seconds=30)
    assert overviews.overview(who.account_id, since) == Overview(2, 90.0, 8, 2.0)
    assert overviews.summaries(who.account_id, [one, two]) == {
        one: Summary(3, 2.0),
        two: Summary(1, 2.0),
    }


def test_who_never_came_is_not_counted(
    client: TestClient, who: Customer, overviews: Overviews, clock: ManualClock
) -> None:
    since = clock.now()
    minted = asked(client, who)["conversation_id"]
    assert overviews.overview(who.account_id, since) == Overview(0, 0.0, 0, None)
    assert overviews.summaries(who.account_id, [minted]) == {minted: Summary(0, None)}


def test_a_greeting_is_no_answer(
    client: TestClient, who: Customer, sessions: Sessions, overviews: Overviews
) -> None:
    talk = held(client, who, sessions, said("assistant"), seconds=5)
    assert overviews.summaries(who.account_id, [talk]) == {talk: Summary(1, None)}


def test_neither_what_was_before_nor_what_is_anothers_counts(
    client: TestClient, who: Customer, sessions: Sessions, overviews: Overviews, clock: ManualClock
) -> None:
    talk = held(client, who, sessions, said("assistant", audible=1.0), seconds=60)
    nothing = Overview(0, 0.0, 0, None)
    assert overviews.overview(who.account_id, clock.now() + timedelta(seconds=1)) == nothing
    assert overviews.overview(new_id(), clock.now() - timedelta(days=1)) == nothing
    assert overviews.summaries(new_id(), [talk]) == {}
