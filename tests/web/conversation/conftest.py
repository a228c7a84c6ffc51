"""A page with the module in a real browser, and a test peer at the other end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.support.chromium import Asked, Chromium, Served, Tab, chromium, files, first_of, folder
from tests.support.conversing import ConversationPeer
from tests.web.conftest import STATIC

__all__ = ["chromium"]

PAGE = b"<!doctype html><meta charset=utf-8><title>talk</title><body><audio id=sound></audio>"

SETUP = """async (options) => {
  const modules = await import("/static/conversation/charafy-conversation.js");
  const talk = new modules.CharafyConversation({
    token: "a.b.c",
    connectUrl: "/connect",
    audioElement: document.querySelector("#sound"),
    ...options,
  });
  window.talk = talk;
  window.seen = [];
  const names = ["state", "ready", "caption", "word", "user", "character", "speech", "hush",
    "speechended", "latency", "received", "limit", "videostopped", "error", "ended"];
  for (const name of names) {
    talk.addEventListener(name, ({ detail }) => {
      const { cause, ...told } = detail;
      window.seen.push([name, told]);
    });
  }
}"""


class Desk:
    """The server as the page sees it; `refuse` may answer an offer instead of the peer."""

    def __init__(self, peer: ConversationPeer) -> None:
        self.peer = peer
        self.refuse: Callable[[int], Served | None] = lambda _tried: None
        self.asked: list[Asked] = []
        self._site = first_of(files({"/index.html": PAGE}), folder(STATIC, "/static/"))

    @property
    def offers(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.method == "POST"]

    def answer(self, asked: Asked) -> Served:
        if asked.path != "/connect":
            return self._site(asked.path) or Served(b"none", "text/plain", 404)
        self.asked.append(asked)
        body = json.loads(asked.body or b"{}")
        if asked.method == "PATCH":
            self.peer.candidates += body["candidates"]
            return Served(b"{}", "application/json")
        refused = self.refuse(len(self.offers))
        if refused:
            return refused
        return Served(json.dumps(self.peer.connect(body)).encode(), "application/json")


@pytest.fixture
def peer() -> Iterator[ConversationPeer]:
    there = ConversationPeer()
    try:
        yield there
    finally:
        there.close()


@pytest.fixture
def desk(peer: ConversationPeer) -> Desk:
    return Desk(peer)


@pytest.fixture
def tab(chromium: Chromium, desk: Desk) -> Iterator[Tab]:
    """A page that may use the microphone; `window.talk` is a conversation, not connected yet."""
    with chromium.tab(server=desk.answer, permissions=["microphone"]) as tab:
        tab.open("/index.html")
        tab.evaluate(SETUP, {})
        yield tab
