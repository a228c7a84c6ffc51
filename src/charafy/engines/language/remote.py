"""A `Chat` behind any OpenAI-compatible address: POST {base_url}/chat/completions, streamed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx

from charafy.engines.language import Asked, ChatFailed, ChatStalled

CONNECT_S: Final = 5.0
FIRST_S: Final = 15.0
"""Until the first words, and between them; who waits longer believes that nobody is there."""
MOST_BYTES: Final = 1 << 20
"""Of one reply: a few spoken sentences in JSON are a hundredth of it."""


class RemoteChat:
    """Thread-safe. `close` ends its connections."""

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None = None,
        *,
        first_s: float = FIRST_S,
        temperature: float = 0.7,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`base_url` with its version, as OpenAI's clients take it: https://api.example.com/v1."""
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._model = model
        self._first_s = first_s
        self._temperature = temperature
        self._steady = steady
        self._client = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(first_s, connect=CONNECT_S),
            follow_redirects=False,
        )

    def close(self) -> None:
        self._client.close()

    def reply(self, asked: Asked) -> Iterator[str]:
        """See `Chat.reply`. Raises `ChatStalled`, `ChatFailed`."""
        body = {
            "model": self._model,
            "messages": [{"role": m.role, "content": m.content} for m in asked.messages],
            "max_tokens": asked.max_tokens,
            "temperature": self._temperature,
            "stream": True,
        }
        try:
            with self._client.stream("POST", self._url, json=body) as response:
                if response.status_code != httpx.codes.OK:
                    raise ChatFailed(f"The language model answered with {response.status_code}.")
                yield from self._deltas(response)
        except httpx.TimeoutException as error:
            raise ChatStalled("The language model did not go on in time.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ChatFailed("The language model could not be reached, or broke off.") from error

    def warm(self, asked: Asked) -> None:
        """A service reads when it is asked."""

    def _deltas(self, response: httpx.Response) -> Iterator[str]:
        began, said, over = self._steady(), False, False
        for data in _events(response):
            if data == "[DONE]":
                return
            text, over = _content(data)
            if text:
                said = True
                yield text
            elif not said and self._steady() - began > self._first_s:
                # Somebody may keep a line open with nothing on it.
                raise ChatStalled("The language model said nothing.")
            if over:
                return
        if not said:
            raise ChatFailed("The language model ended without a word.")


def _events(response: httpx.Response) -> Iterator[str]:
    """The data of server-sent events, at most `MOST_BYTES` in all."""
    rest, size = b"", 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > MOST_BYTES:
            raise ChatFailed("The language model sent far more than a reply.")
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].decode("utf-8", "replace").strip()


def _content(data: str) -> tuple[str, bool]:
    """What an event says, and whether it is the last. Raises `ChatFailed` for garbage."""
    try:
        event: Any = json.loads(data)
        if "error" in event:
            raise ChatFailed("The language model reported an error.")
        choices = event.get("choices") or []
        if not choices:
            return "", False
        content = (choices[0].get("delta") or {}).get("content")
        over = choices[0].get("finish_reason") is not None
    except (ValueError, AttributeError, TypeError, KeyError, IndexError) as error:
        raise ChatFailed("The language model answered with something unreadable.") from error
    return (content if isinstance(content, str) else ""), over
