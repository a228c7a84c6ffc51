"""Geometry of the charts: numbers in, the places of bars out. Drawn by `charts.html`.

Bars are stacked by kind of work, or by character: the same drawing, in which a character has the
place of a kind (see `by_character`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from charafy.credits.service import Spent

STEP: Final = 10
"""Width of a day in the drawing's units; its height is 100."""
KINDS: Final = ("conversation", "video", "tts", "avatar", "voice_clone")
"""Work with a colour of its own, in the order in which bars are stacked; the rest is "other"."""
OTHER: Final = "other"
PLACES: Final = ("1", "2", "3", "4", "5")
"""For the characters that most went into; the rest is "other"."""
NO_ONE: Final = "nobody"
"""What belongs to no character."""
_ROUND: Final = (1, 2, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True, slots=True)
class Block:
    kind: str
    credits: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    """One day."""

    day: date
    x: int
    credits: int
    blocks: tuple[Block, ...]

    def of(self, kind: str) -> int:
        return sum(block.credits for block in self.blocks if block.kind == kind)


@dataclass(frozen=True, slots=True)
class Share:
    """One kind of work over the whole time."""

    kind: str
    credits: int
    times: int
    percent: float


@dataclass(frozen=True, slots=True)
class Chart:
    columns: tuple[Column, ...]
    top: int
    """Credits at the drawing's upper edge."""
    shares: tuple[Share, ...]
    """The largest first."""

    @property
    def width(self) -> int:
        return STEP * len(self.columns)

    @property
    def credits(self) -> int:
        return sum(share.credits for share in self.shares)

    @property
    def busiest(self) -> Column:
        return max(self.columns, key=lambda column: column.credits)


def by_character(spent: Sequence[Spent]) -> tuple[list[Spent], dict[str, str]]:
    """The same with a character's place for its kind, and whose place it is (by place, an id)."""
    used: Counter[str] = Counter()
    for one in spent:
        if one.character_id is not None:
            used[one.character_id] += one.credits
    places = {who: place for (who, _), place in zip(used.most_common(), PLACES, strict=False)}

    def place(who: str | None) -> str:
        return NO_ONE if who is None else places.get(who, OTHER)

    placed = [replace(one, kind=place(one.character_id)) for one in spent]
    return placed, {place: who for who, place in places.items()}


def usage_chart(
    spent: Sequence[Spent], last: date, days: int, order: Sequence[str] = KINDS
) -> Chart:
    """`days` days up to `last`, those without any work as well.

    `order`: the kinds to tell apart, as they are stacked.
    """
    first = last - timedelta(days=days - 1)
    counted = [
        one if one.kind in order else replace(one, kind=OTHER)
        for one in spent
        if first <= one.day <= last
    ]
    by_day: dict[date, Counter[str]] = {}
    for one in counted:
        by_day.setdefault(one.day, Counter())[one.kind] += one.credits
    top = nice_top(max((sum(day.values()) for day in by_day.values()), default=0))
    dates = [first + timedelta(days=number) for number in range(days)]
    columns = tuple(
        _column(day, STEP * number, _stacked(by_day.get(day, {}), order), top)
        for number, day in enumerate(dates)
    )
    return Chart(columns, top, _shares(counted))


def nice_top(most: int) -> int:
    """The next round number that is not below `most`; its half is one as well."""
    if most <= 10:
        return 10
    size = int(10 ** math.floor(math.log10(most)))
    return next(times * size for times in _ROUND if times * size >= most)


def _column(day: date, x: int, by_kind: Mapping[str, int], top: int) -> Column:
    blocks, y = [], 100.0
    for kind, credits in by_kind.items():
        if credits:
            height = 100 * credits / top
            y -= height
            blocks.append(Block(kind, credits, round(y, 2), round(height, 2)))
    return Column(day, x, sum(by_kind.values()), tuple(blocks))


def _stacked(by_kind: Mapping[str, int], order: Sequence[str]) -> dict[str, int]:
    return {kind: by_kind.get(kind, 0) for kind in (*order, OTHER)}


def _shares(spent: Sequence[Spent]) -> tuple[Share, ...]:
    credits: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for one in spent:
        credits[one.kind] += one.credits
        times[one.kind] += one.times
    total = sum(credits.values())
    return tuple(
        Share(kind, amount, times[kind], round(100 * amount / total, 1))
        for kind, amount in credits.most_common()
    )
