"""Places that processes give away together, by way of a real Redis."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest

from charafy.kernel.clock import SystemClock
from charafy.kernel.leases import Leases
from charafy.kernel.observe import Metrics
from charafy.kernel.shared import Shared, SharedAway
from tests.support import redis

SECRET = b"s" * 32
PATIENCE_S = 60.0


@pytest.fixture
def server() -> Iterator[redis.Redis]:
    with redis.running() as server:
        yield server


@contextlib.contextmanager
def process(
    server: redis.Redis, *, life_s: float = 3_600, renew_s: float = 0.05
) -> Iterator[Leases]:
    """The places as one process has them."""
    shared = Shared(server.url(), SECRET, SystemClock(), Metrics())
    leases = Leases("speech", shared, life_s=life_s, renew_s=renew_s)
    yield leases
    leases.close()
    shared.close()


def eventually(condition: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_all_processes_together_give_away_so_many(server: redis.Redis) -> None:
    with process(server) as one, process(server) as other:
        first = one.take("ann", 2)
        assert first is not None
        assert other.take("ann", 2) is not None
        assert one.take("ann", 2) is None
        assert other.take("ann", 2) is None
        assert other.take("bob", 2) is not None, "others are not concerned"
        one.give_back(first)
        one.give_back(first)
        assert other.take("ann", 2) is not None
        assert one.take("ann", 2) is None


def test_those_of_a_process_that_died_run_out(server: redis.Redis) -> None:
    with process(server, life_s=0.2, renew_s=3_600) as died, process(server) as other:
        assert died.take("ann", 1) is not None
        eventually(lambda: other.take("ann", 1) is not None)


def test_what_is_held_is_renewed_and_survives_a_redis_that_lost_it(server: redis.Redis) -> None:
    with process(server) as one, process(server) as other:
        assert one.take("ann", 1) is not None
        one._shared.run(lambda client: client.flushdb())
        key = one._shared.key("speech", "ann")
        eventually(lambda: other._shared.run(lambda client: client.zcard(key)))
        assert other.take("ann", 1) is None


def test_while_redis_is_away_none_is_given(server: redis.Redis) -> None:
    with process(server) as one:
        lease = one.take("ann", 1)
        server.kill()
        with pytest.raises(SharedAway):
            one.take("bob", 1)
        assert lease is not None
        one.give_back(lease)
