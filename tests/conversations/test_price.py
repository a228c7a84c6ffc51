"""What conversations cost: never more than was set aside, and never a fraction too much."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charafy.conversations.models import Conversation, Ending
from charafy.conversations.price import affordable, owed, prepaid

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANY = Conversation(
    conversation_id="c",
    account_id="a",
    character_id="x",
    mode="video",
    is_test=False,
    state="live",
    hold_id="h",
    held=80,
    charged=0,
    rate=8,
    audio_rate=5,
    limit_s=600,
    greeting=None,
    visitor=None,
    origin=None,
    node="n",
    pc_id=None,
    lease_until=NOW,
    created_at=NOW,
    connected_at=NOW,
    ended_at=None,
    seconds=0.0,
    video_seconds=None,
    reason=None,
    deleted_at=None,
)
"""Ten minutes with a face, paid ahead."""

seconds = st.floats(0, 20_000) | st.floats()
rates = st.integers(0, 100)


@pytest.mark.parametrize(
    ("available", "rate", "wanted_s", "lasts_s"),
    [
        (50, 5, 600, 600),
        (49, 5, 600, 540),
        (9, 5, 600, 60),
        (5, 5, 600, 60),
        (4, 5, 600, 0),
        (0, 5, 600, 0),
        (0, 0, 600, 600),
        (8, 5, 90, 90),
        (7, 5, 90, 60),
        (79, 8, 600, 540),
    ],
)
def test_with_few_credits_it_lasts_the_whole_minutes_that_they_pay(
    available: int, rate: int, wanted_s: int, lasts_s: int
) -> None:
    assert affordable(available, rate, wanted_s) == lasts_s


@given(available=st.integers(0, 2_000), rate=rates, wanted_s=st.integers(60, 14_400))
def test_what_it_may_last_is_always_paid_ahead(available: int, rate: int, wanted_s: int) -> None:
    lasts_s = affordable(available, rate, wanted_s)
    assert 0 <= prepaid(rate, lasts_s) <= available
    assert lasts_s <= wanted_s
    if lasts_s < wanted_s:
        assert lasts_s % 60 == 0
        minutes = lasts_s // 60 + 1
        assert rate * minutes > available or minutes * 60 > wanted_s


@given(
    rate=rates,
    audio_rate=rates,
    limit_s=st.integers(60, 14_400),
    lasted=seconds,
    seen=st.none() | seconds,
    dead=seconds,
)
def test_nobody_pays_more_than_was_set_aside_whatever_a_node_says(
    rate: int, audio_rate: int, limit_s: int, lasted: float, seen: float | None, dead: float
) -> None:
    talk = replace(
        ANY, rate=rate, audio_rate=audio_rate, limit_s=limit_s, held=prepaid(rate, limit_s)
    )
    assert 0 <= owed(talk, Ending("hang_up", lasted, seen, dead)) <= talk.held


@given(lasted=st.floats(0, 600), more=st.floats(0, 600), seen=st.floats(0, 600))
def test_longer_and_with_a_face_never_costs_less(lasted: float, more: float, seen: float) -> None:
    shorter = owed(ANY, Ending("hang_up", lasted, min(seen, lasted)))
    assert shorter <= owed(ANY, Ending("hang_up", lasted + more, min(seen, lasted)))
    assert shorter <= owed(ANY, Ending("hang_up", lasted))
    assert owed(ANY, Ending("hang_up", lasted, 0.0)) <= shorter


@pytest.mark.parametrize("tenths", range(0, 6_001, 75))
def test_credits_are_begun_by_the_thousandth_of_a_second_and_not_by_rounding(tenths: int) -> None:
    """At 6 credits a minute a second costs exactly a tenth of one."""
    talk = replace(ANY, rate=6, held=60)
    assert owed(talk, Ending("hang_up", tenths / 10)) == math.ceil(tenths / 100)


def test_a_test_key_owes_nothing() -> None:
    assert owed(replace(ANY, held=0), Ending("hang_up", 600.0)) == 0
