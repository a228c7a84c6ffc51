"""What the soak takes for a leak or for getting slower, and what it doesn't."""

from __future__ import annotations

import random

import pytest

from tests.soak.gauges import ROLES, Look
from tests.soak.run import Plan, judged
from tests.soak.traffic import Notes
from tests.soak.verdict import Trend, memory_grew, slowed_down, things_grew, trend, waits

HALF_AN_HOUR = [2.0 * n for n in range(900)]


def seen(values: list[float]) -> Trend:
    found = trend(HALF_AN_HOUR, values)
    assert found is not None
    return found


def looks(mb_per_hour: float = 0.0, files_per_hour: float = 0.0) -> list[Look]:
    return [
        Look(at, role, 200 + mb_per_hour * at / 3_600, int(40 + files_per_hour * at / 3_600), 20)
        for at in HALF_AN_HOUR
        for role in ROLES
    ]


def wrong(found: list[Look], notes: Notes | None = None, seconds: float = 1_800) -> list[str]:
    return judged(Plan(seconds, seed=1), found, notes or Notes()).wrong


def test_what_stays_as_it_is_is_flat() -> None:
    assert wrong(looks()) == []


def test_a_slow_leak_of_memory_is_found_in_every_process() -> None:
    assert wrong(looks(mb_per_hour=60)) == [f"{role}: memory grew by 22 MB" for role in ROLES]


def test_memory_is_not_judged_by_a_minute() -> None:
    assert wrong(looks(mb_per_hour=60), seconds=60) == []


def test_files_that_are_never_closed_are_found() -> None:
    assert wrong(looks(files_per_hour=30)) == [f"{role}: open files grew by 11" for role in ROLES]


def test_a_process_that_was_never_there_is_said() -> None:
    there = [one for one in looks() if one.role != "worker"]
    assert wrong(there) == ["worker was not seen"]


def test_whatever_failed_is_said() -> None:
    notes = Notes()
    notes.refused("speech", 500)
    notes.refused("speech", 503)
    assert wrong(looks(), notes) == ["speech: 500 (1 times)"]


def test_what_warms_up_in_the_first_quarter_is_no_growth() -> None:
    found = seen([100.0 + min(at, 400.0) for at in HALF_AN_HOUR])
    assert found.growth == pytest.approx(0)
    assert not memory_grew(found)


def test_films_that_come_and_go_are_no_growth() -> None:
    chance = random.Random(1)
    found = seen([200.0 + (80.0 if chance.random() < 0.3 else 0.0) for _ in HALF_AN_HOUR])
    assert not memory_grew(found)


def test_growth_is_told_by_the_hour() -> None:
    found = seen([200.0 + at / 3_600 * 12 for at in HALF_AN_HOUR])
    assert found.per_hour == pytest.approx(12)
    assert found.growth == pytest.approx(12 * 1_350 / 3_600, rel=0.01)


def test_things_that_jump_once_and_stay_are_growth() -> None:
    assert things_grew(seen([40.0 if at < 1_500 else 60.0 for at in HALF_AN_HOUR]))


def slower(factor: float) -> bool:
    found = waits(HALF_AN_HOUR, [0.2 if at < 1_200 else 0.2 * factor for at in HALF_AN_HOUR])
    assert found is not None
    return slowed_down(found)


def test_twice_as_slow_at_the_end_is_slower() -> None:
    assert slower(2.0)


def test_a_little_slower_is_noise() -> None:
    assert not slower(1.2)


def test_of_too_little_nothing_is_said() -> None:
    assert trend([1.0, 2.0], [1.0, 2.0]) is None
    assert waits([1.0, 2.0], [1.0, 2.0]) is None
