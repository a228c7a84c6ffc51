"""Places that processes give away together; each is held until given back, or its process dies.

A place is a lease in Redis. Its process renews it; whoever stops doing so, however it ended, holds
none after `LIFE_S`. After a Redis that lost everything the next renewal brings the leases back.
"""

from __future__ import annotations

import secrets
import threading
from typing import Final

from charafy.kernel.shared import Shared, SharedAway

LIFE_S: Final = 30.0
RENEW_S: Final = 10.0

# By Redis' own clock: those of machines differ.
_NOW: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
"""
_TAKE: Final = (
    _NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then
    return {0}
end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {1}
"""
)
_RENEW: Final = (
    _NOW
    + """
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {1}
"""
)
_GIVE_BACK: Final = "return {redis.call('ZREM', KEYS[1], ARGV[1])}"


class Leases:
    """Places of one kind. Thread-safe; a thread of its own renews what is held, until `close`."""

    def __init__(
        self, kind: str, shared: Shared, *, life_s: float = LIFE_S, renew_s: float = RENEW_S
    ) -> None:
        self._kind = kind
        self._shared = shared
        self._life_ms = round(life_s * 1000)
        self._renew_s = renew_s
        self._lock = threading.Lock()
        self._held: dict[int, str] = {}
        """By number, the name of who has it."""
        self._closing = threading.Event()
        self._keeper: threading.Thread | None = None

    def take(self, name: str, most: int) -> int | None:
        """The number of a place for `name`; None when all processes gave it `most` together.

        Raises `SharedAway`.
        """
        lease = secrets.randbits(62)
        taken = self._shared.script(_TAKE, self._key(name), lease, self._life_ms, most)
        if not taken[0]:
            return None
        with self._lock:
            self._held[lease] = name
            if self._keeper is None and not self._closing.is_set():
                keeper = threading.Thread(target=self._keep, name="charafy-leases", daemon=True)
                self._keeper = keeper
                keeper.start()
        return lease

    def give_back(self, lease: int) -> None:
        """Others may have it at once; while Redis is away, when the lease has run out."""
        with self._lock:
            name = self._held.pop(lease, None)
        if name is not None:
            self._drop(lease, name)

    def close(self) -> None:
        """Renew no more; bounded by the patience with Redis."""
        self._closing.set()
        with self._lock:
            keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.join()

    def _key(self, name: str) -> str:
        return self._shared.key(self._kind, name)

    def _keep(self) -> None:
        while not self._closing.wait(self._renew_s):
            with self._lock:
                held = list(self._held.items())
            for lease, name in held:
                self._renew(lease, name)

    def _renew(self, lease: int, name: str) -> None:
        try:
            self._shared.script(_RENEW, self._key(name), lease, self._life_ms)
        except SharedAway:
            return  # the next time
        with self._lock:
            gone = lease not in self._held
        if gone:  # given back meanwhile, which this undid
            self._drop(lease, name)

    def _drop(self, lease: int, name: str) -> None:
        try:
            self._shared.script(_GIVE_BACK, self._key(name), lease)
        except SharedAway:
            return  # it runs out
