"""What a request may send us: how many bytes, of how many parts, within what time, and from whom.

Bodies are read and parsed before any route can ask for a key, so these bounds hold for strangers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from charafy.kernel.errors import BadRequest, TooLarge

MAX_BODY_BYTES = 24 * 1024 * 1024
"""Enough for a 16 MB image as a base64 data URI."""
STRANGERS_BODY_BYTES = 512 * 1024
"""Above this someone must vouch for the sender: only pictures are larger."""
MAX_PARTS = 50_000
"""Commas, colons and opening brackets of a JSON body. Its objects cost fifty times their bytes."""
BODY_S = 120.0
"""How long a body may take to arrive."""

Vouch = Callable[[Request], object]
"""Raises what a sender whom nobody knows is told. Called in a worker thread."""


class Intake:
    """One request's body on its way in."""

    def __init__(self, scope: Scope, receive: Receive, vouch: Vouch | None) -> None:
        self._scope, self._receive = scope, receive
        self._vouch = vouch
        self._headers = Headers(scope=scope)
        self._is_json = "json" in self._headers.get("content-type", "").lower()
        self._bytes = 0
        self._parts = 0
        self._complete = False
        self._deadline_s: float | None = None

    async def check_announced(self) -> None:
        """Refuse a body by its Content-Length, before any of it is read."""
        length = self._headers.get("content-length", "")
        if length.isdecimal():
            await self._check_size(int(length[:18]))

    async def receive(self) -> Message:
        """The next message. Raises `BadRequest`, and what `vouch` raises."""
        if self._complete:  # what follows is the client's leaving, for which there is no limit
            return await self._receive()
        message = await self._in_time()
        self._complete = not message.get("more_body", False)
        if message["type"] == "http.request":
            body: bytes = message.get("body", b"")
            self._bytes += len(body)
            await self._check_size(self._bytes)
            self._count_parts(body)
        return message

    async def _in_time(self) -> Message:
        if self._deadline_s is None:
            self._deadline_s = asyncio.get_running_loop().time() + BODY_S
        try:
            async with asyncio.timeout_at(self._deadline_s):
                return await self._receive()
        except TimeoutError:
            raise BadRequest(
                f"The body did not arrive within {BODY_S:.0f} s.", code="body_too_slow"
            ) from None

    async def _check_size(self, size: int) -> None:
        if size > MAX_BODY_BYTES:
            raise TooLarge(f"The body is larger than {MAX_BODY_BYTES // 1024 // 1024} MB.")
        if size > STRANGERS_BODY_BYTES and self._vouch is not None:
            vouch, self._vouch = self._vouch, None  # once is enough
            await run_in_threadpool(vouch, Request(self._scope))

    def _count_parts(self, body: bytes) -> None:
        if self._is_json:
            self._parts += sum(map(body.count, (b",", b":", b"[", b"{")))
            if self._parts > MAX_PARTS:
                raise TooLarge("The body has too many parts.", code="body_too_complex")
