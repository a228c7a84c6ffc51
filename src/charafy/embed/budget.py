"""How much of a day or a month is left for one more conversation. Pure.

A conversation that is not over is counted as the most that it may take of a period: it may begin
until its visitor has lost the place, and from then on last as long as it was allowed to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from charafy.embed.models import OpenSession


@dataclass(frozen=True, slots=True)
class Period:
    """From its first moment to before its last, in UTC."""

    start: datetime
    end: datetime


def day_of(moment: datetime) -> Period:
    start = datetime.combine(moment.astimezone(UTC).date(), time(), UTC)
    return Period(start, start + timedelta(days=1))


def month_of(moment: datetime) -> Period:
    first = moment.astimezone(UTC).date().replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return Period(_midnight(first), _midnight(following))


def reserved(sessions: Iterable[OpenSession], period: Period) -> float:
    """The most seconds that they may take of it."""
    return sum(_most_within(session, period) for session in sessions)


def longest(now: datetime, life: timedelta, boundary: datetime, left: tuple[float, float]) -> float:
    """How long a conversation may be that begins between `now` and `life` later.

    `boundary`: where this period ends; `left`: seconds of this one and of the next. Infinite where
    neither can be used up.
    """
    left_now, left_then = left
    until = (boundary - now).total_seconds()
    here = float("inf") if left_now >= until else left_now
    gap = max(0.0, until - life.total_seconds())
    return max(0.0, min(here, left_then + gap))


def by_day(begun: datetime, seconds: float) -> Iterator[tuple[date, float]]:
    """The days that a conversation touched, and how long on each."""
    moment, rest = begun.astimezone(UTC), seconds
    while True:
        part = min(rest, (day_of(moment).end - moment).total_seconds())
        yield moment.date(), part
        rest -= part
        if rest <= 0:
            return
        moment = day_of(moment).end


def _most_within(session: OpenSession, period: Period) -> float:
    over = session.connect_by + timedelta(seconds=session.limit_s)
    overlap = min(over, period.end) - max(session.minted_at, period.start)
    return min(float(session.limit_s), max(0.0, overlap.total_seconds()))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
