"""Connections to addresses that were judged before, within a time that was given before."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import httpcore

CONNECT_TIMEOUT_S = 5.0

Connector = Callable[[str, int, float], socket.socket]
"""IP address, port and timeout in seconds -> connected TCP socket; raises `OSError`."""

TimeLeft = Callable[[], float]
"""Seconds that are left for everything; raises when there are none."""


def connect(address: str, port: int, timeout_s: float) -> socket.socket:
    return socket.create_connection((address, port), timeout_s)


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to the judged addresses alone, whatever host it is told."""

    def __init__(self, addresses: Sequence[str], connector: Connector, left: TimeLeft) -> None:
        self._addresses = addresses
        self._connector = connector
        self._left = left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        for address in self._addresses:
            try:
                sock = self._connector(address, port, min(CONNECT_TIMEOUT_S, self._left()))
            except OSError:
                continue
            return _TimedStream(sock, self._left)
        raise httpcore.ConnectError("no address answers")


class _TimedStream(httpcore.NetworkStream):
    """A socket whose every operation ends with the whole download's time."""

    def __init__(self, sock: socket.socket, left: TimeLeft) -> None:
        self._sock = sock
        self._left = left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with self._errors(httpcore.ReadTimeout, httpcore.ReadError):
            return self._sock.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with self._errors(httpcore.WriteTimeout, httpcore.WriteError):
            self._sock.sendall(buffer)

    def close(self) -> None:
        self._sock.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        try:
            with self._errors(httpcore.ConnectTimeout, httpcore.ConnectError):
                sock = ssl_context.wrap_socket(self._sock, server_hostname=server_hostname)
        except BaseException:  # whatever it was: the socket must not outlive it
            self.close()
            raise
        return _TimedStream(sock, self._left)

    @contextmanager
    def _errors(self, timed_out: type[Exception], failed: type[Exception]) -> Iterator[None]:
        self._sock.settimeout(self._left())
        try:
            yield
        except TimeoutError:
            raise timed_out from None
        except OSError:
            raise failed from None
