"""What processes share through a real Redis, which dies, hangs and comes back."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from charafy.kernel.observe import Metrics
from charafy.kernel.redis_settings import RedisRefused
from charafy.kernel.shared import PATIENCE_S, RETRY_S, Shared, SharedAway
from tests.support import redis
from tests.support.clock import ManualClock

SECRET = b"s" * 32


@pytest.fixture
def server() -> Iterator[redis.Redis]:
    with redis.running() as server:
        yield server


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def shared(server: redis.Redis, clock: ManualClock, metrics: Metrics) -> Iterator[Shared]:
    shared = Shared(server.url(), SECRET, clock, metrics)
    yield shared
    shared.close()


def _asks(shared: Shared) -> bool:
    try:
        return bool(shared.run(lambda client: client.ping()))
    except SharedAway:
        return False


def _sample(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(name)


def test_a_server_with_another_secret_has_keys_of_its_own_and_none_tells_a_name(
    server: redis.Redis, clock: ManualClock, shared: Shared
) -> None:
    other = Shared(server.url(), b"t" * 32, clock, Metrics())
    name = shared.key("limit", "sign_in ann@example.com")
    assert name == shared.key("limit", "sign_in ann@example.com")
    assert name != other.key("limit", "sign_in ann@example.com")
    assert name.startswith("charafy:")
    assert "ann" not in name


def test_while_it_is_dead_nobody_waits_and_it_comes_back_by_itself(
    server: redis.Redis, clock: ManualClock, metrics: Metrics, shared: Shared
) -> None:
    assert _asks(shared)
    assert _sample(metrics, "charafy_redis_up") == 1
    server.kill()
    with capture_logs() as lines:
        assert not any(_asks(shared) for _ in range(50))
    assert [line["event"] for line in lines] == ["redis_away"]
    assert _sample(metrics, "charafy_redis_up") == 0
    assert _sample(metrics, "charafy_redis_outages_total") == 1
    server.start()
    assert not _asks(shared), "nobody tries before a second is over"
    clock.advance(RETRY_S)
    with capture_logs() as lines:
        assert _asks(shared)
        assert _asks(shared)
    assert [line["event"] for line in lines] == ["redis_back"]
    assert _sample(metrics, "charafy_redis_up") == 1
    assert _sample(metrics, "charafy_redis_outages_total") == 1


def test_a_restart_between_two_requests_is_not_noticed(server: redis.Redis, shared: Shared) -> None:
    assert _asks(shared)
    server.kill()
    server.start()
    assert _asks(shared)
    assert shared.script("return {1, 2}", shared.key("x")) == [1, 2], "a script it no longer knows"


def test_while_it_hangs_one_caller_a_second_waits_briefly_and_others_not_at_all(
    server: redis.Redis, clock: ManualClock, shared: Shared
) -> None:
    assert _asks(shared)
    server.hang()
    began = time.monotonic()
    assert not _asks(shared)
    assert time.monotonic() - began < 4 * PATIENCE_S
    began = time.monotonic()
    assert not any(_asks(shared) for _ in range(200))
    assert time.monotonic() - began < PATIENCE_S / 2
    clock.advance(RETRY_S)
    began = time.monotonic()
    assert not any(_asks(shared) for _ in range(200))
    assert time.monotonic() - began < 4 * PATIENCE_S
    server.go_on()
    clock.advance(RETRY_S)
    assert _asks(shared)


@pytest.mark.parametrize(
    ("user", "password", "db", "reason"),
    [
        ("", "hunter2", 0, "refuses the"),
        ("nobody", "hunter2", 0, "refuses the user or the password"),
        ("", redis.PASSWORD, 99, "no database of that number"),
    ],
)
def test_what_can_not_be_used_is_said_before_anybody_needs_it(
    server: redis.Redis, clock: ManualClock, user: str, password: str, db: int, reason: str
) -> None:
    url = server.url(user=user, password=password, db=db)
    with pytest.raises(RedisRefused, match=reason) as refused:
        Shared(url, SECRET, clock, Metrics()).check(may_be_away=True)
    assert password not in str(refused.value)
    assert f"127.0.0.1:{server.port}" in str(refused.value)


def test_without_the_password_it_wants_it_is_refused(
    server: redis.Redis, clock: ManualClock
) -> None:
    shared = Shared(f"redis://127.0.0.1:{server.port}", SECRET, clock, Metrics())
    with pytest.raises(RedisRefused, match="wants a password"):
        shared.check(may_be_away=True)


def test_one_that_is_fine_is_not_refused(shared: Shared) -> None:
    shared.check()


def test_one_that_is_not_there_is_refused_by_those_who_need_it_alone(clock: ManualClock) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"redis://:hunter2@127.0.0.1:{taken.getsockname()[1]}"
        shared = Shared(url, SECRET, clock, Metrics())
        with pytest.raises(RedisRefused, match="nothing answers there") as refused:
            shared.check()
        shared.check(may_be_away=True)
    assert "hunter2" not in str(refused.value)
