"""What test keys may have made: enough to build and test with, too little to live on."""

from __future__ import annotations

import math
import threading
from datetime import date, datetime, timedelta

from charafy.kernel.clock import Clock
from charafy.kernel.errors import TooManyRequests


class DailyAllowance:
    """An amount per account and UTC day. Thread-safe; a restart of the process begins anew."""

    def __init__(
        self, clock: Clock, sentence: str = "Test keys speak {limit:,} characters a day"
    ) -> None:
        """`sentence` says what the limit is, without a full stop."""
        self._clock = clock
        self._sentence = sentence
        self._lock = threading.Lock()
        self._day: date | None = None
        self._spent: dict[str, int] = {}

    def spend(self, account_id: str, amount: int, per_day: int) -> date:
        """Count `amount`, or raise `TooManyRequests` and count nothing; answers the day."""
        now = self._clock.now()
        with self._lock:
            if self._day != now.date():
                self._day, self._spent = now.date(), {}
            spent = self._spent.get(account_id, 0) + amount
            if spent <= per_day:
                self._spent[account_id] = spent
                return now.date()
        raise TooManyRequests(
            f"{self._sentence.format(limit=per_day)}, and this would be more: "
            "use a live key, or try again tomorrow.",
            retry_after_s=_until_midnight_s(now),
            code="test_limit_reached",
        )

    def give_back(self, account_id: str, amount: int, day: date) -> None:
        """Take back what was counted on that day: nothing was made after all."""
        with self._lock:
            if self._day == day:
                self._spent[account_id] -= amount


def _until_midnight_s(now: datetime) -> int:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return math.ceil((midnight - now).total_seconds())
