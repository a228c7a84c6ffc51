"""The capacity model's table is the one its script computes, and moves as its costs do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.scale import Assumed, Costs, per_conversation, rows, table

PAPER = Path(__file__).parents[2] / "docs" / "scale.md"


def test_the_paper_holds_the_table_of_today() -> None:
    assert table(rows(Costs(), Assumed())) in PAPER.read_text(encoding="utf-8")


def test_the_shares_of_a_conversation_are_all_of_it() -> None:
    mix = Assumed()
    assert mix.idle + mix.listening + mix.answering + mix.speaking == pytest.approx(1.0)


def test_a_conversation_of_silence_costs_what_silence_does() -> None:
    silent = Assumed(idle=1.0, listening=0.0, answering=0.0, speaking=0.0)
    assert per_conversation(Costs(), silent, embedded=True, picture=False) == Costs().idle


def test_a_picture_costs_the_same_wherever_the_model_is() -> None:
    def more(*, embedded: bool) -> float:
        drawn, plain = (
            per_conversation(Costs(), Assumed(), embedded=embedded, picture=picture)
            for picture in (True, False)
        )
        return drawn - plain

    assert more(embedded=True) == pytest.approx(more(embedded=False))


def test_no_machine_is_bought_in_part() -> None:
    tiny = rows(Costs(), Assumed(), sizes=(1,))
    assert [row.machines for row in tiny] == [1, 1, 1]


def test_half_the_busyness_takes_twice_the_cores() -> None:
    full, half = (
        rows(Costs(), replace(Assumed(), busy=busy), sizes=(1_000,)) for busy in (0.8, 0.4)
    )
    assert [row.cores * 2 for row in full] == pytest.approx([row.cores for row in half])
