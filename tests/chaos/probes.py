"""Two customers who try what they may not: more than their plan allows, and a key that is over."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from charafy.kernel.ids import new_id
from tests.chaos.clients import PHOTO
from tests.chaos.ground import HASTY

FORGOTTEN_S: Final = 1.0
"""How long a process may remember a key that another revoked: without Redis, or while it is
away."""
WINDOW_S: Final = 60.0
_QUICK_S: Final = 1.0
"""Only of an answer that came so soon is it known which minute it was counted in."""
_SPREAD_S: Final = 3.0
"""How far apart the ends of one window may seem: told in whole seconds, a moment late."""
_PATIENCE_S: Final = 30.0
_PAUSE_S: Final = 0.15


@dataclass(slots=True)
class Probed:
    """What the two saw; each list is written by one thread."""

    counted: list[float] = field(default_factory=list)
    """Of each request that a limit let through: when its window ends (`time.monotonic()`)."""
    refused: int = 0
    too_many: list[str] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    """Keys whose end was confirmed."""
    outlived: list[str] = field(default_factory=list)
    """Answers to a key that was over."""


def windows(ends: Iterable[float]) -> list[list[float]]:
    """The requests of each window, by when it ends."""
    found: list[list[float]] = []
    for end in sorted(ends):
        if found and end - found[-1][0] <= _SPREAD_S:
            found[-1].append(end)
        else:
            found.append([end])
    return found


def exceeded(probed: Probed, lost: Callable[[float, float], int]) -> list[str]:
    """Windows in which more was let through than the plan allows.

    `lost(since, until)`: how often Redis forgot what it had counted; each time it may begin anew.
    """
    most = HASTY.requests_per_minute
    return [
        f"{len(one)} requests in a minute of {most}"
        for one in windows(probed.counted)
        if len(one) > most * (1 + lost(one[0] - WINDOW_S - _SPREAD_S, one[-1]))
    ]


class Hasty:
    """Asks and asks, at any API."""

    def __init__(self, urls: Sequence[str], key: str, seed: int, probed: Probed) -> None:
        self._urls = urls
        self._random = random.Random(seed)
        self._probed = probed
        self._http = httpx.Client(headers={"x-api-key": key}, timeout=_PATIENCE_S)
        self._characters: list[str] = []

    def run(self, until: Callable[[], bool]) -> None:
        with self._http:
            while not until():
                self._one()
                time.sleep(_PAUSE_S)

    def _one(self) -> None:
        dice = self._random.random()
        if dice < 0.8:  # of nobody: costs a count and no more
            self._ask("PATCH", f"/characters/{new_id()}", {"name": "Nobody"})
        elif dice < 0.87:
            self._ask("POST", "/characters", self._character())
        elif dice < 0.94 and self._characters:
            order = {"character_id": self._characters[0], "text": "The harbour is quiet today."}
            self._ask("POST", "/video", order)
        else:
            self._look()

    def _character(self) -> dict[str, Any]:
        voices = self._ask("GET", "/voices")
        voice_id = voices.json()["voices"][0]["voice_id"] if voices is not None else new_id()
        return {"name": "Aria", "image": PHOTO, "voice_id": voice_id}

    def _look(self) -> None:
        found = self._ask("GET", "/characters")
        if found is not None:
            self._characters = [one["character_id"] for one in found.json()["characters"]]
            self._at_most(len(self._characters), HASTY.max_characters, "characters")
        found = self._ask("GET", "/videos?limit=50")
        if found is not None:
            working = [one for one in found.json()["videos"] if one["status"] == "processing"]
            self._at_most(len(working), HASTY.video_queue_limit, "videos under way")

    def _at_most(self, count: int, most: int, what: str) -> None:
        if count > most:
            self._probed.too_many.append(f"{count} {what} of {most}")

    def _ask(self, method: str, path: str, body: object = None) -> httpx.Response | None:
        """The answer if it is a good one."""
        began = time.monotonic()
        with contextlib.suppress(httpx.TransportError):
            url = f"{self._random.choice(self._urls)}/api/v1{path}"
            answer = self._http.request(method, url, json=body)
            self._count(method, answer, began)
            return answer if answer.is_success else None
        return None

    def _count(self, method: str, answer: httpx.Response, began: float) -> None:
        now = time.monotonic()
        self._probed.refused += answer.status_code == 429
        told = answer.headers.get("ratelimit", "")
        # Reads go on while Redis is away, counted by each process: they say nothing.
        if method != "GET" and answer.status_code != 429 and told and now - began < _QUICK_S:
            self._probed.counted.append(now + int(told.rsplit("t=", 1)[1]))


class Revoker:
    """Makes a key, uses it everywhere, revokes it, and tries it everywhere again."""

    def __init__(self, urls: Sequence[str], key: str, seed: int, probed: Probed) -> None:
        self._urls = urls
        self._random = random.Random(seed)
        self._probed = probed
        self._key = key

    def run(self, until: Callable[[], bool]) -> None:
        with httpx.Client(timeout=_PATIENCE_S) as http:
            while not until():
                self._one(http)
                time.sleep(_PAUSE_S)

    def _one(self, http: httpx.Client) -> None:
        body = {"name": "Soon over", "scopes": ["credits:read"]}
        made = self._ask(http, "POST", "/keys", self._key, body)
        if made is None:
            return
        found = made.json()
        for url in self._urls:
            self._ask(http, "GET", "/credits", found["key"], url=url)
        if self._ask(http, "DELETE", f"/keys/{found['key_id']}", self._key) is None:
            return
        self._probed.revoked.append(found["key"])
        time.sleep(FORGOTTEN_S)
        self._probed.outlived.extend(tried(http, self._urls, found["key"]))

    def _ask(
        self,
        http: httpx.Client,
        method: str,
        path: str,
        key: str,
        body: object = None,
        url: str = "",
    ) -> httpx.Response | None:
        url = url or self._random.choice(self._urls)
        with contextlib.suppress(httpx.TransportError):
            answer = http.request(
                method, f"{url}/api/v1{path}", json=body, headers={"x-api-key": key}
            )
            return answer if answer.is_success else None
        return None


def tried(http: httpx.Client, urls: Sequence[str], key: str) -> list[str]:
    """Where that key, which is over, still opens something."""
    wrong = []
    for number, url in enumerate(urls):
        with contextlib.suppress(httpx.TransportError):
            answer = http.get(f"{url}/api/v1/credits", headers={"x-api-key": key})
            if answer.is_success:
                wrong.append(f"a key that was revoked still works at API {number + 1}")
    return wrong
