"""A `Chat` behind any OpenAI-compatible address: POST {base_url}/chat/completions, streamed."""

from __future__ import annotations

import json
import queue
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx

from charafy.engines.language import Asked, ChatFailed, ChatStalled, Message

MOST_BYTES: Final = 1 << 20
"""Of one reply: a few spoken sentences in JSON are a hundredth of it."""
_MOST_LINE: Final = 64 * 1024
_MOST_AFTER_END: Final = 16
"""Pieces that may follow the end of a reply and are read for the connection's sake."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long somebody who listens waits, in seconds."""

    connect_s: float = 5.0
    first_s: float = 15.0
    """From the question to the first words, connecting included."""
    between_s: float = 8.0
    """From words to words. What a line carries without saying anything does not count."""


class RemoteChat:
    """Thread-safe. `close` ends its connections."""

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None = None,
        *,
        waits: Waits | None = None,
        temperature: float = 0.7,
        tls: ssl.SSLContext | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`base_url` with its version, as OpenAI's clients take it: https://api.example.com/v1.

        The key goes there only, redirects are not followed. `transport` connects instead of
        httpx's own, for addresses that are not the operator's.
        """
        # A packed answer may grow a thousandfold.
        headers = {"User-Agent": "charafy", "Accept-Encoding": "identity"}
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._model = model
        self._waits = waits or Waits()
        self._temperature = temperature
        self._client = httpx.Client(
            headers=headers,
            verify=tls or ssl.create_default_context(),
            transport=transport,
            timeout=httpx.Timeout(self._waits.first_s, connect=self._waits.connect_s),
            follow_redirects=False,
        )

    def close(self) -> None:
        self._client.close()

    def reply(self, asked: Asked) -> Iterator[str]:
        """See `Chat.reply`. Raises `ChatStalled`, `ChatFailed`. It can be left from any thread."""
        # Read in a thread: a socket knows one patience, and none for lines kept open with nothing.
        reading = _Reading()
        thread = threading.Thread(
            target=self._read, args=(asked, reading), name="remote-chat", daemon=True
        )
        return _Words(reading, thread, self._waits)

    def warm(self, asked: Asked) -> None:
        """A service reads when it is asked."""

    def _read(self, asked: Asked, reading: _Reading) -> None:
        """In a thread of its own; ends at the latest `first_s` after nothing comes any more."""
        body = {
            "model": self._model,
            "messages": _gathered(asked.messages),
            "max_tokens": asked.max_tokens,
            "temperature": self._temperature,
            "stream": True,
        }
        try:
            with self._client.stream("POST", self._url, json=body) as response:
                _require_good(response)
                reading.take(response)
        except ChatFailed as failure:
            reading.fail(failure)
        except httpx.TimeoutException:
            reading.fail(_stalled())
        except Exception:  # noqa: BLE001 - whoever waits must hear of it, without a word of theirs
            reading.fail(ChatFailed("The language model could not be reached, or broke off."))


class _Words:
    """What is read, as it comes. `thread` begins to read when the first of it is asked for."""

    def __init__(self, reading: _Reading, thread: threading.Thread, waits: Waits) -> None:
        self._reading = reading
        self._thread = thread
        self._between_s = waits.between_s
        self._wait_s = waits.first_s

    def __iter__(self) -> _Words:
        return self

    def __next__(self) -> str:
        if self._reading.left.is_set():
            raise StopIteration
        if self._thread.ident is None:
            self._thread.start()
        try:
            piece = self._reading.next(self._wait_s)
        except ChatFailed:
            self.leave()
            raise
        if piece is None:
            self.leave()
            raise StopIteration
        self._wait_s = self._between_s
        return piece

    def leave(self) -> None:
        """From any thread: nobody takes any more, and who waits for words has them all."""
        self._reading.left.set()
        self._reading.end()

    close = leave


class _Reading:
    """One reply on its way from the thread that reads it to the one that takes it."""

    def __init__(self) -> None:
        self.left = threading.Event()
        """Set once nobody takes any more."""
        self._pieces: queue.SimpleQueue[str | ChatFailed | None] = queue.SimpleQueue()

    def next(self, wait_s: float) -> str | None:
        """The next words; None at the end. Raises `ChatStalled`, `ChatFailed`."""
        try:
            piece = self._pieces.get(timeout=wait_s)
        except queue.Empty:
            raise _stalled() from None
        if isinstance(piece, ChatFailed):
            raise piece
        return piece

    def end(self) -> None:
        self._pieces.put(None)

    def fail(self, failure: ChatFailed) -> None:
        self._pieces.put(failure)

    def take(self, response: httpx.Response) -> None:
        """Hand on what `response` says. Raises `ChatFailed`, and what httpx raises."""
        said, after = False, 0
        events = _Events()
        for chunk in response.iter_raw():
            for data in events.feed(chunk) if not after else ():
                text, over = ("", True) if data == "[DONE]" else _content(data)
                if text:
                    said = True
                    self._pieces.put(text)
                if over:
                    self._pieces.put(None if said else _wordless())
                    after = 1
                    break
            # To its very end, so that the connection can be used again; but not for ever.
            after += bool(after)
            if after > _MOST_AFTER_END or (self.left.is_set() and not after):
                return
        if not after:
            raise ChatFailed("The language model broke off.") if said else _wordless()


class _Events:
    """Server-sent events, at most `MOST_BYTES` in all."""

    def __init__(self) -> None:
        self._rest = b""
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The data that is whole now. Raises `ChatFailed`."""
        self._size += len(chunk)
        if self._size > MOST_BYTES:
            raise ChatFailed("The language model sent far more than a reply.")
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > _MOST_LINE:
            raise ChatFailed("The language model sent far more than a reply.")
        for line in lines:
            if line.startswith(b"data:") and (data := line[5:].decode("utf-8", "replace").strip()):
                yield data


def _gathered(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    """As services take them: many refuse to be told something in the middle of a conversation."""
    orders = [m.content for m in messages if m.role == "system"]
    told = [{"role": "system", "content": "\n".join(orders)}] if orders else []
    said = (m for m in messages if m.role != "system")
    return [*told, *({"role": m.role, "content": m.content} for m in said)]


def _content(data: str) -> tuple[str, bool]:
    """What an event says, and whether it is the last. Raises `ChatFailed` for garbage."""
    try:
        event: Any = json.loads(data)
        if event.get("error"):
            raise ChatFailed("The language model reported an error.")
        choices = event.get("choices") or []
        if not choices:
            return "", False
        content = (choices[0].get("delta") or {}).get("content")
        over = choices[0].get("finish_reason") is not None
    except (ValueError, AttributeError, TypeError, LookupError, RecursionError):
        raise ChatFailed("The language model answered with something unreadable.") from None
    return (content if isinstance(content, str) else ""), over


def _require_good(response: httpx.Response) -> None:
    if response.status_code != httpx.codes.OK:
        raise ChatFailed(f"The language model answered with {response.status_code}.")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise ChatFailed("The language model sent a packed answer.")


def _stalled() -> ChatStalled:
    return ChatStalled("The language model did not go on in time.")


def _wordless() -> ChatFailed:
    return ChatFailed("The language model ended without a word.")
