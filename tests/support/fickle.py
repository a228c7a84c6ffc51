"""A line to a real server that fails in the ways lines do, when a test says so."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import urlsplit

UPSTREAM_S: Final = 120.0
_OF_A_CONNECTION: Final = ("connection", "transfer-encoding", "keep-alive", "content-length")


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens once, to the next request whose path ends like this."""

    path: str
    cut_after: int | None = None
    """The server does its work; after so many bytes of the answer's body the connection ends. With
    0 not even its head comes through."""
    stall_after: int | None = None
    """As `cut_after`, but the connection stays, and silent. With a `status`: behind its body."""
    status: int | None = None
    """This is answered instead, and the server knows of nothing."""
    headers: tuple[tuple[str, str], ...] = ()
    """May promise more with a `Content-Length` than `body` has."""
    body: bytes = b"{}"


@dataclass(frozen=True, slots=True)
class Passed:
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""


@dataclass(slots=True)
class Line:
    port: int
    faults: list[Fault] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def of(self, ending: str) -> list[Passed]:
        """The requests to a path that ends like this, in their order."""
        return [one for one in self.passed if one.path.partition("?")[0].endswith(ending)]

    def take(self, asked: Passed) -> Fault | None:
        with self._lock:
            self.passed.append(asked)
            for fault in self.faults:
                if asked.path.partition("?")[0].endswith(fault.path):
                    self.faults.remove(fault)
                    return fault
        return None


@contextlib.contextmanager
def fickle_line(base_url: str) -> Iterator[Line]:
    """Open until the end; what waits in it is let go then."""
    target = urlsplit(base_url).netloc
    line = Line(0)

    class Handler(_Handler):
        def passing(self) -> tuple[Line, str]:
            return line, target

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    line.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, name="fickle line")
    thread.start()
    try:
        yield line
    finally:
        line.over.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    """One request for each connection."""

    protocol_version = "HTTP/1.1"  # for the pieces, and so that a promised length is held

    def passing(self) -> tuple[Line, str]:
        raise NotImplementedError

    def do_GET(self) -> None:
        self._take()

    def do_POST(self) -> None:
        self._take()

    def do_PUT(self) -> None:
        self._take()

    def do_PATCH(self) -> None:
        self._take()

    def do_DELETE(self) -> None:
        self._take()

    def _take(self) -> None:
        line, target = self.passing()
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        fault = line.take(Passed(self.command, self.path, headers))
        if fault is not None and fault.status is not None:
            self._answer(fault.status, fault.headers, fault.body)
            if fault.stall_after is not None:
                line.over.wait(UPSTREAM_S)
            return
        upstream = HTTPConnection(target, timeout=UPSTREAM_S)
        with contextlib.closing(upstream), contextlib.suppress(OSError):  # the browser left
            upstream.request(self.command, self.path, body, _kept(headers))
            self._pass_on(upstream.getresponse(), fault, line)

    def _answer(self, status: int, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | dict(headers)).items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _pass_on(self, answer: HTTPResponse, fault: Fault | None, line: Line) -> None:
        limits = () if fault is None else (fault.cut_after, fault.stall_after)
        left = next((each for each in limits if each is not None), None)
        if left != 0:
            self._head(answer)
        while left != 0 and (piece := answer.read1(65_536)):
            piece = piece[:left]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            left = None if left is None else left - len(piece)
        if left is None:
            self.wfile.write(b"0\r\n\r\n")
        elif fault and fault.stall_after is not None:
            line.over.wait(UPSTREAM_S)
        else:
            answer.read()  # the server is not to notice
            self.connection.shutdown(socket.SHUT_RDWR)

    def _head(self, answer: HTTPResponse) -> None:
        self.send_response(answer.status)
        for name, value in _kept(dict(answer.getheaders())).items():
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Not into the tests' output."""


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _OF_A_CONNECTION}
