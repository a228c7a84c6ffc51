"""Silence is what one watcher sees by its own clock: no other clock makes anybody lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from charafy.talk.succeeding import SILENCE_S, Silence

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Watcher:
    """A `Silence` and its clock."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.silence = Silence(lambda: self.now_s)

    def sees(self, **signs: float) -> list[str]:
        """Who is silent, whose last signs of life came so many seconds after `AT`."""
        seconds = {name: AT + timedelta(seconds=at_s) for name, at_s in signs.items()}
        return self.silence.of(seconds)


def test_who_gives_no_sign_of_life_is_silent_until_it_does() -> None:
    watcher = Watcher()
    assert watcher.sees(first=0, second=0) == []
    watcher.now_s += SILENCE_S - 1
    assert watcher.sees(first=0, second=9) == []
    watcher.now_s += 1
    assert watcher.sees(first=0, second=9) == ["first"]
    assert watcher.sees(first=11, second=9) == []


def test_a_clock_that_is_off_makes_nobody_silent() -> None:
    watcher = Watcher()
    for beat in range(20):
        assert watcher.sees(late=beat - 86_400, early=beat + 86_400, back=-beat) == []
        watcher.now_s += SILENCE_S / 2


def test_who_looks_for_the_first_time_believes_nothing_yet() -> None:
    watcher = Watcher()
    assert watcher.sees(long_gone=-86_400) == []


def test_a_database_that_was_away_silences_nobody() -> None:
    watcher = Watcher()
    watcher.sees(first=0)
    watcher.now_s += 300
    watcher.silence.forget()
    assert watcher.sees(first=0) == []
    watcher.now_s += SILENCE_S - 1
    assert watcher.sees(first=0) == []


def test_who_left_is_forgotten() -> None:
    watcher = Watcher()
    watcher.sees(first=0)
    watcher.now_s += SILENCE_S
    assert watcher.sees() == []
    assert watcher.sees(first=0) == []
