"""Steady, mixed traffic: speech, films, conversations, and what a dashboard asks for."""

from __future__ import annotations

import asyncio
import base64
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import httpx

from charafy.client.conversation import Conversation, ConversationFailed
from charafy.client.ticket import Ticket
from tests.support.images import jpeg

_PATIENCE_S: Final = 60.0
_FILM_S: Final = 300.0
_LEAD_S: Final = 0.2
_BUSY: Final = frozenset({429, 503})
_PHOTO: Final = "data:image/jpeg;base64," + base64.b64encode(jpeg((96, 120))).decode()
_WORDS: Final = (
    *("harbour", "morning", "quiet", "bread", "window", "river", "lantern", "garden"),
    *("bridge", "letter", "summer", "train", "stone", "market", "paper", "evening"),
)


@dataclass(slots=True)
class Notes:
    """What clients saw. Shared by threads."""

    waits: list[tuple[str, float, float]] = field(default_factory=list)
    """Operation, when it was over (`time.monotonic()`), and how many seconds it took."""
    busy: Counter[str] = field(default_factory=Counter)
    """Honest refusals: asked to come again later."""
    failed: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def done(self, operation: str, took_s: float) -> None:
        with self.lock:
            self.waits.append((operation, time.monotonic(), took_s))

    def refused(self, operation: str, status: int) -> None:
        with self.lock:
            where = self.busy if status in _BUSY else self.failed
            where[f"{operation}: {status}"] += 1

    def broke(self, operation: str, error: Exception) -> None:
        with self.lock:
            self.failed[f"{operation}: {type(error).__name__} {error}"[:200]] += 1


class Client:
    """One thread's. Goes on until told to stop, whatever fails; all of it is noted."""

    def __init__(self, url: str, key: str, seed: int, notes: Notes, until: threading.Event) -> None:
        self.url, self.key = f"{url}/api/v1", key
        self.chance = random.Random(seed)
        self.notes = notes
        self.until = until
        self.http = httpx.Client(base_url=self.url, headers={"x-api-key": key}, timeout=_PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()

    def repeat(self, work: Callable[[], object], pause_s: float) -> None:
        while not self.until.is_set():
            try:
                work()
            except Exception as error:  # noqa: BLE001 - a client that died would be no traffic
                self.notes.broke("client", error)
            self.until.wait(pause_s * self.chance.uniform(0.5, 1.5))

    def ask(
        self, operation: str, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> httpx.Response | None:
        """None when it was refused."""
        began = time.monotonic()
        answer = self.http.request(method, path, json=body)
        if not answer.is_success:
            self.notes.refused(operation, answer.status_code)
            return None
        self.notes.done(operation, time.monotonic() - began)
        return answer

    def text(self, words: int) -> str:
        said = " ".join(self.chance.choices(_WORDS, k=words))
        return f"{said.capitalize()}."


def make_character(url: str, key: str) -> str:
    """For all traffic that needs one."""
    with httpx.Client(base_url=f"{url}/api/v1", headers={"x-api-key": key}, timeout=60) as http:
        return str(
            http.post("/characters", json=_draft(http)).raise_for_status().json()["character_id"]
        )


def speak(client: Client, character_id: str) -> None:
    path = client.chance.choice(["/tts", "/tts", "/tts/timestamps"])
    body = {"character_id": character_id, "text": client.text(client.chance.randint(3, 20))}
    client.ask("speech", "POST", path, body)


def look_around(client: Client) -> None:
    path = client.chance.choice(["/credits", "/characters", "/videos", "/voices", "/keys"])
    client.ask("look", "GET", path)


def change_things(client: Client) -> None:
    """A character and a key that are made, changed and deleted."""
    made = client.ask("make a character", "POST", "/characters", _draft(client.http))
    if made is not None:
        path = f"/characters/{made.json()['character_id']}"
        client.ask("change", "PATCH", path, {"name": client.text(1)})
        client.ask("delete", "DELETE", path)
    key = client.ask("make a key", "POST", "/keys", {"name": "Soak", "scopes": ["credits:read"]})
    if key is not None:
        client.ask("delete", "DELETE", f"/keys/{key.json()['key_id']}")


def film(client: Client, character_id: str) -> None:
    """Order a film, wait until it is made, fetch and delete it."""
    began = time.monotonic()
    body = {"character_id": character_id, "text": client.text(4)}
    made = client.ask("order a film", "POST", "/video", body)
    if made is None:
        return
    path = f"/video/{made.json()['video_id']}"
    while time.monotonic() - began < _FILM_S and not client.until.wait(0.25):
        found = client.ask("look", "GET", path)
        if found is None or found.json()["status"] == "processing":
            continue
        if found.json()["status"] != "completed":
            client.notes.broke("film", RuntimeError(str(found.json()["error"])))
            return
        client.notes.done("film", time.monotonic() - began)
        httpx.get(found.json()["output_url"], timeout=_PATIENCE_S).raise_for_status()
        client.ask("delete", "DELETE", path)
        return
    if not client.until.is_set():
        client.notes.broke("film", TimeoutError("it was never made"))


def converse(client: Client, character_id: str) -> None:
    """Connect, listen to the greeting, get some replies, hang up."""
    body = {"character_id": character_id, "mode": "audio-only"}
    answer = client.ask("conversation token", "POST", "/conversation/token", body)
    if answer is None:
        return
    given = answer.json()
    ticket = Ticket(given["token"], given["connect_url"], given["ice_servers"])
    try:
        asyncio.run(_converse(client, ticket))
    except ConversationFailed as error:
        client.notes.broke(f"conversation {error.code}", error)


async def _converse(client: Client, ticket: Ticket) -> None:
    began = time.monotonic()
    async with Conversation(ticket) as talk:
        await talk.wait_for("server-message/speech-ended", timeout_s=_PATIENCE_S)
        client.notes.done("greeted", time.monotonic() - began)
        for _ in range(client.chance.randint(1, 3)):
            since, asked = len(talk.told), time.monotonic()
            talk.send_text(client.text(5))
            await talk.wait_for("server-message/speech", timeout_s=_PATIENCE_S, since=since)
            client.notes.done("reply", time.monotonic() - asked)
            await talk.wait_for("server-message/speech-ended", timeout_s=_PATIENCE_S, since=since)
            await asyncio.sleep(_LEAD_S)


def _draft(http: httpx.Client) -> dict[str, Any]:
    voices = http.get("/voices").raise_for_status().json()["voices"]
    voice_id = next(one["voice_id"] for one in voices if one["language"] == "en")
    return {"name": "Aria", "image": _PHOTO, "voice_id": voice_id, "language": "en"}
