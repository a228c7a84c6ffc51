"""What test keys may have made: enough to build and test with, too little to live on."""

from __future__ import annotations

import math
import threading
from datetime import date, datetime, timedelta
from typing import Final

from charafy.kernel.clock import Clock
from charafy.kernel.errors import TooManyRequests
from charafy.kernel.shared import Shared, SharedAway, uncounted

_SPEND: Final = """
local spent = tonumber(redis.call('GET', KEYS[1]) or '0') + tonumber(ARGV[1])
if spent > tonumber(ARGV[2]) then return {0} end
redis.call('SET', KEYS[1], spent, 'PX', ARGV[3])
return {1}
"""
_GIVE_BACK: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('DECRBY', KEYS[1], ARGV[1]) end
return {1}
"""
_KEPT_MS: Final = 48 * 3_600_000
"""Longer than a day of any clock."""


class DailyAllowance:
    """An amount per account and UTC day. Thread-safe; a restart begins anew.

    Of the process, or with `shared` of the Redis in which all processes count together.
    """

    def __init__(
        self,
        clock: Clock,
        sentence: str = "Test keys speak {limit:,} characters a day",
        *,
        advice: str = "use a live key, or try again tomorrow",
        code: str = "test_limit_reached",
        shared: Shared | None = None,
    ) -> None:
        """`sentence` says what the limit is, `advice` what to do; both without a full stop.

        Allowances of one sentence are one where they are shared.
        """
        self._clock = clock
        self._sentence = sentence
        self._advice = advice
        self._code = code
        self._shared = shared
        self._lock = threading.Lock()
        self._day: date | None = None
        self._spent: dict[str, int] = {}

    def spend(self, account_id: str, amount: int, per_day: int) -> date:
        """Count `amount`, or raise `TooManyRequests` and count nothing; answers the day.

        Raises `Unavailable` while it can't be counted for all processes.
        """
        now = self._clock.now()
        if self._is_spent(account_id, amount, per_day, now.date()):
            return now.date()
        raise TooManyRequests(
            f"{self._sentence.format(limit=per_day)}, and this would be more: {self._advice}.",
            retry_after_s=until_midnight_s(now),
            code=self._code,
        )

    def give_back(self, account_id: str, amount: int, day: date) -> None:
        """Take back what was counted on that day: nothing was made after all."""
        if self._shared is not None:
            try:
                self._shared.script(_GIVE_BACK, self._key(self._shared, account_id, day), amount)
            except SharedAway:
                return  # tomorrow is another day
            return
        with self._lock:
            if self._day == day:
                self._spent[account_id] -= amount

    def _is_spent(self, account_id: str, amount: int, per_day: int, day: date) -> bool:
        """Count `amount` if that is within the limit; whether it was."""
        if self._shared is not None:
            name = self._key(self._shared, account_id, day)
            try:
                return bool(self._shared.script(_SPEND, name, amount, per_day, _KEPT_MS)[0])
            except SharedAway:
                raise uncounted() from None
        with self._lock:
            if self._day != day:
                self._day, self._spent = day, {}
            spent = self._spent.get(account_id, 0) + amount
            if spent <= per_day:
                self._spent[account_id] = spent
            return spent <= per_day

    def _key(self, shared: Shared, account_id: str, day: date) -> str:
        return shared.key("spent", f"{self._sentence} {day} {account_id}")


def until_midnight_s(now: datetime) -> int:
    """Seconds until the day of a limit is over."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return math.ceil((midnight - now).total_seconds())
