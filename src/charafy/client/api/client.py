"""The way in: one object with all the API."""

from __future__ import annotations

import os
import re
from types import TracebackType
from typing import Final, Self

import httpx

from charafy.client.api.account import Account, Admin
from charafy.client.api.characters import Characters
from charafy.client.api.conversations import Conversations
from charafy.client.api.credits import Credits
from charafy.client.api.pacing import Pacing
from charafy.client.api.speech import Speech
from charafy.client.api.transport import Transport
from charafy.client.api.videos import Videos
from charafy.client.api.voices import Voices
from charafy.client.api.webhooks import Webhooks

TIMEOUT_S: Final = 120.0


class Client:
    """A server of Charafy, as one API key sees it. Threads may share it.

        with Client() as charafy:
            charafy.speech.stream(character_id, "Hello!").save("hello.mp3")

    Every request is tried again where that is safe; a `POST` names itself by an
    `Idempotency-Key`, so that it is done and charged once however often it is sent.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        max_retries: int | None = None,
        pacing: Pacing | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        """`base_url` ("https://host", also with "/api/v1") and `api_key` are else those of the
        environment: CHARAFY_BASE_URL, CHARAFY_API_KEY.

        `timeout_s`: how long nothing may come, and how long any answer may take that is no sound
        or film. `http`: for a client with rules of its own, as proxies; left open. Raises
        `ValueError` for an address or key that can be none.
        """
        self._owned = http is None
        self._transport = Transport(
            _root(base_url or os.environ.get("CHARAFY_BASE_URL", "")),
            _key(api_key or os.environ.get("CHARAFY_API_KEY", "")),
            http or httpx.Client(),
            timeout_s,
            pacing or Pacing(),
        ).patient(None, max_retries)
        self._furnish()

    def with_options(
        self, *, timeout_s: float | None = None, max_retries: int | None = None
    ) -> Client:
        """The same client with other limits; it shares, and does not close, the connections."""
        other = object.__new__(type(self))
        other._owned = False
        other._transport = self._transport.patient(timeout_s, max_retries)
        other._furnish()
        return other

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
        if self._owned:
            self._transport.http.close()

    def _furnish(self) -> None:
        api = self._transport
        self.characters = Characters(api)
        self.voices = Voices(api)
        self.speech = Speech(api)
        self.videos = Videos(api)
        self.conversations = Conversations(api)
        self.webhooks = Webhooks(api)
        self.credits = Credits(api)
        self.account = Account(api)
        self.admin = Admin(api)


def _root(base_url: str) -> str:
    """The API's address: "https://host", also with "/api" or "/api/v1" behind it."""
    if not base_url:
        raise ValueError("A base_url is needed, or CHARAFY_BASE_URL.")
    try:
        url = httpx.URL(base_url.strip())
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not re.fullmatch(r"[\w.:-]+", url.host):
        raise ValueError("The base_url has to begin with https:// or http://.")
    origin = f"{url.scheme}://{url.netloc.decode('ascii')}"
    path = url.path.rstrip("/").removesuffix("/v1").removesuffix("/api")
    return f"{origin}{path}/api/v1"


def _key(api_key: str) -> str:
    key = api_key.strip()
    if not key:
        raise ValueError("An api_key is needed, or CHARAFY_API_KEY.")
    if not (key.isascii() and key.isprintable()):
        raise ValueError("The api_key holds characters that no key has.")
    return key
