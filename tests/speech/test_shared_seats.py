"""A plan's speeches at the same time, counted by all APIs together in a real Redis."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from charafy.kernel.clock import SystemClock
from charafy.kernel.errors import TooManyRequests, Unavailable
from charafy.kernel.leases import Leases
from charafy.kernel.observe import Metrics
from charafy.kernel.shared import Shared
from charafy.speech.scheduler import Scheduler
from tests.support import redis


@pytest.fixture
def server() -> Iterator[redis.Redis]:
    with redis.running() as server:
        yield server


@contextlib.contextmanager
def api(server: redis.Redis) -> Iterator[Scheduler]:
    shared = Shared(server.url(), b"s" * 32, SystemClock(), Metrics())
    scheduler = Scheduler(1, SystemClock().monotonic, leases=Leases("speech", shared))
    yield scheduler
    scheduler.close()
    shared.close()


def test_an_account_has_its_plans_seats_once_and_not_at_each_api(server: redis.Redis) -> None:
    with api(server) as one, api(server) as other:
        seat = one.admit("ann", 2)
        other.admit("ann", 2)
        for scheduler in (one, other):
            with pytest.raises(TooManyRequests) as refused:
                scheduler.admit("ann", 2)
            assert refused.value.code == "concurrency_limited"
            assert scheduler.open_seats == 1
        one.leave(seat)
        assert other.admit("ann", 2).lease is not None


def test_while_nobody_can_count_them_none_is_given_and_none_is_lost(server: redis.Redis) -> None:
    with api(server) as one:
        seat = one.admit("ann", 2)
        server.kill()
        with pytest.raises(Unavailable) as refused:
            one.admit("ann", 2)
        assert refused.value.code == "limits_unavailable"
        one.leave(seat)
        assert one.open_seats == 0
