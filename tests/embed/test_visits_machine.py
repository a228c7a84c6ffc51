"""Whoever visits whenever, and leaves or stays: no day, month or place is used beyond its limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import Phase
from hypothesis import settings as trials
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from charafy.embed.models import Opened
from charafy.embed.visits import LIFE, SHORTEST_S
from charafy.kernel.errors import Conflict, TooManyRequests, Unauthorized
from charafy.kernel.settings import Settings
from tests.embed.conftest import Stage

LONGEST_S = 600
START = datetime(2026, 1, 30, 12, tzinfo=UTC)
"""Some steps before the end of a day, and of a month."""
waits = st.sampled_from((1, 25, 59, 119, 121, 599, 3_600, 43_000, 86_400, 12 * 86_400))


@dataclass(slots=True)
class Talk:
    opened: Opened
    begun: datetime
    ended: datetime | None = None

    @property
    def last_moment(self) -> datetime:
        return self.begun + timedelta(seconds=self.opened.session_limit_s)

    def days(self, now: datetime) -> Iterator[tuple[date, float]]:
        """Which it touched until now, and seconds of each."""
        moment, end = self.begun, self.ended or now
        while moment < end:
            day = moment.astimezone(UTC).date()
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
            yield day, (min(end, midnight) - moment).total_seconds()
            moment = midnight


class Visitors(RuleBasedStateMachine):
    """The model: who was let in, and everything that was talked. Knows no reservations."""

    def __init__(self, stage: Stage) -> None:
        """With a character of its own, at the same moment as every other example."""
        super().__init__()
        stage.clock.advance((START - stage.clock.now()).total_seconds())
        character_id = stage.owner.character(name="Sakura")
        self.stage = Stage(stage.house, stage.http, stage.owner, character_id, stage.clock)
        self.waiting: list[tuple[Opened, datetime]] = []
        self.talks: list[Talk] = []

    @initialize(
        daily=st.sampled_from((60, 100, 150, 700, None)),
        monthly=st.sampled_from((3_600, None)),
        session=st.sampled_from((60, 90, None)),
        places=st.sampled_from((1, 2, 3)),
    )
    def say_limits(
        self, daily: int | None, monthly: int | None, session: int | None, places: int
    ) -> None:
        self.daily, self.monthly, self.places = daily, monthly, places
        self.stage.settings(embed_enabled=True)
        self.stage.limit(daily=daily, monthly=monthly, session=session, max_concurrent=places)

    @property
    def now(self) -> datetime:
        return self.stage.clock.now()

    @property
    def live(self) -> list[Talk]:
        return [talk for talk in self.talks if talk.ended is None]

    def used(self) -> dict[date, float]:
        found: dict[date, float] = {}
        for talk in self.talks:
            for day, seconds in talk.days(self.now):
                found[day] = found.get(day, 0.0) + seconds
        return found

    def left(self) -> float:
        """Of today's and this month's limits, were nobody talking."""
        today = self.now.astimezone(UTC).date()
        used = self.used()
        month = sum(s for day, s in used.items() if (day.year, day.month) == today.timetuple()[:2])
        limits = ((self.daily, used.get(today, 0.0)), (self.monthly, month))
        return min((limit - seconds for limit, seconds in limits if limit), default=LONGEST_S)

    @rule()
    def come(self) -> None:
        alone = not self.live and not self.waiting
        try:
            opened = self.stage.open()
        except TooManyRequests as error:
            assert not (alone and self.left() >= SHORTEST_S), error.code
            if error.code == "embed_limit_reached":
                assert self.left() < SHORTEST_S
            return
        assert SHORTEST_S <= opened.session_limit_s <= LONGEST_S
        self.waiting.append((opened, self.now + LIFE))

    @precondition(lambda self: self.waiting)
    @rule(which=st.integers(0, 9))
    def connect(self, which: int) -> None:
        opened, _ = self.waiting.pop(which % len(self.waiting))
        self.stage.connect(opened)
        self.talks.append(Talk(opened, self.now))
        with pytest.raises(Conflict):
            self.stage.connect(opened)

    @precondition(lambda self: self.waiting)
    @rule(which=st.integers(0, 9))
    def give_the_place_back(self, which: int) -> None:
        opened, _ = self.waiting.pop(which % len(self.waiting))
        self.stage.house.embed_room.visits.leave(self.stage.character_id, opened.token)
        with pytest.raises(Conflict):
            self.stage.connect(opened)

    @precondition(lambda self: self.live)
    @rule(which=st.integers(0, 9))
    def hang_up(self, which: int) -> None:
        self.over(self.live[which % len(self.live)])

    @rule(seconds=waits)
    def time_passes(self, seconds: int) -> None:
        """Who has talked as long as they may is out at that moment; so is who never came."""
        until = self.now + timedelta(seconds=seconds)
        if any(connect_by == until for _, connect_by in self.waiting):
            until += timedelta(seconds=1)  # at that moment the token ends, and after it the place
        for talk in sorted(self.live, key=lambda one: one.last_moment):
            if talk.last_moment <= until:
                self.go_on_to(talk.last_moment)
                self.over(talk)
        self.go_on_to(until)
        for talk in self.live:
            assert self.stage.house.conversation_room.sessions.beat(talk.opened.conversation_id)
        self.stage.sweep()
        late = [opened for opened, connect_by in self.waiting if connect_by <= self.now]
        self.waiting = [one for one in self.waiting if one[1] > self.now]
        for opened in late:
            with pytest.raises(Unauthorized):
                self.stage.connect(opened)

    def go_on_to(self, moment: datetime) -> None:
        self.stage.clock.advance((moment - self.now).total_seconds())

    def over(self, talk: Talk) -> None:
        talk.ended = self.now
        self.stage.end(talk.opened, (talk.ended - talk.begun).total_seconds())

    @invariant()
    def nobody_is_there_beyond_the_places(self) -> None:
        assert len(self.live) + len(self.waiting) <= getattr(self, "places", 0)

    @invariant()
    def no_limit_was_passed(self) -> None:
        used = self.used()
        if used and self.daily is not None:
            assert max(used.values()) <= self.daily
        months: dict[tuple[int, int], float] = {}
        for day, seconds in used.items():
            months[day.year, day.month] = months.get((day.year, day.month), 0.0) + seconds
        if months and self.monthly is not None:
            assert max(months.values()) <= self.monthly

    def teardown(self) -> None:
        """Everybody leaves: nothing stays set aside, and the books are right."""
        self.time_passes(86_400)
        house = self.stage.house
        with house.db.read() as tx:
            assert house.credits.balance(tx, self.stage.owner.account_id).held == 0
            assert house.credits.audit(tx) == []


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Each example needs a character, and shrinking needs many examples a minute."""
    plans = dict(settings.plans)
    much = {"max_characters": 10_000, "requests_per_minute": 1_000_000}
    plans["standard"] = plans["standard"].model_copy(update=much)
    return settings.model_copy(update={"plans": plans})


@pytest.mark.slow
def test_visits_stay_within_their_limits(stage: Stage) -> None:
    class Kept(Visitors):
        def __init__(self) -> None:
            super().__init__(stage)

    run_state_machine_as_test(
        Kept,
        settings=trials(
            max_examples=60, stateful_step_count=30, deadline=None, phases=[Phase.generate]
        ),
    )
