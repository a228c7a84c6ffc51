"""Rate limits with the headers of the IETF RateLimit draft; counted in memory or in Redis.

While Redis is away, limits that guard money, or anything against strangers, let nobody through;
others are counted in the process meanwhile.
"""

from __future__ import annotations

import ipaddress
import math
import time
from dataclasses import dataclass
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import HTTPConnection

from charafy.kernel.errors import TooManyRequests
from charafy.kernel.shared import Shared, SharedAway, uncounted

WINDOW_S = 60

# One trip, where the library's storage takes three; a window begins with its first request.
_COUNT: Final = """
local n = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
    left = tonumber(ARGV[1])
    redis.call('PEXPIRE', KEYS[1], left)
end
return {n, left}
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of one limit."""

    policy: str
    quota: int
    remaining: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={WINDOW_S}',
            "RateLimit": f'"{self.policy}";r={self.remaining};t={self.reset_s}',
        }


def address_of(request: HTTPConnection) -> str:
    """What limits by address count by: an IPv6 user has a whole /64 to send from."""
    host = request.client.host if request.client else ""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(ip) >> 64 << 64, 64)))


class Limiter:
    """Counts requests per minute. Thread-safe."""

    def __init__(self, storage: Storage, shared: Shared | None = None) -> None:
        """With `shared` all processes count together, and `storage` stands in while it is away."""
        self._windows = FixedWindowRateLimiter(storage)
        self._shared = shared

    @property
    def is_quick(self) -> bool:
        """Whether counting takes microseconds, so that it may be done on an event loop."""
        return self._shared is None

    def hit(
        self, policy: str, key: str, per_minute: int, *, opens: bool = False
    ) -> tuple[Allowance, bool]:
        """Count one request; the flag says whether it is within the limit.

        `opens`: while the shared count is away this process counts by itself. Otherwise
        `Unavailable` (`limits_unavailable`) is raised then.
        """
        if self._shared is None:
            return self._hit_here(policy, key, per_minute)
        try:
            count, reset_s = _count(self._shared, policy, key)
        except SharedAway:
            if opens:
                return self._hit_here(policy, key, per_minute)
            raise uncounted() from None
        left = max(0, per_minute - count)
        return Allowance(policy, per_minute, left, reset_s), count <= per_minute

    def require(self, policy: str, key: str, per_minute: int, *, opens: bool = False) -> Allowance:
        """Count one request or raise `TooManyRequests` with the headers of the limit.

        `opens` as in `hit`, which says what else is raised.
        """
        allowance, allowed = self.hit(policy, key, per_minute, opens=opens)
        if allowed:
            return allowance
        error = TooManyRequests(
            f"Too many requests: the limit is {per_minute:,} a minute. "
            f"Try again in {allowance.reset_s} s.",
            retry_after_s=allowance.reset_s,
        )
        error.headers.update(allowance.headers())
        raise error

    def _hit_here(self, policy: str, key: str, per_minute: int) -> tuple[Allowance, bool]:
        item = RateLimitItemPerMinute(per_minute)
        allowed = self._windows.hit(item, policy, key)
        stats = self._windows.get_window_stats(item, policy, key)
        reset_s = max(1, math.ceil(stats.reset_time - time.time()))
        return Allowance(policy, per_minute, max(0, stats.remaining), reset_s), allowed


def _count(shared: Shared, policy: str, key: str) -> tuple[int, int]:
    """Which request of its window this is, and the seconds until the next one. `SharedAway`."""
    name = shared.key("limit", f"{policy} {key}")
    count, left_ms = shared.script(_COUNT, name, WINDOW_S * 1000)
    return int(count), max(1, math.ceil(int(left_ms) / 1000))
