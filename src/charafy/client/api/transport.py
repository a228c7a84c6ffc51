"""One request: with the key, tried again where that is safe, every wait bounded."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx

from charafy import __version__
from charafy.client.api.decode import decode
from charafy.client.api.errors import BadAnswer, ConnectionFailed, TimedOut, of_answer
from charafy.client.api.media import Media
from charafy.client.api.pacing import Pacing
from charafy.client.api.pages import Page, Pages

T = TypeVar("T")

USER_AGENT: Final = f"charafy-python/{__version__} Python/{platform.python_version()}"
_ERROR_BYTES: Final = 100_000
"""Read of an answer without success: ours are shorter, a proxy's page may not be."""


@dataclass(frozen=True, slots=True)
class Order:
    """A request, before it is sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    json: Any = None
    fields: Mapping[str, str] | None = None
    file: tuple[str, bytes] | None = None
    """Of a form: its file's field and content."""
    safe: bool = True
    """Whether sending it twice does no more than once."""
    follows: bool = False
    """Whether a redirect is followed. One would carry the key to wherever it leads."""


@dataclass(frozen=True, slots=True, repr=False)
class Transport:
    """`repr=False`: who logs a client must not show its key."""

    root: str
    """The API's address with its version."""
    api_key: str
    http: httpx.Client
    timeout_s: float
    """How long nothing may come, and how long an answer may take that is no media."""
    pacing: Pacing

    def ask(
        self,
        kind: type[T],
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        json: Any = None,
        fields: Mapping[str, str] | None = None,
        file: tuple[str, bytes] | None = None,
        key: str | None = None,
    ) -> T:
        """The answer's JSON as `kind`. `key`: the caller's own `Idempotency-Key`."""
        headers = self._headers(method, key)
        order = Order(method, self._url(path, query), headers, json, fields, file)
        return decode(kind, self._persist(order, self._json))

    def pages(
        self, kind: type[T], path: str, field: str, query: Mapping[str, Any] | None = None
    ) -> Pages[T]:
        """The list that answers hold under `field`."""

        def load(cursor: str | None) -> Page[T]:
            wanted = {**(query or {}), "cursor": cursor}
            order = Order("GET", self._url(path, wanted), self._headers("GET", None))
            said = self._persist(order, self._json)
            if not isinstance(said, dict) or not isinstance(said.get(field), list):
                raise BadAnswer(f"The server's answer has no {field}.")
            following = said.get("next_cursor")
            return Page(
                tuple(decode(kind, each) for each in said[field]),
                following if isinstance(following, str) else None,
            )

        return Pages(load)

    def media(self, path: str, *, json: Any, key: str | None = None) -> Media:
        """Sound as it is made. Where it breaks, it is asked for again under the same key."""
        order = Order("POST", self._url(path, None), self._headers("POST", key), json)
        again = (lambda: self._persist(order, self._open)) if self.pacing.max_retries else None
        return Media(again() if again else self._open(order), again)

    def read(self, path: str) -> Media:
        """A file of the API."""
        order = Order("GET", self._url(path, None), self._headers("GET", None))
        return Media(self._persist(order, self._open))

    def file(self, url: str) -> Media:
        """A file that an answer named. Its link is all it needs: the key is the API's alone.

        The link may lead on to the store in which the API's server keeps its files.
        """
        order = Order("GET", url, _plain_headers(), follows=True)
        return Media(self._persist(order, self._open))

    def patient(self, timeout_s: float | None, max_retries: int | None) -> Transport:
        """The same, with other limits where given."""
        pacing = self.pacing
        if max_retries is not None:
            pacing = replace(pacing, max_retries=max_retries)
        return replace(self, timeout_s=timeout_s or self.timeout_s, pacing=pacing)

    def _headers(self, method: str, key: str | None) -> dict[str, str]:
        headers = {**_plain_headers(), "x-api-key": self.api_key}
        if method in ("POST", "PUT"):
            headers["idempotency-key"] = key or self.pacing.new_key()
        return headers

    def _url(self, path: str, query: Mapping[str, Any] | None) -> str:
        told = {name: value for name, value in (query or {}).items() if value is not None}
        return f"{self.root}{path}" + (f"?{httpx.QueryParams(told)}" if told else "")

    def _persist(self, order: Order, read: Callable[[Order], T]) -> T:
        return self.pacing.persist(lambda: read(order), safe=order.safe, busy_s=self.timeout_s)

    def _json(self, order: Order) -> Any:
        began = self.pacing.now()
        response = self._open(order)
        try:
            pieces = []
            for piece in response.iter_bytes():
                pieces.append(piece)
                if self.pacing.now() - began > self.timeout_s:
                    raise TimedOut(f"The answer took longer than {self.timeout_s:g} s.")
        except httpx.HTTPError as error:
            raise failed(error, self.timeout_s) from error
        finally:
            response.close()
        try:
            return json.loads(b"".join(pieces))
        except (ValueError, RecursionError):
            raise BadAnswer("The server's answer is no JSON.") from None

    def _open(self, order: Order) -> httpx.Response:
        """An answer with success whose body is still to come; its reader closes it."""
        files = {order.file[0]: (order.file[0], order.file[1])} if order.file else None
        try:
            request = self.http.build_request(
                order.method,
                order.url,
                headers=dict(order.headers),
                json=order.json,
                data=order.fields,
                files=files,
                timeout=httpx.Timeout(self.timeout_s),
            )
            response = self.http.send(request, stream=True, follow_redirects=order.follows)
            if response.is_success:
                return response
        except httpx.HTTPError as error:
            raise failed(error, self.timeout_s) from error
        try:
            body = _beginning(response)
        finally:
            response.close()
        raise of_answer(response.status_code, response.headers, body, now=self.pacing.date())


def failed(error: httpx.HTTPError, timeout_s: float) -> ConnectionFailed:
    """What came instead of an answer."""
    if isinstance(error, httpx.TimeoutException):
        return TimedOut(f"Nothing came for {timeout_s:g} s.")
    if isinstance(error, httpx.ConnectError):
        return ConnectionFailed("The server can't be reached.")
    return ConnectionFailed("The connection failed.")


def at(pattern: str, *ids: str) -> str:
    """`pattern` with each {} an id: one step of the path, whatever is in it."""
    for each in ids:
        # "" and ".." would lead to another address than the one that was meant.
        if not isinstance(each, str) or each in ("", ".", ".."):
            raise ValueError("An id is missing.")
    return pattern.format(*(quote(each, safe="") for each in ids))


def _plain_headers() -> dict[str, str]:
    return {"user-agent": USER_AGENT}


def _beginning(response: httpx.Response) -> bytes:
    body = b""
    try:
        for piece in response.iter_bytes():
            body += piece
            if len(body) > _ERROR_BYTES:
                break
    except httpx.HTTPError:
        pass  # the status says enough
    return body
