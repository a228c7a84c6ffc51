"""A start waits for what is started at the same time, and not for ever."""

from __future__ import annotations

import pytest

from charafy.kernel.patience import LOOK_S, patiently
from charafy.kernel.refused import StartRefused
from tests.support.clock import ManualClock


class Away:
    """Refuses so many times."""

    def __init__(self, times: int) -> None:
        self.left = times
        self.looks = 0

    def __call__(self) -> None:
        self.looks += 1
        if self.left:
            self.left -= 1
            raise StartRefused("The database can't be reached.")


def wait(away: Away, wait_s: float, clock: ManualClock) -> None:
    patiently(away, wait_s, sleep=clock.advance, monotonic=clock.monotonic)


def test_what_is_there_is_not_waited_for(clock: ManualClock) -> None:
    away, began_s = Away(0), clock.monotonic()
    wait(away, 60.0, clock)
    assert (away.looks, clock.monotonic()) == (1, began_s)


def test_what_comes_in_time_is_found(clock: ManualClock) -> None:
    away = Away(3)
    wait(away, 60.0, clock)
    assert away.looks == 4


def test_what_does_not_come_is_refused_in_its_own_words(clock: ManualClock) -> None:
    away, began_s = Away(1_000), clock.monotonic()
    with pytest.raises(StartRefused, match="can't be reached"):
        wait(away, 60.0, clock)
    assert clock.monotonic() - began_s == 60.0
    assert away.looks == 60.0 / LOOK_S + 1


def test_without_patience_the_first_refusal_counts(clock: ManualClock) -> None:
    away = Away(1)
    with pytest.raises(StartRefused):
        wait(away, 0.0, clock)
    assert away.looks == 1
