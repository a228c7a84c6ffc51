"""What the processes of one Charafy share through Redis, and what happens while it is away.

Whoever asks waits for Redis once and briefly. After a failure nobody waits at all, except for one
caller a second who tries again: so it is noticed when Redis comes back.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import structlog

from charafy.kernel.clock import Clock
from charafy.kernel.errors import Unavailable
from charafy.kernel.observe import Metrics, describe
from charafy.kernel.redis_settings import RedisRefused, redis_shown

if TYPE_CHECKING:
    from redis import Redis

T = TypeVar("T")

log = structlog.get_logger("charafy.shared")

PATIENCE_S: Final = 1.0
"""To connect, and again for each answer."""
RETRY_S: Final = 1.0
RETRY_AFTER_S: Final = 2
"""What clients are told."""

_LOADING: Final = "it is still loading; try again in a moment."
_SILENT: Final = "nothing answers there; see CHARAFY_REDIS_URL."
_REASONS: Final = (
    ("WRONGPASS", "it refuses the user or the password."),
    ("invalid username-password", "it refuses the user or the password."),
    ("invalid password", "it refuses the password."),
    ("without any password", "a password is given, but it knows none."),
    ("NOAUTH", "it wants a password, and none is given."),
    ("Authentication required", "it wants a password, and none is given."),
    ("DB index", "it has no database of that number."),
    ("permissions", "the user may not do what is needed: keys charafy:*, channels charafy:*."),
    ("read only replica", "it is a replica that takes no writes: name the master."),
    ("READONLY", "it is a replica that takes no writes: name the master."),
    ("OOM", "it is full; raise its maxmemory."),
    ("SSL", "they don't agree on encryption; redis:// is without, rediss:// with TLS."),
    ("certificate", "its certificate is not trusted; name its authority by ?ssl_ca_certs=."),
    ("known", "no machine has that name."),
    ("resolution", "no machine has that name."),
    ("loading", _LOADING),
)


class SharedAway(Exception):
    """Redis did not answer in time, or said that it can't; nothing may have happened there."""


class Shared:
    """The way to Redis. Thread-safe; `run` waits at most a few times `PATIENCE_S`, mostly never.

    Opens no connection before it is needed.
    """

    def __init__(self, url: str, secret: bytes, clock: Clock, metrics: Metrics) -> None:
        """`secret`, the server's own, keeps what several servers have in one Redis apart."""
        from redis import ConnectionError as NotConnected
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self._redis: Redis = Redis.from_url(
            url,
            socket_connect_timeout=PATIENCE_S,
            socket_timeout=PATIENCE_S,
            # A connection of the pool may be one that Redis closed: then a second one is tried.
            # Never after a timeout: that would double the wait.
            retry=Retry(NoBackoff(), 1, (NotConnected,)),
            protocol=2,
            client_name="charafy",
            # For who hears and is told nothing: a line that is cut looks like silence.
            health_check_interval=10,
        )
        self._shown = redis_shown(url)
        self._secret = secret[:64]
        self._prefix = f"charafy:{self._hashed('server')[:8]}"
        self._clock = clock
        self._lock = threading.Lock()
        self._away_since_s: float | None = None
        self._next_try_s = 0.0
        self._up, self._outages = metrics.redis_up, metrics.redis_outages

    def key(self, kind: str, name: str = "") -> str:
        """The key of one thing; says nothing of its name, which may be somebody's address."""
        return f"{self._prefix}:{kind}:{self._hashed(name)}" if name else f"{self._prefix}:{kind}"

    def run(self, work: Callable[[Redis], T]) -> T:
        """What `work` answers. Raises `SharedAway`."""
        from redis import RedisError

        self._pass()
        try:
            answer = work(self._redis)
        except (RedisError, OSError) as error:
            self._lost(error)
            raise SharedAway from None
        if self._away_since_s is not None:
            self._back()
        return answer

    def script(self, source: str, key: str, *numbers: int) -> list[int]:
        """Run a script, which Redis keeps, on one key. Raises `SharedAway`."""
        from redis.exceptions import NoScriptError

        digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

        def work(redis: Redis) -> list[int]:
            try:
                return list(redis.evalsha(digest, 1, key, *numbers))
            except NoScriptError:  # it was restarted, or never heard of it
                return list(redis.eval(source, 1, key, *numbers))

        return self.run(work)

    def check(self, *, may_be_away: bool = False) -> None:
        """Raises `RedisRefused` when Redis isn't there or can't be used; says why."""
        from redis import RedisError

        try:
            self._redis.set(self.key("check"), b"1", px=1000)
            self._redis.eval("return redis.call('GET', KEYS[1])", 1, self.key("check"))
        except (RedisError, OSError) as error:
            reason = _reason(error)
            if may_be_away and reason in (_LOADING, _SILENT):
                return
            raise RedisRefused(f"Redis at {self._shown} can't be used: {reason}") from None

    @contextmanager
    def hearing(self, channel: str) -> Iterator[Callable[[float], bool]]:
        """A function that waits, so many seconds, until somebody publishes on the channel.

        For one thread. All of it raises `SharedAway`, and nobody else is told: who hears has a
        connection of its own, and tries again.
        """
        from redis import RedisError

        # The client's types leave this one out.
        heard = cast("Any", self._redis).pubsub(ignore_subscribe_messages=True)
        try:
            heard.subscribe(channel)
            yield lambda timeout_s: heard.get_message(timeout=timeout_s) is not None
        except (RedisError, OSError):
            raise SharedAway from None
        finally:
            heard.close()

    def close(self) -> None:
        self._redis.close()

    def _hashed(self, name: str) -> str:
        return hashlib.blake2b(name.encode(), key=self._secret, digest_size=16).hexdigest()

    def _pass(self) -> None:
        """Raises `SharedAway` at once while it is away, but for one caller a second."""
        if self._away_since_s is None:
            return
        with self._lock:
            now_s = self._clock.monotonic()
            if self._away_since_s is not None and now_s < self._next_try_s:
                raise SharedAway
            self._next_try_s = now_s + RETRY_S

    def _lost(self, error: Exception) -> None:
        with self._lock:
            now_s = self._clock.monotonic()
            self._next_try_s = now_s + RETRY_S
            if self._away_since_s is not None:
                return
            self._away_since_s = now_s
        # Idle connections may lead to a machine that is no longer the one.
        self._redis.connection_pool.disconnect(inuse_connections=False)
        self._up.set(0)
        self._outages.inc()
        log.error("redis_away", redis=self._shown, why=_reason(error), **describe(error))

    def _back(self) -> None:
        with self._lock:
            since_s, self._away_since_s = self._away_since_s, None
        if since_s is not None:
            self._up.set(1)
            log.warning("redis_back", away_s=round(self._clock.monotonic() - since_s, 1))


def _reason(error: Exception) -> str:
    """Why, as one sentence; never Redis' own words."""
    words = f"{error} {type(error).__name__}"
    for sign, reason in _REASONS:
        if sign in words:
            return reason
    return _SILENT


def uncounted() -> Unavailable:
    """What somebody is told whose request must be counted by all processes, and can't be."""
    return Unavailable(
        "Requests can't be counted right now, and this one must be. Try again in a moment.",
        retry_after_s=RETRY_AFTER_S,
        code="limits_unavailable",
    )
