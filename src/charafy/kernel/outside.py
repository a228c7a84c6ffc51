"""The way out to addresses that users name, without letting them into our own network.

A name is resolved once, every address it has must be public, and the connection goes to exactly
the address that was judged: a name that points elsewhere a moment later (DNS rebinding) gains
nothing. Redirects are never followed here. One deadline covers everything.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as ResolveTimeout
from contextlib import contextmanager
from typing import Final

import httpcore
import httpx

from charafy.kernel.addresses import is_public
from charafy.kernel.clock import Clock
from charafy.kernel.pinned import Connector, PinnedBackend, connect

MAX_URL_CHARS = 2_048

_PORTS: Final = {"http": 80, "https": 443}

Resolver = Callable[[str, int], Sequence[str]]
"""Host and port -> IP addresses as text; raises `OSError` when the name has none."""


class Refused(Exception):
    """We will not go there. `why` completes "The URL …"."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Unreachable(Exception):
    """There was no proper answer in time. `why` is a clause about the URL, named "it"."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Deadline:
    """When everything about one request must be over."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then; raises `Unreachable` when there are none."""
        left = self._end - self._clock.monotonic()
        if left <= 0:
            raise Unreachable("it did not answer in time")
        return left


def resolve(host: str, port: int) -> list[str]:
    """What the system's resolver says, including its reading of `0x7f.1` or `2130706433`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


class Outside:
    """Thread-safe; `close()` ends its resolver threads.

    `allowed_hosts` are `host:port` pairs which may be private or on other ports.
    """

    def __init__(
        self,
        *,
        allowed_hosts: Iterable[str] = (),
        resolver: Resolver = resolve,
        connector: Connector = connect,
        tls: ssl.SSLContext | None = None,
        resolvers: int = 8,
    ) -> None:
        self._allowed = frozenset(host.lower() for host in allowed_hosts)
        self._resolver = resolver
        self._connector = connector
        self.tls = tls or ssl.create_default_context()
        # The system's resolver takes no timeout: it runs where it can be waited for.
        self._resolving = ThreadPoolExecutor(resolvers, thread_name_prefix="charafy-resolve")

    def close(self) -> None:
        self._resolving.shutdown(wait=False, cancel_futures=True)

    def judge(self, url: str) -> httpx.URL:
        """The URL in its one canonical form, if its own words allow going there.

        Raises `Refused`. Says nothing yet about where its host name leads.
        """
        if len(url) > MAX_URL_CHARS:
            raise Refused(f"is longer than {MAX_URL_CHARS:,} characters")
        try:
            target = httpx.URL(url)
            host = target.host  # what is written in ASCII is only now read, and may be nonsense
        except (httpx.InvalidURL, ValueError, UnicodeError):
            raise Refused("is not a valid URL") from None
        if target.scheme not in _PORTS or not host:
            raise Refused("must start with http:// or https://")
        if target.userinfo:
            raise Refused("must not contain a user name or password")
        if _port(target) not in _PORTS.values() and not self.allows(target):
            raise Refused("must use port 80 or 443")
        return target.copy_with(fragment=None)

    def allows(self, target: httpx.URL) -> bool:
        """Whether the operator vouches for this host and port."""
        host = f"[{target.host}]" if ":" in target.host else target.host
        return f"{host}:{_port(target)}".lower() in self._allowed

    @contextmanager
    def exchange(
        self,
        method: str,
        target: httpx.URL,
        deadline: Deadline,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
    ) -> Iterator[httpcore.Response]:
        """One request to a judged URL and the beginning of its answer, to be read within.

        Raises `Refused` for an address that is not public, `Unreachable` for whatever goes wrong.
        """
        backend = PinnedBackend(self.addresses(target, deadline), self._connector, deadline.left)
        address = httpcore.URL(
            scheme=target.raw_scheme,
            host=target.raw_host,
            port=target.port,
            target=target.raw_path,
        )
        sent: list[tuple[bytes | str, bytes | str]] = [("Host", target.netloc), *headers.items()]
        try:
            # A pool of its own: connections are never shared between requests.
            with (
                httpcore.ConnectionPool(self.tls, network_backend=backend) as pool,
                pool.stream(method, address, headers=sent, content=content) as response,
            ):
                yield response
        except httpcore.TimeoutException:
            raise Unreachable("it did not answer in time") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, ValueError):
            raise Unreachable("the connection failed") from None

    def addresses(self, target: httpx.URL, deadline: Deadline) -> Sequence[str]:
        """Where its host name leads, if we may go there.

        Raises `Refused` for an address that is not public, `Unreachable` when there is none.
        """
        host = target.raw_host.decode("ascii").strip("[]")
        job = self._resolving.submit(self._resolver, host, _port(target))
        try:
            addresses = job.result(timeout=deadline.left())
        except ResolveTimeout:
            job.cancel()
            raise Unreachable("its host could not be found in time") from None
        except (OSError, UnicodeError):
            raise Unreachable("its host does not exist") from None
        if not addresses:
            raise Unreachable("its host does not exist")
        if not self.allows(target) and not all(map(is_public, addresses)):
            raise Refused("leads to an address that is not on the public Internet")
        return addresses


def _port(target: httpx.URL) -> int:
    return target.port or _PORTS[target.scheme]
