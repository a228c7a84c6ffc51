"""A worker that died is found out within bounded time, and only one that died."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from charafy.kernel.db import Database
from charafy.kernel.roll import BEAT_S, SILENCE_S, Entry, NameTaken, Roll, Watch
from tests.support.clock import ManualClock

HERE, THERE = "here", "there"


class Taken(list[str]):
    """The names of those whose work was taken over."""

    def __call__(self, entry: Entry) -> None:
        self.append(entry.name)


@pytest.fixture
def roll(db: Database, clock: ManualClock) -> Roll:
    return Roll(db, clock)


def watching(roll: Roll, clock: ManualClock, name: str, taken: Taken) -> Watch:
    return Watch(roll, roll.enter(name, HERE), clock, taken)


def test_who_is_silent_is_lost_after_half_a_minute_and_not_before(
    roll: Roll, clock: ManualClock
) -> None:
    taken = Taken()
    watch = watching(roll, clock, "a", taken)
    roll.enter("b", HERE)
    for _ in range(int(SILENCE_S / BEAT_S)):
        assert watch.round()
        assert taken == []
        clock.advance(BEAT_S)
    assert watch.round()
    assert taken == ["b"]
    assert watch.round()
    assert taken == ["b"]  # once


def test_whoever_beats_is_left_alone(roll: Roll, clock: ManualClock) -> None:
    taken = Taken()
    watches = [watching(roll, clock, name, taken) for name in ("a", "b", "c")]
    for _ in range(30):
        assert all(watch.round() for watch in watches)
        clock.advance(BEAT_S)
    assert taken == []


def test_who_was_given_up_finds_out_at_the_next_beat(roll: Roll, clock: ManualClock) -> None:
    taken = Taken()
    watch, frozen = (watching(roll, clock, name, taken) for name in ("a", "frozen"))
    assert frozen.round()
    assert watch.round()
    clock.advance(SILENCE_S)
    assert watch.round()
    assert taken == ["frozen"]
    assert not frozen.round()


def test_who_stops_on_purpose_is_not_waited_for(roll: Roll, clock: ManualClock) -> None:
    taken = Taken()
    watch = watching(roll, clock, "a", taken)
    roll.leave(roll.enter("b", HERE))
    assert watch.round()
    assert taken == ["b"]


def test_a_new_run_of_a_name_takes_over_its_last_one_at_once(
    roll: Roll, clock: ManualClock
) -> None:
    taken = Taken()
    roll.enter("a", HERE)
    watch = watching(roll, clock, "a", taken)
    assert watch.round()
    assert taken == ["a"]
    assert watch.round()  # and is there itself


def test_what_could_not_be_taken_over_is_tried_again(roll: Roll, clock: ManualClock) -> None:
    tried: list[str] = []

    def fail_once(entry: Entry) -> None:
        tried.append(entry.name)
        if len(tried) == 1:
            raise OSError("away")

    watch = Watch(roll, roll.enter("a", HERE), clock, fail_once)
    roll.leave(roll.enter("b", HERE))
    with pytest.raises(OSError, match="away"):
        watch.round()
    assert watch.round()
    assert watch.round()
    assert tried == ["b", "b"]


def test_a_database_that_was_away_makes_nobody_lost(
    roll: Roll, clock: ManualClock, db: Database
) -> None:
    """Nobody could beat: silence counts from when somebody could."""
    taken = Taken()
    watch, other = (watching(roll, clock, name, taken) for name in ("a", "b"))
    assert watch.round()
    with db.write() as tx:
        tx.exec_driver_sql("ALTER TABLE workers RENAME TO away")
    clock.advance(SILENCE_S + 60)
    with pytest.raises(sa.exc.SQLAlchemyError):
        watch.round()
    with db.write() as tx:
        tx.exec_driver_sql("ALTER TABLE away RENAME TO workers")
    assert watch.round()
    assert taken == []
    clock.advance(BEAT_S)
    assert other.round()


def test_clocks_that_differ_or_jump_make_nobody_lost(db: Database, clock: ManualClock) -> None:
    taken = Taken()
    slow = ManualClock(clock.now() - timedelta(hours=1))
    watch = watching(Roll(db, clock), clock, "a", taken)
    other = watching(Roll(db, slow), slow, "b", taken)
    for _ in range(20):
        assert watch.round()
        assert other.round()
        clock.advance(BEAT_S)
        slow.advance(BEAT_S)
    assert taken == []


def test_a_name_that_works_elsewhere_is_refused_until_it_is_silent(
    roll: Roll, clock: ManualClock
) -> None:
    roll.enter("a", THERE)
    with pytest.raises(NameTaken, match="CHARAFY_WORKER_NAME"):
        roll.enter("a", HERE)
    clock.advance(SILENCE_S)
    roll.enter("a", HERE)
    assert [entry.name for entry in roll.entries()[0]] == ["a", "a"]
