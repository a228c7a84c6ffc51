"""An httpx transport for addresses that users name and that are asked again and again.

`Outside.exchange` opens a connection for each request. Whoever waits for an answer by voice can't
wait for that: here connections are kept, and each was judged when it was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import httpcore
import httpx

from charafy.kernel.clock import Clock, SystemClock
from charafy.kernel.endpoints import permitted
from charafy.kernel.outside import Deadline, Outside, Refused, Unreachable
from charafy.kernel.pinned import CONNECT_TIMEOUT_S

_KEPT_S = 60.0
"""How long an idle connection is kept: from answer to answer of one conversation."""


class JudgedTransport(httpx.BaseTransport):
    """Thread-safe.

    Raises `httpx.ConnectError` for a URL that is not permitted and for a name that leads to what
    is not public, besides what httpx's own transport raises.
    """

    def __init__(self, outside: Outside, clock: Clock | None = None) -> None:
        self._outside = outside
        self._pool = httpcore.ConnectionPool(
            outside.tls,
            keepalive_expiry=_KEPT_S,
            network_backend=_Judging(outside, clock or SystemClock()),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        url = request.url
        try:
            permitted(self._outside, str(url))
        except Refused as refusal:
            raise httpx.ConnectError(f"the URL {refusal.why}") from None
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _errors():
            answer = self._pool.handle_request(asked)
        assert isinstance(answer.stream, Iterable)
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _errors():
            yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Judging(httpcore.SyncBackend):
    """Connects to where a name leads now, if we may go there."""

    def __init__(self, outside: Outside, clock: Clock) -> None:
        self._outside = outside
        self._clock = clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        deadline = Deadline(self._clock, CONNECT_TIMEOUT_S if timeout is None else timeout)
        target = httpx.URL(scheme="https", host=host, port=port)
        try:
            for address in self._outside.addresses(target, deadline):
                try:
                    return super().connect_tcp(
                        address, port, deadline.left(), socket_options=socket_options
                    )
                except (httpcore.ConnectError, httpcore.ConnectTimeout):
                    continue
        except (Refused, Unreachable) as failure:
            raise httpcore.ConnectError(failure.why) from None
        raise httpcore.ConnectError("no address answers")


@contextmanager
def _errors() -> Iterator[None]:
    """httpcore's errors as httpx's, without a word of the other side."""
    try:
        yield
    except httpcore.ConnectTimeout:
        raise httpx.ConnectTimeout("connecting took too long") from None
    except httpcore.TimeoutException:
        raise httpx.ReadTimeout("the answer took too long") from None
    except httpcore.ConnectError as error:
        raise httpx.ConnectError(str(error)) from None
    except (httpcore.NetworkError, httpcore.ProtocolError):
        raise httpx.ReadError("the connection failed") from None
