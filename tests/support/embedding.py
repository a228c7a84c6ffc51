"""A real server with an embedded character, and other people's pages, on ports of their own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import uvicorn
from playwright.async_api import Frame
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.support.chromium import WAIT_S, Tab
from tests.support.conversing import ConversationPeer

CONNECT: Final = "/api/v1/conversation/connect"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def serving(app: ASGIApp, port: int) -> Iterator[None]:
    """The app on the loopback, in a thread; nothing of its lifespan runs."""
    config = uvicorn.Config(app, "127.0.0.1", port, lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="server")
    thread.start()
    try:
        deadline = time.monotonic() + WAIT_S
        while not server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join(WAIT_S)


def answered_by(app: ASGIApp, peer: ConversationPeer) -> ASGIApp:
    """The app, but offers go to the test peer."""

    async def ask(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != CONNECT:
            await app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        offered = json.loads(body) if scope["method"] == "POST" else None
        said = await asyncio.to_thread(peer.connect, offered) if offered else {}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(said).encode()})

    return ask


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Somebody else's site: what stands at its paths may be changed while it runs."""

    port: int
    pages: dict[str, str]
    headers: dict[str, str]

    @property
    def origin(self) -> str:
        """Another site than 127.0.0.1, to a browser."""
        return f"http://localhost:{self.port}"

    @property
    def other_origin(self) -> str:
        """The same pages by another name."""
        return f"http://neighbour.localhost:{self.port}"


@contextlib.contextmanager
def neighbour(pages: Mapping[str, str]) -> Iterator[Neighbour]:
    kept, headers = dict(pages), {"content-type": "text/html; charset=utf-8"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = kept.get(self.path.partition("?")[0])
            self.send_response(200 if page is not None else 204)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write((page or "").encode())

        def log_message(self, format: str, *args: object) -> None:
            """Not into the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="neighbour")
    thread.start()
    try:
        yield Neighbour(server.server_address[1], kept, headers)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(WAIT_S)


class Framed:
    """The frame of a tab whose address holds `part`; waits until it is there."""

    def __init__(self, tab: Tab, part: str = "/embed/") -> None:
        self._tab = tab
        deadline = time.monotonic() + WAIT_S
        while (found := self._find(part)) is None:
            assert time.monotonic() < deadline, f"no frame of {part}"
            time.sleep(0.02)
        self._frame: Frame = found

    def _find(self, part: str) -> Frame | None:
        frames = self._tab._page.frames[1:]
        return next((frame for frame in frames if part in frame.url), None)

    def evaluate(self, code: str, argument: Any = None) -> Any:
        return self._tab._run(self._frame.evaluate(code, argument))

    def wait_until(self, condition: str, argument: Any = None) -> None:
        waiting = self._frame.wait_for_function(condition, arg=argument, timeout=WAIT_S * 1000)
        self._tab._run(waiting)

    def click(self, selector: str) -> None:
        self._tab._run(self._frame.click(selector, timeout=WAIT_S * 1000))

    def type(self, selector: str, text: str) -> None:
        self._tab._run(self._frame.fill(selector, text, timeout=WAIT_S * 1000))

    def text(self, selector: str) -> str:
        """Once there is such a thing."""
        self._tab._run(self._frame.wait_for_selector(selector, timeout=WAIT_S * 1000))
        found: str = self.evaluate("(s) => document.querySelector(s).innerText", selector)
        return found

    def begin(self, by: str = "voice") -> None:
        """Click, and be heard."""
        self.click(f"button[value={by}]")
        self.wait_until("() => document.querySelector('.embed').dataset.state === 'listening'")
