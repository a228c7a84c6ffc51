"""Whoever asks however often, at whatever moment: the limiter lets through what its model does."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from limits.storage import MemoryStorage

from charafy.kernel.errors import TooManyRequests
from charafy.kernel.http.limits import WINDOW_S, Allowance, Limiter
from tests.support.clock import ManualClock

QUOTAS = {"account": 3, "address": 1, "doors": 7}

policies = st.sampled_from(sorted(QUOTAS))
keys = st.sampled_from(("ann", "ben", "ann/1"))


class Limits(RuleBasedStateMachine):
    """The model: of each policy and key, when its window began and how many came in it.

    A window begins with its first request and ends a minute later; the refused count, too.
    """

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.clock = clock
        self.limiter = Limiter(MemoryStorage())
        self.windows: dict[tuple[str, str], tuple[float, int]] = {}
        self.passed: dict[tuple[str, str], list[float]] = {}

    def expected(self, policy: str, key: str) -> tuple[int, float]:
        """How many there are with this one, and the seconds until the window is over."""
        now = self.clock.now().timestamp()
        began, count = self.windows.get((policy, key), (now, 0))
        if now >= began + WINDOW_S:
            began, count = now, 0
        self.windows[policy, key] = began, count + 1
        return count + 1, began + WINDOW_S - now

    def told(self, allowance: Allowance, policy: str, key: str) -> bool:
        """Whether it is to pass; what it is told beside that is checked here."""
        count, left_s = self.expected(policy, key)
        quota = QUOTAS[policy]
        assert allowance.remaining == max(0, quota - count)
        assert allowance.reset_s == max(1, math.ceil(left_s))
        assert allowance.headers() == {
            "RateLimit-Policy": f'"{policy}";q={quota};w={WINDOW_S}',
            "RateLimit": f'"{policy}";r={allowance.remaining};t={allowance.reset_s}',
        }
        return count <= quota

    @rule(policy=policies, key=keys)
    def hit(self, policy: str, key: str) -> None:
        allowance, allowed = self.limiter.hit(policy, key, QUOTAS[policy])
        assert allowed == self.told(allowance, policy, key)
        if allowed:
            self.note(policy, key)

    @rule(policy=policies, key=keys)
    def require(self, policy: str, key: str) -> None:
        try:
            allowance = self.limiter.require(policy, key, QUOTAS[policy])
        except TooManyRequests as error:
            _, left_s = self.expected(policy, key)
            assert self.windows[policy, key][1] > QUOTAS[policy]
            assert error.headers["Retry-After"] == str(max(1, math.ceil(left_s)))
            return
        assert self.told(allowance, policy, key)
        self.note(policy, key)

    @rule(policy=policies, key=keys)
    def come_back_when_told(self, policy: str, key: str) -> None:
        """Who waits as long as it says passes."""
        allowance, _ = self.limiter.hit(policy, key, QUOTAS[policy])
        self.told(allowance, policy, key)
        self.clock.advance(allowance.reset_s)
        self.require(policy, key)
        assert self.windows[policy, key][1] == 1

    @rule(seconds=st.floats(0, 90))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def note(self, policy: str, key: str) -> None:
        self.passed.setdefault((policy, key), []).append(self.clock.now().timestamp())

    @invariant()
    def no_minute_sees_more_than_two_windows_let_through(self) -> None:
        for (policy, _), moments in self.passed.items():
            within = [at for at in moments if at > moments[-1] - WINDOW_S]
            assert len(within) <= 2 * QUOTAS[policy]


def test_the_limiter_is_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    time = SimpleNamespace(time=lambda: clock.now().timestamp())
    monkeypatch.setattr("limits.storage.memory.time", time)
    monkeypatch.setattr("charafy.kernel.http.limits.time", time)

    class Kept(Limits):
        def __init__(self) -> None:
            super().__init__(clock)

    run_state_machine_as_test(
        Kept, settings=settings(max_examples=40, stateful_step_count=40, deadline=None)
    )
