"""A bell wakes who waits: in its process, and by way of a real Redis in others."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from charafy.kernel.bell import Bell
from charafy.kernel.clock import SystemClock
from charafy.kernel.observe import Metrics
from charafy.kernel.shared import Shared
from tests.support import redis

SECRET = b"s" * 32
PATIENCE_S = 30.0


@pytest.fixture
def server() -> Iterator[redis.Redis]:
    with redis.running() as server:
        yield server


def _process(server: redis.Redis, name: str = "x") -> Bell:
    """The bell as one process has it."""
    return Bell(name, Shared(server.url(), SECRET, SystemClock(), Metrics()))


def _hears(bell: Bell, other: Bell) -> bool:
    """Whether a ring gets through. A listener that has just begun rings for itself once."""
    deadline_s = time.monotonic() + PATIENCE_S
    while bell.wait(1.0):
        bell.clear()
        assert time.monotonic() < deadline_s
    other.ring()
    return bell.wait(PATIENCE_S)


def test_without_redis_it_is_heard_in_its_process() -> None:
    bell = Bell()
    bell.start()
    bell.ring()
    assert bell.wait(0)
    bell.clear()
    assert not bell.wait(0)
    bell.wake()
    assert bell.wait(0)
    bell.stop()


def test_it_is_heard_in_other_processes_and_only_there_is_its_name_known(
    server: redis.Redis,
) -> None:
    here, elsewhere, another = _process(server), _process(server), _process(server, "y")
    for bell in (here, another):
        bell.start()
    assert _hears(here, elsewhere)
    another.clear()
    assert _hears(here, elsewhere)
    assert not another.wait(0)
    for bell in (here, another):
        bell.stop()


def test_it_is_heard_again_after_redis_was_killed_and_ringing_meanwhile_harms_nobody(
    server: redis.Redis,
) -> None:
    here, elsewhere = _process(server), _process(server)
    here.start()
    assert _hears(here, elsewhere)
    server.kill()
    for bell in (here, elsewhere):
        bell.ring()
        assert bell.wait(0)
    here.clear()
    server.start()
    assert here.wait(PATIENCE_S), "what was rung while nobody heard is looked for"
    time.sleep(1.1)  # whoever rang may have to wait before it tries again
    assert _hears(here, elsewhere)
    here.stop()


def test_a_listener_ends_soon_even_while_redis_hangs(server: redis.Redis) -> None:
    bell = _process(server)
    bell.start()
    assert _hears(bell, _process(server))
    server.hang()
    began = time.monotonic()
    bell.stop()
    assert time.monotonic() - began < 5
    server.go_on()
