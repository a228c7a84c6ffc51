"""Rate limits with the headers of the IETF RateLimit draft; counted in memory or in Redis."""

from __future__ import annotations

import ipaddress
import math
import time
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import HTTPConnection

from charafy.kernel.errors import TooManyRequests

WINDOW_S = 60


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
    """Counts requests per minute. Thread-safe; the storage decides how far a count is shared."""

    def __init__(self, storage: Storage) -> None:
        self._windows = FixedWindowRateLimiter(storage)

    def hit(self, policy: str, key: str, per_minute: int) -> tuple[Allowance, bool]:
        """Count one request; the flag says whether it is within the limit."""
        item = RateLimitItemPerMinute(per_minute)
        allowed = self._windows.hit(item, policy, key)
        stats = self._windows.get_window_stats(item, policy, key)
        reset_s = max(1, math.ceil(stats.reset_time - time.time()))
        return Allowance(policy, per_minute, max(0, stats.remaining), reset_s), allowed

    def require(self, policy: str, key: str, per_minute: int) -> Allowance:
        """Count one request or raise `TooManyRequests` with the headers of the limit."""
        allowance, allowed = self.hit(policy, key, per_minute)
        if allowed:
            return allowance
        error = TooManyRequests(
            f"Too many requests: the limit is {per_minute:,} a minute. "
            f"Try again in {allowance.reset_s} s.",
            retry_after_s=allowance.reset_s,
        )
        error.headers.update(allowance.headers())
        raise error
