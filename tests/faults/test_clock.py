"""A clock that jumps, forwards or back, makes nobody pay twice and lets nothing run for ever."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.conversations.sessions import Ending
from charafy.credits.service import HoldEnded
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.errors import Unauthorized
from charafy.kernel.settings import Settings
from tests.support.clock import ManualClock
from tests.support.conversations import asked, row
from tests.support.videos import Customer, Money, customer, money

HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S
YEAR_S = 365 * DAY_S


@pytest.fixture
def house(settings: Settings, clock: ManualClock, db: Database) -> Iterator[House]:
    db.close()
    house = build_house(settings, clock=clock)
    yield house
    house.close()


@pytest.fixture
def who(house: House) -> Customer:
    return customer(house)


@pytest.fixture
def client(house: House) -> TestClient:
    return TestClient(build_app(house), base_url=house.settings.base_url)


def hold(house: House, who: Customer, reference: str, lease_s: float = 60.0) -> str:
    with house.db.write() as tx:
        held = house.credits.hold(
            tx,
            who.account_id,
            100,
            kind="tts",
            reference=reference,
            description="Speech",
            lease_s=lease_s,
        )
    return held.id


def right(house: House) -> bool:
    with house.db.read() as tx:
        return house.credits.audit(tx) == []


def test_a_clock_that_jumps_forwards_gives_back_what_was_held_and_nobody_pays_after(
    house: House, who: Customer, clock: ManualClock
) -> None:
    held = hold(house, who, "speech")
    clock.advance(YEAR_S)
    assert house.credits.release_expired() == 1
    clock.advance(-YEAR_S)
    with pytest.raises(HoldEnded), house.db.write() as tx:
        house.credits.capture(tx, held)
    assert money(house, who) == Money(1_000, 0)
    assert right(house)


def test_a_clock_that_jumps_back_ends_no_hold_and_keeps_none_for_ever(
    house: House, who: Customer, clock: ManualClock
) -> None:
    held, left = hold(house, who, "speech"), hold(house, who, "left alone")
    clock.advance(-DAY_S)
    assert house.credits.release_expired() == 0
    with house.db.write() as tx:
        house.credits.renew(tx, held, 60.0)  # by whoever is at work on it
    clock.advance(61)
    assert house.credits.release_expired() == 1, "the renewed one goes by the new time"
    clock.advance(DAY_S)
    assert house.credits.release_expired() == 1
    with pytest.raises(HoldEnded), house.db.write() as tx:
        house.credits.capture(tx, left)
    assert money(house, who) == Money(1_000, 0)
    assert right(house)


def test_to_and_fro_a_capture_takes_what_it_takes_once(
    house: House, who: Customer, clock: ManualClock
) -> None:
    held = hold(house, who, "speech", lease_s=DAY_S)
    for jump_s in (HOUR_S, -2 * HOUR_S, 3 * HOUR_S, -2 * HOUR_S):
        clock.advance(jump_s)
        house.sweeper.sweep()
        with house.db.write() as tx:
            assert house.credits.capture(tx, held, 40) == 40
    assert money(house, who) == Money(960, 0)
    assert right(house)


def test_a_token_is_good_again_once_the_clock_is(
    house: House, client: TestClient, who: Customer, clock: ManualClock
) -> None:
    token = asked(client, who)["token"]
    sessions = house.conversation_room.sessions
    for jump_s in (-HOUR_S, 2 * HOUR_S):
        clock.advance(jump_s)
        with pytest.raises(Unauthorized):
            sessions.waiting(token)
        clock.advance(-jump_s)
        assert sessions.waiting(token).state == "minted"
    clock.advance(-5)
    assert sessions.waiting(token).state == "minted", "machines may differ by a few seconds"


@pytest.mark.parametrize("jump_s", [-DAY_S, -30.0, HOUR_S, DAY_S])
def test_a_conversation_over_which_the_clock_jumps_is_settled_once_and_never_for_more_than_it_held(
    house: House, client: TestClient, who: Customer, clock: ManualClock, jump_s: float
) -> None:
    minted = asked(client, who)
    sessions = house.conversation_room.sessions
    which = sessions.admit(minted["token"], "node").conversation_id
    sessions.reached(which)
    clock.advance(jump_s)
    house.sweeper.sweep()  # gives it up where it seems to be silent for long
    sessions.beat(which, video_seconds=None)
    sessions.end(which, Ending("hang_up", 30.0))
    clock.advance(-jump_s)
    house.sweeper.sweep()
    ended = row(house, which)
    assert ended.state == "ended"
    assert 0 <= ended.charged <= minted["credits_used"]
    assert money(house, who) == Money(1_000 - ended.charged, 0)
    assert right(house)


def test_whoever_is_signed_in_is_not_let_in_for_longer_by_a_clock_that_was_ahead(
    house: House, who: Customer, clock: ManualClock
) -> None:
    sessions = house.account_services.sessions
    begun = sessions.begin(who.account_id).token
    assert sessions.find(begun)
    clock.advance(YEAR_S)
    assert not sessions.find(begun)
    clock.advance(-YEAR_S - HOUR_S)
    assert sessions.find(begun)
