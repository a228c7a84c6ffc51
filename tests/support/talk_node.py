"""A process that leads conversations, as far as the API sees it: a real socket, no media."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from charafy.conversations.nodes import NODE_HEADER
from charafy.conversations.sessions import Sessions
from charafy.house import House
from charafy.kernel.errors import CharafyError


class FakeNode:
    """Admits whoever comes; `mood` is how it answers instead, if set."""

    def __init__(self, house: House, name: str = "node", capacity: int = 4) -> None:
        self.name = name
        self.capacity = capacity
        self.mood: tuple[int, bytes] | None = None
        self.admits_first = False
        """Whether it begins the conversation before it answers by its mood."""
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.sessions: Sessions = house.conversation_room.sessions
        self._nodes = house.conversation_room.nodes
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._nodes.register(self.name, self.url, self.capacity)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Die, without a word to anybody."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join(timeout=10)
            assert not self._thread.is_alive()
        self._server.server_close()

    def answer(self, method: str, word: str, content: bytes) -> tuple[int, bytes]:
        body = json.loads(content)
        self.asked.append((method, body))
        if not self._nodes.is_ours(word, self.name, method, content):
            return 403, b'{"error": "Not for you."}'
        if self.mood is not None and not self.admits_first:
            return self.mood
        if method == "PATCH":
            return 200, b'{"ok": true}'
        try:
            if body["pc_id"] is None:
                self.sessions.admit(body["token"], self.name)
        except CharafyError as refused:
            said = {"error": refused.message, "code": refused.code, "param": refused.param}
            return refused.status, json.dumps(said).encode()
        said = {"sdp": "v=0 answer", "type": "answer", "pc_id": f"pc-{len(self.asked)}"}
        return self.mood or (200, json.dumps(said).encode())


def _handler(node: FakeNode) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            word = self.headers.get(NODE_HEADER, "")
            status, content = node.answer(self.command, word, body)
            if status == 0:  # hang up on it
                return
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_PATCH = do_POST  # noqa: N815 - the name that http.server calls

        def log_message(self, format: str, *args: Any) -> None:
            """Tests are quiet."""

    return Handler
