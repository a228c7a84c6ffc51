"""A line to a server that is played: what it answers is scripted, time is moved by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import httpx

from charafy.client import Client, Pacing

Answer = Callable[[httpx.Request], httpx.Response]
Reply = httpx.Response | Exception | Answer


class Wall:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def now(self) -> float:
        return self.time

    def pacing(self, chance: float = 1.0, max_retries: int = 2) -> Pacing:
        keys = (f"key-{n}" for n in itertools.count(1))
        return Pacing(
            max_retries=max_retries,
            sleep=self.sleep,
            now=self.now,
            date=self.now,
            chance=lambda: chance,
            new_key=lambda: next(keys),
        )


class Line:
    """Answers request by request, the last reply for ever."""

    def __init__(self, *replies: Reply, max_retries: int = 2, timeout_s: float = 120) -> None:
        self.requests: list[httpx.Request] = []
        self.wall = Wall()
        self._replies = replies
        self.client = Client(
            "http://charafy.test",
            "ck_live_secret",
            http=httpx.Client(transport=httpx.MockTransport(self._answer)),
            pacing=self.wall.pacing(max_retries=max_retries),
            timeout_s=timeout_s,
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        reply = self._replies[min(len(self.requests), len(self._replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        return reply(request) if callable(reply) else reply

    @property
    def keys(self) -> list[str | None]:
        return [request.headers.get("idempotency-key") for request in self.requests]


def error(status: int, code: str = "code", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"error": "A sentence.", "code": code, "param": "text", "request_id": "r1", "more": 7}
    return lambda _request: httpx.Response(status, headers=named, json=body)


def balance(_request: httpx.Request) -> httpx.Response:
    said = {"credits_remaining": 5, "credits_held": 0, "transactions": [], "later": "more"}
    return httpx.Response(200, json=said)


class Cut(httpx.SyncByteStream):
    """Some of the bytes, then nothing more of them."""

    def __init__(self, *pieces: bytes, failure: Exception | None = None) -> None:
        self._pieces = pieces
        self._failure = failure
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        if self._failure:
            raise self._failure

    def close(self) -> None:
        self.closed = True
