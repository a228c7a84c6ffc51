"""When a request is tried again, and how long is waited before."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from charafy.client.api.errors import ApiError, ConnectionFailed, RateLimited
from charafy.kernel.errors import CharafyError

T = TypeVar("T")

_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""A moment later the answer may be another one."""


def _new_key() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Pacing:
    """Patience, and the time and chance that it is measured with."""

    max_retries: int = 2
    first_pause_s: float = 0.5
    """Doubled with every try."""
    longest_pause_s: float = 8.0
    patience_s: float = 60.0
    """A server that asks for more is not waited for: the error says how long it takes."""
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    """Seconds on a clock that never goes back."""
    date: Callable[[], float] = time.time
    """Seconds since 1970."""
    chance: Callable[[], float] = random.random
    """0 to 1, so that many clients do not come back at the same moment."""
    new_key: Callable[[], str] = _new_key
    """Names a request to `Idempotency-Key`."""

    def persist(self, work: Callable[[], T], *, safe: bool, busy_s: float) -> T:
        """Do `work` until it succeeds or there is no hope; the value of the try that did.

        `safe`: whether doing it twice does no harm. `busy_s`: how long to wait at most for the
        same request that another try began and that still runs.
        """
        tried, busy_since = 0, None
        while True:
            try:
                return work()
            except CharafyError as error:
                if error.code == "idempotency_in_flight" and self.max_retries > 0:
                    # No failure: the first try is still at it.
                    busy_since = self.now() if busy_since is None else busy_since
                    if self.now() - busy_since >= busy_s:
                        raise
                elif tried >= self.max_retries or not self._may_retry(error, safe):
                    raise
                else:
                    tried += 1
                self.sleep(self.pause_s(error, tried))

    def pause_s(self, error: CharafyError, tried: int) -> float:
        """How long to wait before the `tried`-th retry, counted from 1; what is asked, if it is."""
        asked = error.retry_after_s if isinstance(error, ApiError) else None
        if asked is not None:
            return min(asked, self.patience_s)
        doubled = self.first_pause_s * 2.0 ** min(max(0, tried - 1), 32)
        return min(doubled, self.longest_pause_s) * (0.75 + self.chance() / 4)

    def _may_retry(self, error: CharafyError, safe: bool) -> bool:
        if isinstance(error, ApiError):
            if (error.retry_after_s or 0) > self.patience_s:
                return False
            if isinstance(error, RateLimited):
                return True  # nothing was done
            return safe and error.status in _PASSING
        return safe and isinstance(error, ConnectionFailed)
