"""Downloads from addresses that users name, without letting them into our own network.

A name is resolved once, every address it has must be public, and the connection goes to exactly
the address that was judged: a name that points elsewhere a moment later (DNS rebinding) gains
nothing. Each redirect is judged anew. Size and time are capped as a whole, not per read.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as ResolveTimeout
from contextlib import contextmanager
from typing import Final

import httpcore
import httpx

from charafy.kernel.addresses import is_public
from charafy.kernel.clock import Clock
from charafy.kernel.errors import BadRequest, TooManyRequests
from charafy.kernel.pinned import Connector, PinnedBackend, connect

MAX_URL_CHARS = 2_048
MAX_REDIRECTS = 3
MAX_AT_ONCE = 8
"""Downloads under way: slow servers must not hold all of the server's worker threads."""
WAIT_S = 5.0

_PORTS: Final = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)

Resolver = Callable[[str, int], Sequence[str]]
"""Host and port -> IP addresses as text; raises `OSError` when the name has none."""


def resolve(host: str, port: int) -> list[str]:
    """What the system's resolver says, including its reading of `0x7f.1` or `2130706433`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


class Fetcher:
    """Guarded GET. Thread-safe; `close()` ends its resolver threads.

    `allowed_hosts` are `host:port` pairs which may be private or on other ports.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        allowed_hosts: Iterable[str] = (),
        resolver: Resolver = resolve,
        connector: Connector = connect,
        tls: ssl.SSLContext | None = None,
        wait_s: float = WAIT_S,
    ) -> None:
        self._clock = clock
        self._allowed = frozenset(host.lower() for host in allowed_hosts)
        self._resolver = resolver
        self._connector = connector
        self._tls = tls or ssl.create_default_context()
        self._wait_s = wait_s
        self._places = threading.BoundedSemaphore(MAX_AT_ONCE)
        # The system's resolver takes no timeout: it runs where it can be waited for.
        self._resolving = ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="charafy-resolve")

    def close(self) -> None:
        self._resolving.shutdown(wait=False, cancel_futures=True)

    def get(self, url: str, *, max_bytes: int, timeout_s: float, accept: str, param: str) -> bytes:
        """The body behind `url`, after at most three redirects.

        Raises `BadRequest` about the request field `param`, with the code `<param>_url_refused`
        (we will not go there), `<param>_url_unreachable` (no proper answer within `timeout_s`
        seconds) or `<param>_too_large`; `TooManyRequests` when too many downloads are under way.
        """
        attempt = _Attempt(param, max_bytes, self._clock, self._clock.monotonic() + timeout_s)
        with self._place():
            for _ in range(MAX_REDIRECTS + 1):
                target = self._judge(url, attempt)
                backend = PinnedBackend(
                    self._addresses(target, attempt), self._connector, attempt.left
                )
                answer = self._exchange(target, backend, accept, attempt)
                if isinstance(answer, bytes):
                    return answer
                url = _follow(target, answer, attempt)
            raise attempt.unreachable("it redirects too often")

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=self._wait_s):
            raise TooManyRequests(
                "Too many downloads are under way: try again in a few seconds.",
                retry_after_s=5,
                code="downloads_busy",
            )
        try:
            yield
        finally:
            self._places.release()

    def _judge(self, url: str, attempt: _Attempt) -> httpx.URL:
        """The URL in its one canonical form, if its own words allow going there."""
        if len(url) > MAX_URL_CHARS:
            raise attempt.refused(f"is longer than {MAX_URL_CHARS:,} characters")
        try:
            target = httpx.URL(url)
        except (httpx.InvalidURL, ValueError, UnicodeError):
            raise attempt.refused("is not a valid URL") from None
        if target.scheme not in _PORTS or not target.host:
            raise attempt.refused("must start with http:// or https://")
        if target.userinfo:
            raise attempt.refused("must not contain a user name or password")
        if _port(target) not in _PORTS.values() and not self._is_allowed(target):
            raise attempt.refused("must use port 80 or 443")
        return target.copy_with(fragment=None)

    def _is_allowed(self, target: httpx.URL) -> bool:
        host = f"[{target.host}]" if ":" in target.host else target.host
        return f"{host}:{_port(target)}".lower() in self._allowed

    def _addresses(self, target: httpx.URL, attempt: _Attempt) -> Sequence[str]:
        host = target.raw_host.decode("ascii").strip("[]")
        job = self._resolving.submit(self._resolver, host, _port(target))
        try:
            addresses = job.result(timeout=attempt.left())
        except ResolveTimeout:
            job.cancel()
            raise attempt.unreachable("its host could not be found in time") from None
        except (OSError, UnicodeError):
            raise attempt.unreachable("its host does not exist") from None
        if not addresses:
            raise attempt.unreachable("its host does not exist")
        if not self._is_allowed(target) and not all(map(is_public, addresses)):
            raise attempt.refused("leads to an address that is not on the public Internet")
        return addresses

    def _exchange(
        self, target: httpx.URL, backend: PinnedBackend, accept: str, attempt: _Attempt
    ) -> bytes | str:
        """One request: its body, or where it redirects to."""
        headers: list[tuple[bytes | str, bytes | str]] = [
            ("Host", target.netloc),
            ("Accept", accept),
            ("Accept-Encoding", "identity"),
            ("User-Agent", "charafy"),
        ]
        address = httpcore.URL(
            scheme=target.raw_scheme,
            host=target.raw_host,
            port=target.port,
            target=target.raw_path,
        )
        try:
            # A pool of its own: connections are never shared between downloads.
            with (
                httpcore.ConnectionPool(self._tls, network_backend=backend) as pool,
                pool.stream("GET", address, headers=headers) as response,
            ):
                return _read(response, attempt)
        except httpcore.TimeoutException:
            raise attempt.unreachable("it did not answer in time") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, ValueError):
            raise attempt.unreachable("the connection failed") from None


