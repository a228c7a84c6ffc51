"""How much of a day is left, also around midnight."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charafy.embed.budget import by_day, day_of, longest, month_of, reserved
from charafy.embed.models import OpenSession

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 2, 1, tzinfo=UTC)
LIFE = timedelta(minutes=2)


def minted(at: datetime, limit_s: int) -> OpenSession:
    return OpenSession("c", "a", "x", at, at + LIFE, limit_s)


def test_a_day_and_a_month_are_those_of_utc() -> None:
    assert day_of(NOON).end == month_of(NOON).end == MIDNIGHT
    assert month_of(NOON).start == datetime(2026, 1, 1, tzinfo=UTC)
    leap = month_of(datetime(2028, 2, 29, 23, 59, tzinfo=UTC))
    assert (leap.end - leap.start).days == 29


def test_who_talks_is_counted_as_long_as_they_may() -> None:
    assert reserved([minted(NOON, 300), minted(NOON, 60)], day_of(NOON)) == 360


def test_who_may_talk_past_midnight_is_counted_on_both_days() -> None:
    session = minted(MIDNIGHT - timedelta(seconds=30), 300)
    assert reserved([session], day_of(NOON)) == 30
    # It may begin up to 90 s after midnight, and then all of it is in the new day.
    assert reserved([session], day_of(MIDNIGHT)) == 300


@pytest.mark.parametrize(
    ("before_midnight_s", "left", "most"),
    [
        (43_200, (500.0, 3_600.0), 500.0),
        (43_200, (0.0, 3_600.0), 0.0),
        (60, (60.0, 100.0), 100.0),  # all that is left of the day may be used, and then the next
        (60, (59.0, 100.0), 59.0),
        (600, (3_000.0, 100.0), 580.0),  # begun at the latest moment: 480 s here, 100 s there
    ],
)
def test_a_conversation_lasts_as_long_as_both_days_allow(
    before_midnight_s: int, left: tuple[float, float], most: float
) -> None:
    now = MIDNIGHT - timedelta(seconds=before_midnight_s)
    assert longest(now, LIFE, MIDNIGHT, left) == most


@given(
    before=st.integers(0, 5_000),
    left=st.tuples(st.integers(0, 4_000), st.integers(0, 4_000)),
    delay=st.integers(0, 120),
)
def test_whenever_it_begins_it_takes_no_more_than_is_left(
    before: int, left: tuple[int, int], delay: int
) -> None:
    now = MIDNIGHT - timedelta(seconds=before)
    lasts = min(3_600.0, longest(now, LIFE, MIDNIGHT, (float(left[0]), float(left[1]))))
    taken = dict(by_day(now + timedelta(seconds=delay), lasts))
    assert taken.get(date(2026, 1, 31), 0.0) <= left[0]
    assert taken.get(date(2026, 2, 1), 0.0) <= left[1] or not before


def test_seconds_are_of_the_day_in_which_they_passed() -> None:
    begun = MIDNIGHT - timedelta(seconds=20)
    assert list(by_day(begun, 50.0)) == [(date(2026, 1, 31), 20.0), (date(2026, 2, 1), 30.0)]
    assert list(by_day(NOON, 0.0)) == [(date(2026, 1, 31), 0.0)]
