"""Downloads from addresses that users name: guarded, and capped in size and time as a whole.

Each redirect is judged anew. What the guard does is written in `outside.py`.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import httpcore
import httpx

from charafy.kernel.clock import Clock
from charafy.kernel.errors import BadRequest, TooManyRequests
from charafy.kernel.outside import Deadline, Outside, Refused, Resolver, Unreachable, resolve
from charafy.kernel.pinned import Connector, connect

MAX_REDIRECTS = 3
MAX_AT_ONCE = 8
"""Downloads under way: slow servers must not hold all of the server's worker threads."""
WAIT_S = 5.0

_REDIRECTS: Final = (301, 302, 303, 307, 308)


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
        self._wait_s = wait_s
        self._places = threading.BoundedSemaphore(MAX_AT_ONCE)
        self._outside = Outside(
            allowed_hosts=allowed_hosts,
            resolver=resolver,
            connector=connector,
            tls=tls,
            resolvers=MAX_AT_ONCE,
        )

    def close(self) -> None:
        self._outside.close()

    def get(self, url: str, *, max_bytes: int, timeout_s: float, accept: str, param: str) -> bytes:
        """The body behind `url`, after at most three redirects.

        Raises `BadRequest` about the request field `param`, with the code `<param>_url_refused`
        (we will not go there), `<param>_url_unreachable` (no proper answer within `timeout_s`
        seconds) or `<param>_too_large`; `TooManyRequests` when too many downloads are under way.
        """
        attempt = _Attempt(param, max_bytes, accept, Deadline(self._clock, timeout_s))
        try:
            with self._place():
                return self._follow(url, attempt)
        except Refused as refusal:
            raise attempt.error(f"The {param} URL {refusal.why}.", "url_refused") from None
        except Unreachable as failure:
            message = f"The {param} URL could not be downloaded: {failure.why}."
            raise attempt.error(message, "url_unreachable") from None

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

    def _follow(self, url: str, attempt: _Attempt) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            target = self._outside.judge(url)
            headers = {
                "Accept": attempt.accept,
                "Accept-Encoding": "identity",
                "User-Agent": "charafy",
            }
            with self._outside.exchange(
                "GET", target, attempt.deadline, headers=headers
            ) as response:
                answer = _read(response, attempt)
            if isinstance(answer, bytes):
                return answer
            url = _joined(target, answer)
        raise Unreachable("it redirects too often")


def _read(response: httpcore.Response, attempt: _Attempt) -> bytes | str:
    """The body, or where it redirects to."""
    headers = {name.lower(): value.decode("latin-1") for name, value in response.headers}
    if response.status in _REDIRECTS and b"location" in headers:
        return headers[b"location"]
    if response.status != 200:
        raise Unreachable(f"it answered with status {response.status}")
    # What was not asked for is not unpacked: a packed body may grow a thousandfold.
    if headers.get(b"content-encoding", "identity").lower() != "identity":
        raise Unreachable("it answered with a compressed body")
    length = headers.get(b"content-length", "0")
    if not length.isdecimal() or int(length) > attempt.max_bytes:
        raise attempt.too_large()
    body = bytearray()
    for piece in response.iter_stream():
        body += piece
        if len(body) > attempt.max_bytes:
            raise attempt.too_large()
        attempt.deadline.left()
    return bytes(body)


def _joined(target: httpx.URL, location: str) -> str:
    try:
        return str(target.join(location))
    except (httpx.InvalidURL, ValueError, UnicodeError):
        raise Unreachable("it redirects to what is not a URL") from None


class _Attempt:
    """The limits of one download and the words for what goes wrong in it."""

    def __init__(self, param: str, max_bytes: int, accept: str, deadline: Deadline) -> None:
        self._param = param
        self.max_bytes = max_bytes
        self.accept = accept
        self.deadline = deadline

    def too_large(self) -> BadRequest:
        return self.error(
            f"The {self._param} is larger than {self.max_bytes // 1024 // 1024} MB.", "too_large"
        )

    def error(self, message: str, code: str) -> BadRequest:
        return BadRequest(message, code=f"{self._param}_{code}", param=self._param)
