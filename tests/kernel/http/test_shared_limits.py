"""Limits that processes count together in a real Redis, and what they do without it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from limits.storage import MemoryStorage

from charafy.kernel.clock import SystemClock
from charafy.kernel.errors import TooManyRequests, Unavailable
from charafy.kernel.http.limits import Limiter
from charafy.kernel.observe import Metrics
from charafy.kernel.shared import Shared
from tests.support import redis

SECRET = b"s" * 32


@pytest.fixture
def server() -> Iterator[redis.Redis]:
    with redis.running() as server:
        yield server


def _process(server: redis.Redis) -> Limiter:
    """The limiter as one process has it."""
    shared = Shared(server.url(), SECRET, SystemClock(), Metrics())
    return Limiter(MemoryStorage(), shared)


def test_processes_count_one_limit_together(server: redis.Redis) -> None:
    one, other = _process(server), _process(server)
    left = [limiter.require("account", "ann", 4).remaining for limiter in (one, other, one, other)]
    assert left == [3, 2, 1, 0]
    for limiter in (one, other):
        with pytest.raises(TooManyRequests) as refused:
            limiter.require("account", "ann", 4)
        assert 1 <= int(refused.value.headers["Retry-After"]) <= 60
    assert one.require("account", "bob", 4).remaining == 3, "others are not concerned"
    assert other.require("sign_in", "ann", 4).remaining == 3, "neither are other policies"


def test_a_window_ends_a_minute_after_its_first_request(server: redis.Redis) -> None:
    limiter = _process(server)
    shared = Shared(server.url(), SECRET, SystemClock(), Metrics())
    limiter.require("account", "ann", 1)
    name = shared.key("limit", "account ann")
    assert 59_000 < shared.run(lambda client: client.pttl(name)) <= 60_000
    # Nothing without an end is left even if its end got lost.
    shared.run(lambda client: client.persist(name))
    with pytest.raises(TooManyRequests):
        limiter.require("account", "ann", 1)
    assert 59_000 < shared.run(lambda client: client.pttl(name)) <= 60_000


def test_without_redis_what_guards_money_is_refused_and_the_rest_is_counted_here(
    server: redis.Redis,
) -> None:
    limiter = _process(server)
    server.kill()
    with pytest.raises(Unavailable) as refused:
        limiter.require("sign_in", "ann", 4)
    assert (refused.value.status, refused.value.code) == (503, "limits_unavailable")
    assert refused.value.headers["Retry-After"] == "2"
    assert limiter.require("account", "ann", 2, opens=True).remaining == 1
    assert limiter.require("account", "ann", 2, opens=True).remaining == 0
    with pytest.raises(TooManyRequests):
        limiter.require("account", "ann", 2, opens=True)


def test_counting_in_redis_is_not_for_an_event_loop(server: redis.Redis) -> None:
    assert not _process(server).is_quick
    assert Limiter(MemoryStorage()).is_quick
