"""The page's module asks for a picture, and Chromium shows it when it lets the sound be heard."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import pytest
from fastapi.testclient import TestClient

from charafy.house import House
from charafy.talk.film import Films
from charafy.talk.node import Candidates, Node, Offer
from charafy.talk.pace import Pace
from charafy.talk.phrases import Phrases
from charafy.talk.run import guests_of, makes
from tests.support.chromium import Asked, Chromium, Served, Tab, chromium, files, first_of, folder
from tests.support.conversations import asked
from tests.support.mouthing import BeatingCrew, Lamp
from tests.support.videos import Customer
from tests.web.conftest import STATIC

__all__ = ["chromium"]

PATIENCE_S = 30.0
PAGE = (
    b"<!doctype html><meta charset=utf-8><title>talk</title>"
    b"<body><audio id=sound></audio><video id=face muted playsinline></video>"
)
TALK = """async (token) => {
  const { CharafyConversation } = await import("/static/conversation/charafy-conversation.js");
  window.seen = [];
  window.talk = new CharafyConversation({
    token,
    connectUrl: "/connect",
    render: "server",
    microphone: false,
    audioElement: document.querySelector("#sound"),
    videoElement: document.querySelector("#face"),
  });
  talk.addEventListener("videostopped", ({ detail }) => seen.push(detail.reason));
  return talk.connect();
}"""
SYNC = """async () => {
  const stats = [...(await talk.peer.pc.getStats()).values()];
  const of = (kind) => stats.find((s) => s.type === "inbound-rtp" && s.kind === kind) ?? {};
  const codec = stats.find((s) => s.id === of("video").codecId);
  return {
    sound: of("audio").estimatedPlayoutTimestamp,
    picture: of("video").estimatedPlayoutTimestamp,
    frames: of("video").framesDecoded,
    codec: codec?.mimeType,
    width: document.querySelector("#face").videoWidth,
  };
}"""


class NodeThread:
    """A node that lives in a thread, and answers for the server as the page sees it."""

    def __init__(self, house: House, lamp: Lamp) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._site = first_of(files({"/index.html": PAGE}), folder(STATIC, "/static/"))
        self._house = house
        self.node: Node = self.run(self._made(lamp))

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def close(self) -> None:
        try:
            self.run(self.node.drain(10))
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE_S)

    def answer(self, asked: Asked) -> Served:
        if asked.path != "/connect":
            return self._site(asked.path) or Served(b"none", "text/plain", 404)
        body = json.loads(asked.body or b"{}")
        if asked.method == "PATCH":
            self.run(self.node.trickle(Candidates(**body)))
            return Served(b"{}", "application/json")
        token = asked.headers["authorization"].removeprefix("Bearer ")
        said = self.run(self.node.connect(Offer(token=token, **body)))
        return Served(json.dumps({**said, "ice_servers": []}).encode(), "application/json")

    async def _made(self, lamp: Lamp) -> Node:
        crew = BeatingCrew(heard=[""], answers=["Yes."])
        phrases = Phrases(crew)
        return Node(
            "talk-test",
            self._house.conversation_room.sessions,
            self._house.conversation_room.succession,
            makes(crew, Pace(rate=3.0), phrases, guests_of(self._house)),
            capacity=2,
            idle_s=60.0,
            prepare=phrases.prepare,
            films=Films(lambda _who: lamp, capacity=1),
        )


@pytest.fixture
def lamp() -> Lamp:
    return Lamp()


@pytest.fixture
def there(house: House, lamp: Lamp) -> Iterator[NodeThread]:
    node = NodeThread(house, lamp)
    try:
        yield node
    finally:
        node.close()


def synchronised(tab: Tab) -> dict[str, Any]:
    """What the browser says of both, once it shows them together for two seconds.

    It learns from its senders' reports how they belong together, and then moves the picture by
    80 ms at most each second.
    """
    ahead: list[int] = []
    for _ in range(80):
        now: dict[str, Any] = tab.evaluate(SYNC)
        if now.get("sound") and now.get("picture"):
            # Milliseconds by which the picture is ahead of the sound that is heard with it.
            ahead.append(now["picture"] - now["sound"])
        if len(ahead) >= 5 and -45 < median(ahead[-5:]) < 125:
            return now
        time.sleep(0.5)
    raise AssertionError(ahead)


@pytest.mark.slow
def test_the_picture_is_shown_with_its_sound_and_its_end_is_told(
    chromium: Chromium, there: NodeThread, client: TestClient, who: Customer, lamp: Lamp
) -> None:
    token = asked(client, who, mode="video")["token"]
    with chromium.tab(server=there.answer, permissions=["microphone"]) as tab:
        tab.open("/index.html")
        about = tab.evaluate(TALK, token)
        assert about["render"] == "server"
        found = synchronised(tab)
        assert found["codec"] == "video/VP8"
        assert found["width"] == 64
        lamp.broken = True
        tab.wait_until("() => seen.length > 0")
        assert tab.evaluate("() => seen") == ["failed"]
        tab.evaluate("() => talk.close()")
