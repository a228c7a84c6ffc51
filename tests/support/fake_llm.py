"""A language model elsewhere: a thread that does what its script says, byte by byte."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"

Script = Callable[[socket.socket, threading.Event], None]
"""What the server does with a connection once it has read the request; the event ends it."""


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(content: str | None, finish: str | None = None) -> bytes:
    delta = {} if content is None else {"content": content}
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return b"data: " + json.dumps({"choices": choices}).encode() + b"\n\n"


def saying(*bodies: bytes, head: bytes = HEAD, end: bytes = END) -> Script:
    def script(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(head + b"".join(chunk(body) for body in bodies) + end)

    return script


def silent_after(*bodies: bytes, keep_alive: bytes = b"") -> Script:
    def script(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(HEAD + b"".join(chunk(body) for body in bodies))
        while not over.wait(0.05):
            if keep_alive:
                connection.sendall(chunk(keep_alive))

    return script


class Server:
    """Answers every request with its script; keeps connections open where the script did."""

    def __init__(self, script: Script) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        """Heads and bodies."""
        self.connections = 0
        self.hung_up = threading.Event()
        self._over = threading.Event()
        self._script = script
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def close(self) -> None:
        if self._over.is_set():
            return
        self._over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(0.1)
        with connection:
            try:
                while (request := self._request(connection)) is not None:
                    self.requests.append(request)
                    self._script(connection, self._over)
            except OSError:
                self.hung_up.set()

    def _request(self, connection: socket.socket) -> tuple[str, dict[str, Any]] | None:
        data = b""
        while not self._over.is_set():
            head, blank, body = data.partition(b"\r\n\r\n")
            if blank:
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                if len(body) == length:
                    return head.decode(), json.loads(body)
            try:
                more = connection.recv(65536)
            except TimeoutError:
                continue
            if not more:
                return None
            data += more
        return None
