"""One HTTP service, spoken to within bounds: of time, of bytes, of attempts.

What goes wrong becomes `ServiceFailed` in words of ours: an upstream's message may quote what was
sent to it, an exception of the HTTP client names addresses.
"""

from __future__ import annotations

import copy
import json
import math
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from charafy.engines.voice import VoiceFailed

_ATTEMPTS: Final = 3
_PAUSES_S: Final = (0.3, 1.0)
_LONGEST_PAUSE_S: Final = 5.0
"""A service that wants to be left alone for longer has failed."""
_BUSY: Final = (429, 503)
"""Nothing was begun; asking again is always safe."""
_BROKEN_GATEWAY: Final = (502, 504)
_ERROR_BYTES: Final = 16 * 1024
_CONNECTIONS: Final = 64


@dataclass(frozen=True, slots=True)
class Waits:
    """How long to wait, in seconds."""

    connect_s: float = 5.0
    read_s: float = 30.0
    """Between two pieces of an answer, and for the first."""
    total_s: float = 120.0
    """For one answer with all attempts."""


@dataclass(frozen=True, slots=True)
class Answer:
    content_type: str
    """In lower case, with parameters; "" if none was given."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. Exactly one of `fields` (sent as JSON), `form` and neither."""

    method: str
    path: str
    """Below the base URL."""
    max_bytes: int
    """Longest answer that is believed."""
    fields: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None
    """With `files`: multipart."""
    files: Mapping[str, tuple[str, bytes, str]] | None = None
    """Field name -> (file name, bytes, type)."""
    query: Mapping[str, str] | None = None
    repeatable: bool = True
    """Whether asking twice does no harm when the first may have been heard."""


class ServiceFailed(VoiceFailed):
    """No good answer."""

    def __init__(self, message: str, *, status: int | None = None, reason: str = "") -> None:
        """`status`: of HTTP, if any. `reason`: a code by the service, to be compared only."""
        super().__init__(message)
        self.status = status
        self.reason = reason

    @property
    def refused(self) -> bool:
        """Whether the service understood and didn't like what was sent."""
        return self.status in (400, 413, 415, 422)


class _Again(Exception):
    """Worth another attempt: nothing was received."""

    def __init__(self, failure: ServiceFailed, pause_s: float | None = None) -> None:
        super().__init__()
        self.failure = failure
        self.pause_s = pause_s


class Service:
    """Safe to call from many threads. `close` ends its connections if it made the client."""

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        client: httpx.Client | None = None,
        tls: ssl.SSLContext | None = None,
        waits: Waits | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`headers` carry the key; they go to `base_url` only, redirects are not followed."""
        self._base_url = base_url.rstrip("/")
        # Sound is packed already; a packed answer may grow a thousandfold.
        self._headers = {"User-Agent": "charafy", "Accept-Encoding": "identity", **headers}
        self._waits = waits or Waits()
        self._sleep = sleep
        self._monotonic = monotonic
        self._until_s = math.inf
        self._own = client is None
        self._client = client or httpx.Client(
            verify=tls or ssl.create_default_context(),
            timeout=self._timeout(self._waits.read_s),
            limits=httpx.Limits(max_connections=_CONNECTIONS),
            follow_redirects=False,
        )

    def close(self) -> None:
        if self._own:
            self._client.close()

    def within(self, total_s: float) -> Service:
        """The same service; all that is asked of it this way ends `total_s` from now.

        A last answer that comes in pieces may end later by one wait. There is nothing to close.
        """
        bounded = copy.copy(self)
        bounded._own = False
        bounded._until_s = min(self._until_s, self._monotonic() + total_s)
        return bounded

    def ask(self, asked: Asked) -> Answer:
        """The whole answer. Raises `ServiceFailed`."""
        until_s = min(self._until_s, self._monotonic() + self._waits.total_s)
        for attempt in range(_ATTEMPTS):
            try:
                return self._attempt(asked, until_s)
            except _Again as again:
                failure, pause_s = again.failure, again.pause_s
            last = attempt + 1 == _ATTEMPTS
            pause_s = _PAUSES_S[min(attempt, len(_PAUSES_S) - 1)] if pause_s is None else pause_s
            if last or pause_s > min(_LONGEST_PAUSE_S, until_s - self._monotonic()):
                raise failure
            self._sleep(pause_s)
        raise AssertionError("unreachable")

    def _attempt(self, asked: Asked, until_s: float) -> Answer:
        left_s = until_s - self._monotonic()
        if left_s <= 0:
            raise _too_slow()
        received = False
        try:
            with self._client.stream(
                asked.method,
                self._base_url + asked.path,
                params=asked.query,
                json=asked.fields,
                data=asked.form,
                files=asked.files,
                headers=self._headers,
                timeout=self._timeout(min(self._waits.read_s, left_s)),
            ) as response:
                received = True
                self._require_good(response, asked, until_s)
                body = self._read(response, asked.max_bytes, until_s)
                return Answer(response.headers.get("content-type", "").lower(), body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise _Again(ServiceFailed("The voice service can't be reached.")) from None
        except httpx.TimeoutException:
            raise _too_slow() from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ssl.SSLError, OSError):
            if received:
                raise ServiceFailed("The voice service broke off in the middle.") from None
            failure = ServiceFailed("The voice service broke off without an answer.")
            raise (_Again(failure) if asked.repeatable else failure) from None

    def _require_good(self, response: httpx.Response, asked: Asked, until_s: float) -> None:
        status = response.status_code
        if 200 <= status < 300:
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                raise ServiceFailed("The voice service sent a packed answer.")
            return
        failure = ServiceFailed(
            _words(status), status=status, reason=self._reason(response, until_s)
        )
        if status in _BUSY or (status in _BROKEN_GATEWAY and asked.repeatable):
            raise _Again(failure, _retry_after(response))
        raise failure

    def _read(self, response: httpx.Response, max_bytes: int, until_s: float) -> bytes:
        body = bytearray()
        for piece in response.iter_raw():
            body += piece
            if len(body) > max_bytes:
                raise ServiceFailed("The voice service sent far more than the text needs.")
            if self._monotonic() > until_s:
                raise _too_slow()
        return bytes(body)

    def _reason(self, response: httpx.Response, until_s: float) -> str:
        """The `status` or `code` in an error's body, such as ElevenLabs'; "" if there is none."""
        try:
            found = json.loads(self._read(response, _ERROR_BYTES, until_s))
        except (ServiceFailed, ValueError, RecursionError):
            return ""
        for name in ("detail", "error"):
            if isinstance(found, dict) and isinstance(found.get(name), dict):
                found = found[name]
        reason = (found.get("status") or found.get("code")) if isinstance(found, dict) else ""
        return reason if isinstance(reason, str) else ""

    def _timeout(self, read_s: float) -> httpx.Timeout:
        connect_s = min(self._waits.connect_s, read_s)
        return httpx.Timeout(connect=connect_s, read=read_s, write=read_s, pool=connect_s)


def _words(status: int) -> str:
    match status:
        case 401 | 403:
            return f"The voice service does not accept our API key (status {status})."
        case 402:
            return "Our account at the voice service has no credit left (status 402)."
        case 404:
            return "The voice service does not know this voice or address (status 404)."
        case 429:
            return "The voice service is busy (status 429)."
        case _:
            return f"The voice service answered with status {status}."


def _too_slow() -> ServiceFailed:
    return ServiceFailed("The voice service did not answer in time.")


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the service wants to be left alone; None if it gives no number of them."""
    told = response.headers.get("retry-after", "")
    return float(told) if told.isascii() and told.isdecimal() and len(told) < 6 else None