def _read(response: httpcore.Response, attempt: _Attempt) -> bytes | str:
    headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
    if response.status in _REDIRECTS and b"location" in headers:
        return headers[b"location"]
    if response.status != 200:
        raise attempt.unreachable(f"it answered with status {response.status}")
    # What was not asked for is not unpacked: a packed body may grow a thousandfold.
    if headers.get(b"content-encoding", "identity").lower() != "identity":
        raise attempt.unreachable("it answered with a compressed body")
    length = headers.get(b"content-length", "0")
    if not length.isdecimal() or int(length) > attempt.max_bytes:
        raise attempt.too_large()
    body = bytearray()
    for piece in response.iter_stream():
        body += piece
        if len(body) > attempt.max_bytes:
            raise attempt.too_large()
        attempt.left()
    return bytes(body)


def _follow(target: httpx.URL, location: str, attempt: _Attempt) -> str:
    try:
        return str(target.join(location))
    except (httpx.InvalidURL, ValueError, UnicodeError):
        raise attempt.unreachable("it redirects to what is not a URL") from None


def _port(target: httpx.URL) -> int:
    return target.port or _PORTS[target.scheme]


class _Attempt:
    """The limits of one download and the words for what goes wrong in it."""

    def __init__(self, param: str, max_bytes: int, clock: Clock, deadline: float) -> None:
        self._param = param
        self.max_bytes = max_bytes
        self._clock = clock
        self._deadline = deadline

    def left(self) -> float:
        """Seconds until the download must be over; raises when there are none."""
        left = self._deadline - self._clock.monotonic()
        if left <= 0:
            raise self.unreachable("it did not answer in time")
        return left

    def refused(self, why: str) -> BadRequest:
        return self._error(f"The {self._param} URL {why}.", "url_refused")

    def unreachable(self, why: str) -> BadRequest:
        return self._error(
            f"The {self._param} URL could not be downloaded: {why}.", "url_unreachable"
        )

    def too_large(self) -> BadRequest:
        return self._error(
            f"The {self._param} is larger than {self.max_bytes // 1024 // 1024} MB.", "too_large"
        )

    def _error(self, message: str, code: str) -> BadRequest:
        return BadRequest(message, code=f"{self._param}_{code}", param=self._param)
