"""The heads of requests within bounds: uvicorn limits neither their size nor their time."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
"""Request line and headers; what comes in one read with the end of them is let through."""
HEAD_S = 20.0
"""How long a connection may take to send its first request's head, or another's once begun."""
FIRST_S = 1.0
"""How long who has just connected to a server that ends may take to begin a request."""


class BoundedHeads(HttpToolsProtocol):
    """One connection; give the class to `uvicorn.Config(http=…)`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._nothing_but_head = True
        self._head_bytes = 0
        self._too_late: asyncio.TimerHandle | None = None
        self._asked = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._nothing_but_head = self._in_head
        super().data_received(data)
        if not (self._nothing_but_head and self._in_head) or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEAD_BYTES:
            self.send_400_response(f"The head is larger than {MAX_HEAD_BYTES // 1024} KB.")

    def shutdown(self) -> None:
        """The server ends: answer what was asked or is on its way, then close."""
        if self._asked or self.transport.is_closing():
            super().shutdown()
            return
        self._asked = True
        self.loop.call_later(FIRST_S, self.shutdown)

    def send_400_response(self, msg: str) -> None:
        """What isn't HTTP reaches no route, but its answer has the shape of every error."""
        error = {"error": msg, "code": "invalid_http", "param": None, "request_id": None}
        body = json.dumps(error).encode()
        head = (
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def on_message_begin(self) -> None:
        self._begin_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._end_head()
        self._asked = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head, self._head_bytes = True, 0
        self._nothing_but_head = False

    def _begin_head(self) -> None:
        self._end_head()
        self._in_head = True
        self._too_late = self.loop.call_later(HEAD_S, self._give_up)

    def _end_head(self) -> None:
        self._in_head, self._head_bytes = False, 0
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None

    def _give_up(self) -> None:
        """Close without an answer: there is no request yet that it would belong to."""
        if not self.transport.is_closing():
            self.transport.close()
