"""Numbers in, the places of bars out."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from charafy.credits.service import Spent
from charafy.dashboard.charts import by_character, nice_top, usage_chart

LAST = date(2026, 3, 10)


def test_a_day_without_work_has_its_place_as_well() -> None:
    chart = usage_chart([Spent(LAST, "tts", 5, 2)], LAST, 7)
    assert [column.x for column in chart.columns] == [0, 10, 20, 30, 40, 50, 60]
    assert [column.credits for column in chart.columns] == [0] * 6 + [5]
    assert chart.width == 70
    assert (chart.columns[0].day, chart.columns[-1].day) == (LAST - timedelta(days=6), LAST)


def test_kinds_of_work_stand_on_each_other_from_the_ground_up() -> None:
    spent = [Spent(LAST, "tts", 25, 3), Spent(LAST, "conversation", 50, 1)]
    (column,) = usage_chart(spent, LAST, 1).columns
    assert [(block.kind, block.y, block.height) for block in column.blocks] == [
        ("conversation", 37.5, 62.5),
        ("tts", 6.25, 31.25),
    ]
    assert column.of("tts") == 25


def test_kinds_without_a_colour_are_one() -> None:
    spent = [Spent(LAST, "hologram", 3, 1), Spent(LAST, "scent", 4, 2)]
    chart = usage_chart(spent, LAST, 1)
    (share,) = chart.shares
    assert (share.kind, share.credits, share.times, share.percent) == ("other", 7, 3, 100.0)


def test_shares_come_largest_first_and_sum_up() -> None:
    spent = [
        Spent(LAST - timedelta(days=1), "tts", 10, 1),
        Spent(LAST, "tts", 10, 1),
        Spent(LAST, "video", 60, 1),
    ]
    chart = usage_chart(spent, LAST, 2)
    assert [(share.kind, share.percent) for share in chart.shares] == [
        ("video", 75.0),
        ("tts", 25.0),
    ]
    assert chart.credits == 80
    assert chart.busiest.day == LAST


def test_work_of_other_days_is_left_out() -> None:
    spent = [Spent(LAST + timedelta(days=1), "tts", 1, 1), Spent(date(2020, 1, 1), "tts", 1, 1)]
    chart = usage_chart(spent, LAST, 30)
    assert (chart.credits, chart.shares) == (0, ())


@pytest.mark.parametrize(
    ("most", "top"),
    [(0, 10), (1, 10), (10, 10), (11, 20), (230, 300), (999, 1000), (1001, 2000), (700, 800)],
)
def test_the_scale_ends_at_a_round_number(most: int, top: int) -> None:
    assert nice_top(most) == top


def test_a_character_has_the_place_of_a_kind_the_largest_first() -> None:
    spent = [Spent(LAST, "tts", number, 1, f"c{number}") for number in range(1, 8)]
    spent += [Spent(LAST, "video", 3, 1, "c7"), Spent(LAST, "voice_clone", 9, 1)]
    placed, whose = by_character(spent)
    assert whose == {"1": "c7", "2": "c6", "3": "c5", "4": "c4", "5": "c3"}
    assert [one.kind for one in placed] == ["other", "other", *"54321", "1", "nobody"]
    chart = usage_chart(placed, LAST, 1, (*"12345", "nobody"))
    (column,) = chart.columns
    assert [block.kind for block in column.blocks] == [*"12345", "nobody", "other"]
    assert (column.of("1"), column.of("other"), column.of("nobody")) == (10, 3, 9)
    assert chart.credits == column.credits == sum(one.credits for one in spent)
