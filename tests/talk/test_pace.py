"""A reply starts as soon as it will not stutter."""

import pytest

from charafy.talk.pace import Pace


def start_s(pace: Pace, clause: str, *, made_each_s: float) -> float:
    """When a clause whose audio comes in at a steady rate may be heard."""
    waited_s = 0.0
    while waited_s < 10:
        waited_s += 0.01
        made_s = waited_s * made_each_s
        left_s = pace.starts_in(
            clause, "en", waited_s=waited_s, made_s=made_s, clause_made=made_s >= len(clause) / 15
        )
        if left_s <= 0:
            return waited_s
    raise AssertionError("it never started")


def test_nothing_starts_without_audio() -> None:
    assert Pace().starts_in("Hi.", "en", waited_s=9, made_s=0, clause_made=False) > 0


def test_a_fast_voice_starts_at_once() -> None:
    pace = Pace(rate=4.0, next_clause_s=0.3)
    assert start_s(pace, "I like the rain in the garden.", made_each_s=4.0) < 0.05


def test_a_slow_one_waits_until_the_next_clause_will_be_there_in_time() -> None:
    slow = Pace(rate=1.2, next_clause_s=1.6)
    assert start_s(slow, "I like the rain.", made_each_s=1.2) > 1.0


def test_nobody_waits_for_ever() -> None:
    assert start_s(Pace(rate=0.2, next_clause_s=9), "Well, hello.", made_each_s=0.5) <= 3.6


@pytest.mark.parametrize("rate", [0.75, 0.9, 1.1, 2.0])
@pytest.mark.parametrize("next_clause_s", [0.2, 0.8])
def test_what_follows_is_made_before_it_is_to_be_heard(rate: float, next_clause_s: float) -> None:
    clause, follows_s = "I like the rain in the garden.", 3.5
    pace = Pace(rate=rate, next_clause_s=next_clause_s, follows_s=follows_s)
    started_s = start_s(pace, clause, made_each_s=rate)
    first_s = len(clause) / 15
    later_s = first_s / rate + next_clause_s
    for tenth in range(round(10 * follows_s)):
        made_at_s = later_s + (tenth / 10) / rate
        heard_at_s = started_s + first_s + tenth / 10
        assert made_at_s <= heard_at_s + 0.2


def test_a_machine_that_is_busy_just_now_counts_as_slow() -> None:
    pace = Pace(rate=3.0, next_clause_s=0.3)
    clause = "I like the rain in the garden."
    assert start_s(pace, clause, made_each_s=0.7) > start_s(pace, clause, made_each_s=3.0) + 1.0


def test_it_learns_how_much_follows() -> None:
    pace = Pace()
    for _ in range(12):
        pace.followed(8.0)
    assert 7.5 < pace.follows_s <= 8.0


def test_it_learns_how_fast_the_machine_speaks() -> None:
    pace = Pace(rate=1.0)
    for _ in range(12):
        pace.made(3.0, 1.0)
        pace.waited(0.2)
    assert 2.5 < pace.rate <= 3.0
    assert pace.next_clause_s < 0.3


def test_it_learns_how_long_answers_take_in_each_language() -> None:
    pace = Pace()
    for _ in range(12):
        pace.thought("ja", 2.0)
        pace.sounded(0.5)
    assert 2.4 < pace.sounds_in("ja", asked_s=10.0, thought_s=None, now_s=10.0) <= 2.5
    assert pace.sounds_in("en", asked_s=10.0, thought_s=None, now_s=10.0) < 1.5


def test_an_answer_comes_nearer_and_once_it_is_thought_of_only_its_sound_is_waited_for() -> None:
    pace = Pace(thinks_s={"en": 1.0, "ja": 1.0}, first_sound_s=0.5)
    assert abs(pace.sounds_in("en", asked_s=0.0, thought_s=None, now_s=0.6) - 0.9) < 1e-6
    assert abs(pace.sounds_in("en", asked_s=0.0, thought_s=0.6, now_s=0.6) - 0.5) < 1e-6


def test_who_is_late_will_be_late_for_longer() -> None:
    pace = Pace(thinks_s={"en": 1.0, "ja": 1.0}, first_sound_s=0.5)
    assert pace.sounds_in("en", asked_s=0.0, thought_s=None, now_s=8.0) == 2.0
