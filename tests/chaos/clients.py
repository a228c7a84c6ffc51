"""Many clients who do what comes to mind, ask again when nobody answers, and remember what came."""

from __future__ import annotations

import base64
import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from charafy.kernel.ids import new_id
from tests.support.images import jpeg

PROPER: Final = frozenset({200, 400, 401, 402, 403, 404, 409, 429, 502, 503})
"""What may be answered whatever happens; a 500 only while a disk is full."""
_PATIENCE_S: Final = 60.0
_TRIES: Final = 4
_WAITING: Final = 3
"""Videos that one client has under way at most."""
PHOTO: Final = "data:image/jpeg;base64," + base64.b64encode(jpeg((96, 120))).decode()
_TEXT: Final = "Good morning. The harbour is quiet today, and the bakery has just opened its door."


@dataclass(slots=True)
class Notes:
    """What clients saw. Shared; each list is only appended to."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By operation and status; status 0: the connection broke."""
    improper: list[tuple[float, str]] = field(default_factory=list)
    """When (`time.monotonic()`) something was answered that never should be."""
    wrong: list[str] = field(default_factory=list)
    """What no fault excuses."""
    videos: dict[str, str] = field(default_factory=dict)
    """Every video that was accepted -> the key of its client."""
    deleted: set[str] = field(default_factory=set)
    orders: Counter[str] = field(default_factory=Counter)
    """By the key of a client: how many speeches it asked for, whatever came of them."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, operation: str, status: int) -> None:
        now = time.monotonic()
        with self.lock:
            self.answers[operation, status] += 1
            if status and status not in PROPER:
                self.improper.append((now, f"{operation} was answered {status}"))


class Client:
    """One account's, which asks now this API, now that one. Every choice comes from its own
    random numbers."""

    def __init__(self, urls: Sequence[str], key: str, seed: int, notes: Notes) -> None:
        self._key = key
        self._urls = urls
        self._random = random.Random(seed)
        self._notes = notes
        self._http = httpx.Client(headers={"x-api-key": key}, timeout=_PATIENCE_S)
        self._characters: list[str] = []
        self._videos: list[str] = []
        self._talks: list[str] = []
        self._keys: list[str] = []

    def run(self, until: Callable[[], bool]) -> None:
        """Do one thing after the other. Whatever goes wrong here is noted, too."""
        with self._http:
            while not until():
                work = self._random.choices(list(_WORK), weights=list(_WORK.values()))[0]
                try:
                    work(self)
                except Exception as error:  # noqa: BLE001 - a thread that died would do nothing
                    self._notes.wrong.append(f"a client broke: {error!r}")
                time.sleep(0.05 * self._random.random())

    def make_character(self) -> None:
        if len(self._characters) > 4:
            self._delete("characters", self._characters, "delete a character")
            return
        made = self._charging("make a character", "/characters", self._new_character())
        if made is not None:
            self._characters.append(made["character_id"])

    def look(self) -> None:
        path = self._random.choice(["/credits", "/characters", "/videos", "/voices", "/keys"])
        self._ask("look", "GET", path)

    def rename(self) -> None:
        if self._characters:
            path = f"/characters/{self._random.choice(self._characters)}"
            self._ask("rename", "PATCH", path, {"name": f"Aria {self._random.random():.3f}"})

    def speak(self) -> None:
        self._notes.orders[self._key] += 1
        self._charging("speak", "/tts", self._text(), read=False)

    def speak_timed(self) -> None:
        self._notes.orders[self._key] += 1
        self._charging("speak with times", "/tts/timestamps", self._text())

    def order_video(self) -> None:
        if len(self._videos) >= _WAITING:
            self.look_at_video()
            return
        made = self._charging("order a video", "/video", self._text())
        if made is not None:
            self._videos.append(made["video_id"])
            self._notes.videos[made["video_id"]] = self._key

    def look_at_video(self) -> None:
        if not self._videos:
            return
        video_id = self._random.choice(self._videos)
        answer = self._ask("look at a video", "GET", f"/video/{video_id}")
        if answer is None:
            return
        if answer.status_code == 404:
            self._notes.wrong.append(f"video {video_id} was accepted and is not there")
        if answer.status_code == 404 or (
            answer.is_success and answer.json()["status"] != "processing"
        ):
            self._videos.remove(video_id)

    def cancel_video(self) -> None:
        if self._videos:
            video_id = self._videos.pop(0)
            self._ask("cancel a video", "POST", f"/video/{video_id}/cancel")

    def delete_video(self) -> None:
        if self._videos:
            # Before it is asked for: who hears no answer doesn't know what became of it.
            self._notes.deleted.add(self._videos[0])
            self._delete("video", self._videos, "delete a video")

    def make_key(self) -> None:
        if self._keys:
            self._delete("keys", self._keys, "revoke a key")
            return
        body = {"name": "One of many", "scopes": ["credits:read"]}
        made = self._charging("make a key", "/keys", body)
        if made is not None:
            self._keys.append(made["key_id"])

    def begin_talk(self) -> None:
        if self._characters:
            order = {"character_id": self._random.choice(self._characters), "mode": "audio-only"}
            made = self._charging("begin a conversation", "/conversation/token", order)
            if made is not None:
                self._talks.append(made["conversation_id"])

    def end_talk(self) -> None:
        if self._talks:
            self._delete("conversations", self._talks, "delete a conversation")

    def _delete(self, kind: str, ids: list[str], operation: str) -> None:
        self._ask(operation, "DELETE", f"/{kind}/{ids.pop(0)}")

    def _new_character(self) -> dict[str, Any]:
        voices = self._ask("look", "GET", "/voices")
        found = voices.json()["voices"] if voices is not None and voices.is_success else []
        voice_id = found[0]["voice_id"] if found else new_id()
        return {"name": "Aria", "image": PHOTO, "voice_id": voice_id}

    def _text(self) -> dict[str, Any]:
        text = _TEXT[: self._random.randint(20, len(_TEXT))]
        known = self._characters or [new_id()]
        return {"character_id": self._random.choice(known), "text": text}

    def _charging(
        self, operation: str, path: str, body: Mapping[str, Any], *, read: bool = True
    ) -> dict[str, Any] | None:
        """POST with a key of its own until it is answered; sometimes once more, to see the same.

        What it came to; None when it was refused, or nobody knows.
        """
        key = new_id()
        first = None
        for number in range(_TRIES):
            first = self._ask(operation, "POST", path, body, key=key)
            if first is not None and first.status_code not in (409, 500, 502, 503):
                break
            time.sleep(0.3 * (number + 1))
        if first is None or not first.is_success:
            return None
        if self._random.random() < 0.25:
            self._again(operation, path, body, key=key, first=first)
        found: dict[str, Any] = first.json() if read else {}
        return found

    def _again(
        self, operation: str, path: str, body: Mapping[str, Any], *, key: str, first: httpx.Response
    ) -> None:
        same = self._ask(operation, "POST", path, body, key=key)
        if same is not None and same.is_success and _kept(same) != _kept(first):
            self._notes.wrong.append(f"{operation}: the same key was answered differently")
        other = self._ask(operation, "POST", path, _changed(body), key=key)
        if other is not None and other.is_success:
            self._notes.wrong.append(f"{operation}: another body under the same key was taken")

    def _ask(
        self,
        operation: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> httpx.Response | None:
        """None when the connection broke, or nothing came in time."""
        answer: httpx.Response | None = None
        with contextlib.suppress(httpx.TransportError):
            headers = {"idempotency-key": key} if key else {}
            url = f"{self._random.choice(self._urls)}/api/v1{path}"
            answer = self._http.request(method, url, json=body, headers=headers)
        status = answer.status_code if answer is not None else 0
        self._notes.note(operation, status)
        if answer is None:
            time.sleep(0.3)
        return answer


def _kept(answer: httpx.Response) -> object:
    """What is answered again; a new API key is stored nowhere and shown once."""
    if not answer.headers["content-type"].startswith("application/json"):
        return answer.content
    return {name: value for name, value in answer.json().items() if name != "key"}


def _changed(body: Mapping[str, Any]) -> dict[str, Any]:
    """Something else is asked for."""
    name = next(name for name in ("text", "name", "mode") if name in body)
    return {**body, name: "video" if name == "mode" else f"{body[name]} Or not."}


_WORK: Final[Mapping[Callable[[Client], None], int]] = {
    Client.make_character: 6,
    Client.look: 10,
    Client.rename: 3,
    Client.speak: 20,
    Client.speak_timed: 8,
    Client.order_video: 8,
    Client.look_at_video: 8,
    Client.cancel_video: 2,
    Client.delete_video: 1,
    Client.make_key: 2,
    Client.begin_talk: 5,
    Client.end_talk: 3,
}
