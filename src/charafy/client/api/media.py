"""Sound or film, as it arrives. A speech that was cut off goes on where it broke."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from charafy.client.api.errors import ConnectionFailed, TimedOut


class Media:
    """Bytes to iterate over, once; or `read()`, or `save()` them. Closed at their end."""

    def __init__(
        self, response: httpx.Response, again: Callable[[], httpx.Response] | None = None
    ) -> None:
        """`again` asks for the same once more."""
        self._response = response
        self._again = again
        headers = response.headers
        self.content_type: str = headers.get("content-type", "")
        self.request_id: str | None = headers.get("x-request-id")
        self.credits_used = _number(headers.get("x-credits-used"))
        """None where nothing is charged."""
        self.credits_remaining = _number(headers.get("x-credits-remaining"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Whoever wants no more of it leaves the connection to others."""
        self._response.close()

    def __iter__(self) -> Iterator[bytes]:
        """Raises `ConnectionFailed` where it breaks for good."""
        try:
            yield from self._whole()
        finally:
            self.close()

    def read(self) -> bytes:
        return b"".join(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Into a file that is there whole or not at all; `path`."""
        to = Path(path)
        handle, name = tempfile.mkstemp(dir=to.parent, prefix=f".{to.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in self:
                    file.write(piece)
            Path(name).chmod(0o644)
            Path(name).replace(to)
        finally:
            Path(name).unlink(missing_ok=True)
        return to

    def _whole(self) -> Iterator[bytes]:
        got = 0
        try:
            for piece in _pieces(self._response):
                got += len(piece)
                yield piece
            return
        except ConnectionFailed:
            if self._again is None:
                raise
            self._response.close()
            self._response = self._again()
            # Spoken anew it may be other bytes: only the answer that was kept can follow ours.
            if got > 0 and self._response.headers.get("idempotent-replayed") != "true":
                raise
        for piece in _pieces(self._response):
            if got < len(piece):
                yield piece[got:]
            got = max(0, got - len(piece))


def _pieces(response: httpx.Response) -> Iterator[bytes]:
    try:
        yield from response.iter_bytes()
    except httpx.TimeoutException as error:
        raise TimedOut("Nothing came for too long.") from error
    except httpx.HTTPError as error:
        raise ConnectionFailed("The connection broke.") from error


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
