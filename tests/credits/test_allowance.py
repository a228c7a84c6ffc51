"""What may be had for nothing in a day: in one process, and counted together by several."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from charafy.credits.service import DailyAllowance
from charafy.kernel.errors import TooManyRequests, Unavailable
from charafy.kernel.observe import Metrics
from charafy.kernel.shared import Shared
from tests.support import redis
from tests.support.clock import ManualClock

DAY_S = 86_400
Make = Callable[..., DailyAllowance]


@pytest.fixture
def server() -> Iterator[redis.Redis]:
    with redis.running() as server:
        yield server


@pytest.fixture(params=["alone", "shared"])
def make(request: pytest.FixtureRequest, clock: ManualClock) -> Make:
    """Makes allowances: one of this process, or one as a further process has it."""
    if request.param == "alone":
        return lambda *words: DailyAllowance(clock, *words)
    server: redis.Redis = request.getfixturevalue("server")
    return lambda *words: DailyAllowance(
        clock, *words, shared=Shared(server.url(), b"s" * 32, clock, Metrics())
    )


def test_it_is_an_amount_by_day_and_account(make: Make, clock: ManualClock) -> None:
    allowance = make()
    allowance.spend("ann", 60, 100)
    with pytest.raises(TooManyRequests, match="100 characters a day") as refused:
        allowance.spend("ann", 41, 100)
    assert refused.value.code == "test_limit_reached"
    allowance.spend("ann", 40, 100)
    allowance.spend("bob", 100, 100)
    clock.advance(DAY_S)
    allowance.spend("ann", 100, 100)


def test_what_is_given_back_can_be_spent_again_on_that_day_only(
    make: Make, clock: ManualClock
) -> None:
    allowance = make()
    day = allowance.spend("ann", 100, 100)
    allowance.give_back("ann", 30, day)
    allowance.spend("ann", 30, 100)
    clock.advance(DAY_S)
    allowance.spend("ann", 100, 100)
    allowance.give_back("ann", 100, day)
    with pytest.raises(TooManyRequests):
        allowance.spend("ann", 1, 100)


@pytest.mark.parametrize("make", ["shared"], indirect=True)
def test_processes_count_together_what_has_one_sentence(make: Make) -> None:
    one, other = make(), make()
    day = one.spend("ann", 60, 100)
    with pytest.raises(TooManyRequests):
        other.spend("ann", 60, 100)
    other.give_back("ann", 20, day)
    one.spend("ann", 60, 100)
    make("Test keys draw {limit:,} pictures a day").spend("ann", 100, 100)


@pytest.mark.parametrize("make", ["shared"], indirect=True)
def test_without_redis_nothing_is_had_for_nothing(make: Make, server: redis.Redis) -> None:
    allowance = make()
    day = allowance.spend("ann", 60, 100)
    server.kill()
    with pytest.raises(Unavailable) as refused:
        allowance.spend("ann", 1, 100)
    assert refused.value.code == "limits_unavailable"
    allowance.give_back("ann", 60, day)
