"""Visitors are let in within the limits, whatever they do at the same instant; the owner pays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest

from charafy.conversations import queries as conversations
from charafy.embed.models import Opened
from charafy.embed.visits import LIFE
from charafy.kernel.errors import CharafyError, InsufficientCredits, NotFound, TooManyRequests
from tests.embed.conftest import Stage
from tests.support.neighbours import Customer

DAY_S = 86_400


def refused(stage: Stage) -> TooManyRequests:
    with pytest.raises(TooManyRequests) as caught:
        stage.open()
    return caught.value


def at_once(stage: Stage, visitors: int) -> tuple[list[Opened], list[CharafyError]]:
    """All ask at the same instant."""
    gate = Barrier(visitors)

    def visit(_number: int) -> Opened | CharafyError:
        gate.wait(10)
        try:
            return stage.open()
        except CharafyError as error:
            return error

    with ThreadPoolExecutor(visitors) as pool:
        came = list(pool.map(visit, range(visitors)))
    opened = [one for one in came if isinstance(one, Opened)]
    return opened, [one for one in came if isinstance(one, CharafyError)]


def state_of(stage: Stage, opened: Opened) -> Any:
    with stage.house.db.read() as tx:
        return conversations.find(tx, opened.conversation_id)


def test_the_owner_pays_for_the_seconds_that_a_visitor_talked(stage: Stage) -> None:
    before = stage.credits
    opened = stage.open()
    assert stage.credits == before - 50, "the whole time is set aside"
    stage.connect(opened)
    stage.leave(opened, 61)
    assert stage.credits == before - 6
    assert state_of(stage, opened).origin == "https://shop.example"
    paid = stage.owner.get("/credits").json()["transactions"][0]
    assert (paid["amount"], paid["character_id"]) == (-6, stage.character_id)
    with stage.house.db.read() as tx:
        assert stage.house.credits.audit(tx) == []


def test_a_visit_lasts_as_long_as_its_owner_says(stage: Stage) -> None:
    assert stage.open().session_limit_s == 600
    stage.limit(session=90)
    assert stage.open().session_limit_s == 90
    stage.limit(session=3_600)
    assert stage.open().session_limit_s == 600, "and never longer than the server allows"


def test_without_credits_a_visitor_learns_nothing_of_the_owner_s_account(stage: Stage) -> None:
    with stage.house.db.write() as tx:
        stage.house.credits.adjust(tx, stage.owner.account_id, 7 - stage.credits, reason="Test")
    opened = stage.open()
    assert opened.session_limit_s == 60, "seven credits are one minute"
    with pytest.raises(InsufficientCredits) as caught:
        stage.open()
    assert (caught.value.status, caught.value.code) == (402, "embed_unavailable")
    assert not any(char.isdigit() for char in caught.value.message)
    assert "credit" not in caught.value.message


@pytest.mark.parametrize("places", [1, 3])
def test_of_those_who_ask_at_the_same_instant_only_as_many_come_in_as_may(
    stage: Stage, places: int
) -> None:
    stage.limit(max_concurrent=places)
    opened, refusals = at_once(stage, places + 5)
    assert len(opened) == places
    assert {error.code for error in refusals} == {"embed_full"}
    assert {error.status for error in refusals} == {429}
    stage.connect(opened[0])
    stage.leave(opened[0], 5)
    stage.open()


def test_at_the_same_instant_no_more_seconds_are_given_than_the_day_has(stage: Stage) -> None:
    stage.limit(daily=150, session=60)
    opened, refusals = at_once(stage, 6)
    assert [visit.session_limit_s for visit in opened] == [60, 60]
    assert {error.code for error in refusals} == {"embed_full"}, "what they leave comes back"


def test_one_visitor_takes_three_places_and_no_more(stage: Stage) -> None:
    visits = stage.house.embed_room.visits

    def come(address: str) -> Opened:
        return visits.open(stage.character_id, origin=None, address=address)

    opened = [come("192.0.2.1") for _ in range(3)]
    with pytest.raises(TooManyRequests) as caught:
        come("192.0.2.1")
    assert caught.value.code == "embed_several"
    come("192.0.2.2")
    stage.connect(opened[0])
    stage.leave(opened[0], 5)
    come("192.0.2.1")
    with stage.house.db.read() as tx:
        kept = tx.exec_driver_sql("SELECT visitor FROM embed_sessions").scalars().all()
    assert not any("192.0.2" in visitor for visitor in kept)


def test_who_does_not_come_loses_the_place(stage: Stage) -> None:
    stage.limit(max_concurrent=1)
    before = stage.credits
    stage.open()
    assert refused(stage).code == "embed_full"
    stage.clock.advance(LIFE.total_seconds() + 1)
    stage.sweep()
    assert stage.credits == before
    stage.open()


def test_a_day_has_so_many_seconds_and_the_next_day_as_many_again(stage: Stage) -> None:
    stage.limit(daily=300)
    stage.talk(200)
    assert stage.open().session_limit_s == 100
    stage.sweep()
    stage.clock.advance(LIFE.total_seconds() + 1)
    stage.sweep()
    stage.talk(60)
    error = refused(stage)
    assert error.code == "embed_limit_reached"
    to_midnight = DAY_S - stage.clock.now().timestamp() % DAY_S
    assert int(error.headers["Retry-After"]) == pytest.approx(to_midnight, abs=1)
    stage.clock.advance(to_midnight)
    assert stage.open().session_limit_s == 300


def test_a_visit_across_midnight_takes_from_each_day_what_passed_in_it(stage: Stage) -> None:
    stage.limit(daily=300)
    stage.clock.advance(DAY_S - 40)
    opened = stage.open()
    stage.connect(opened)
    stage.leave(opened, 240)
    usage = stage.owner.get(f"/characters/{stage.character_id}/embed/usage").json()
    assert usage == {
        "character_id": stage.character_id,
        "today_seconds": 200,
        "month_seconds": 240,
        "open_sessions": 0,
        "days": [
            {"day": "2026-01-01", "seconds": 40, "sessions": 1},
            {"day": "2026-01-02", "seconds": 200, "sessions": 0},
        ],
    }
    assert stage.open().session_limit_s == 100


def test_who_talks_across_midnight_keeps_the_new_day_s_seconds_from_others(stage: Stage) -> None:
    stage.limit(daily=300)
    stage.clock.advance(DAY_S - 40)
    stage.connect(stage.open())
    stage.clock.advance(41)
    assert refused(stage).code == "embed_full"


def test_a_month_has_so_many_seconds(stage: Stage) -> None:
    stage.limit(monthly=3_600)
    for _ in range(6):
        stage.talk(600)
        stage.clock.advance(DAY_S)
    error = refused(stage)
    assert error.code == "embed_limit_reached"
    february = datetime(2026, 2, 1, tzinfo=UTC)
    assert int(error.headers["Retry-After"]) == (february - stage.clock.now()).total_seconds()
    stage.clock.advance(int(error.headers["Retry-After"]))
    stage.open()


def test_what_the_owner_forgets_is_still_counted(stage: Stage) -> None:
    stage.limit(daily=120)
    opened = stage.talk(100)
    assert stage.owner.delete(f"/conversations/{opened.conversation_id}").status_code == 200
    assert refused(stage).code == "embed_limit_reached"


def test_the_owner_s_own_conversations_are_not_counted(stage: Stage) -> None:
    stage.limit(daily=60, max_concurrent=1)
    body = {"character_id": stage.character_id, "mode": "audio-only"}
    assert stage.owner.post("/conversation/token", body).status_code == 200
    assert stage.open().session_limit_s == 60


def test_nobody_else_sees_what_was_used(stage: Stage, bob: Customer) -> None:
    assert bob.get(f"/characters/{stage.character_id}/embed/usage").status_code == 404
    stage.talk(10)
    opened = stage.open()
    usage = stage.owner.get(f"/characters/{stage.character_id}/embed/usage").json()
    assert (usage["open_sessions"], usage["today_seconds"]) == (1, 10)
    stage.connect(opened)


def test_only_what_is_embedded_can_be_visited(stage: Stage) -> None:
    stage.settings(embed_enabled=False)
    for stranger in (stage.character_id, "x", "0d6a2a35-4a4f-4a57-9d0e-0a5b0f1c7a11"):
        with pytest.raises(NotFound):
            stage.house.embed_room.visits.open(stranger, origin=None)


def test_who_talks_to_one_that_is_disabled_is_let_go_and_charged_so_far(stage: Stage) -> None:
    before, opened = stage.credits, stage.open()
    stage.connect(opened)
    stage.clock.advance(30)
    stage.settings(embed_enabled=False)
    ended = state_of(stage, opened)
    assert (ended.state, ended.reason, ended.charged) == ("ended", "deleted", 3)
    assert stage.credits == before - 3
    assert stage.house.conversation_room.sessions.beat(opened.conversation_id) is False


def test_who_talks_to_one_that_is_deleted_is_let_go(stage: Stage) -> None:
    opened = stage.open()
    stage.connect(opened)
    stage.clock.advance(12)
    assert stage.owner.delete(f"/characters/{stage.character_id}").status_code == 200
    stage.sweep()
    ended = state_of(stage, opened)
    assert (ended.state, ended.charged) == ("ended", 1)
    assert stage.house.embeds.end_gone() == 0


def test_the_characters_of_a_suspended_account_are_not_there(stage: Stage) -> None:
    stage.house.accounts.suspend(stage.owner.account_id)
    with pytest.raises(NotFound):
        stage.open()


def test_an_account_that_goes_takes_its_counts_along(stage: Stage) -> None:
    stage.talk(10)
    stage.open()
    stage.house.accounts.delete(stage.owner.account_id)
    stage.house.accounts.finish_deletions()
    with stage.house.db.read() as tx:
        for table in ("embed_days", "embed_sessions"):
            assert tx.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 0
