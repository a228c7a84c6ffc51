"""Real servers on the loopback that misbehave on purpose."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

Answer = Callable[[socket.socket, threading.Event], None]
"""Writes the answer to a connection; stops when the event is set."""


class LocalServer:
    """Answers every connection in a thread of its own, after reading the request."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self._answer = answer
        self._tls = tls
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self.port: int = self._listener.getsockname()[1]
        self.exchanges: list[tuple[str, bytes]] = []
        """Head and body of every request."""

    @property
    def requests(self) -> list[str]:
        """The heads."""
        return [head for head, _ in self.exchanges]

    @property
    def bodies(self) -> list[bytes]:
        return [body for _, body in self.exchanges]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=10)
            assert not thread.is_alive()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with contextlib.suppress(OSError), connection:
            if self._tls is None:
                self._converse(connection)
                return
            with self._tls.wrap_socket(connection, server_side=True) as secured:
                self._converse(secured)

    def _converse(self, connection: socket.socket) -> None:
        head, body, length = b"", b"", 0
        while not head or len(body) < length:
            piece = connection.recv(4096)
            if not piece:
                return
            body += piece
            if not head and b"\r\n\r\n" in body:
                head, _, body = body.partition(b"\r\n\r\n")
                length = _length(head)
        self.exchanges.append(((head + b"\r\n\r\n").decode("latin-1"), body))
        self._answer(connection, self._stop)
        connection.close()


def _length(head: bytes) -> int:
    found = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    return int(found[1]) if found else 0


def answer(body: bytes, *headers: str, status: str = "200 OK") -> Answer:
    """A proper answer with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return raw("\r\n".join(lines).encode("latin-1") + body)


def raw(data: bytes) -> Answer:
    def send(connection: socket.socket, _stop: threading.Event) -> None:
        connection.sendall(data)

    return send


def redirect(url: str) -> Answer:
    return answer(b"", f"Location: {url}", status="302 Found")


def dripping(head: bytes, drop: bytes = b"x") -> Answer:
    """Begins with `head`, then a little every 20 ms, for ever."""

    def send(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(head)
        while not stop.wait(0.02):
            connection.sendall(drop)

    return send


def silent(_connection: socket.socket, stop: threading.Event) -> None:
    stop.wait(10)


def endless(connection: socket.socket, stop: threading.Event) -> None:
    """A body without a length and without an end, as fast as it goes."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not stop.is_set():
        connection.sendall(b"x" * 65_536)
