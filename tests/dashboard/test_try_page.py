"""The page of talking to a character, in a real browser; a test peer is at the other end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.demo.world import create_demo_world, give_avatars
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from tests.support.chromium import Asked, Chromium, Served, Tab, chromium, served
from tests.support.clock import ManualClock
from tests.support.conversing import ConversationPeer

__all__ = ["chromium"]

SAID = "() => [...document.querySelectorAll('.said li')].map((li) => li.innerText.split('\\n'))"


@dataclass(frozen=True, slots=True)
class Room:
    """A whole server with somebody who is signed in; offers go to the test peer."""

    house: House
    http: TestClient
    account_id: str
    peer: ConversationPeer

    def ask(self, asked: Asked) -> Served:
        if asked.path == "/api/v1/conversation/connect":
            body = json.loads(asked.body or b"{}")
            said = self.peer.connect(body) if asked.method == "POST" else {}
            return Served(json.dumps(said).encode(), "application/json")
        return served(self.http, asked)

    @property
    def credits(self) -> int:
        with self.house.db.read() as tx:
            return self.house.credits.balance(tx, self.account_id).available

    def path_of(self, name: str = "Emma") -> str:
        found = self.house.characters.list(self.account_id)
        return f"/try/{next(c for c in found if c.name == name).character_id}"


@pytest.fixture
def peer() -> Iterator[ConversationPeer]:
    there = ConversationPeer()
    try:
        yield there
    finally:
        there.close()


@pytest.fixture
def room(
    settings: Settings, clock: ManualClock, db: Database, peer: ConversationPeer
) -> Iterator[Room]:
    del db
    house = build_house(settings.model_copy(update={"sign_up_credits": 100}), clock=clock)
    account = house.accounts.create("sora@example.com")
    create_demo_world(house.characters, account.account_id)
    session = house.account_services.sessions.begin(account.account_id)
    http = TestClient(build_app(house), base_url=settings.base_url)
    http.cookies.set("charafy_session", session.token)
    try:
        yield Room(house, http, account.account_id, peer)
    finally:
        house.close()


@pytest.fixture
def tab(chromium: Chromium, room: Room) -> Iterator[Tab]:
    with chromium.tab(server=room.ask, permissions=["microphone"]) as tab:
        yield tab


def begin(tab: Tab, room: Room, by: str = "voice") -> None:
    tab.open(room.path_of())
    tab.click(f"button[value={by}]")
    tab.wait_until("() => document.querySelector('.talk').dataset.state === 'listening'")


def text(tab: Tab, selector: str) -> str:
    found: str = tab.evaluate("(selector) => document.querySelector(selector).innerText", selector)
    return found


def test_one_talks_reads_along_and_hangs_up(tab: Tab, room: Room) -> None:
    peer = room.peer
    begin(tab, room)
    peer.wait_until(lambda: peer.loudness(0.5) > 0.003)
    peer.say("user-transcription", text="Hel", final=False, timestamp="")
    peer.say("user-transcription", text="Hello.", final=True, timestamp="")
    peer.tell("state", state="speaking")
    peer.say("bot-transcription", reply="r1", text="Hi there,")
    peer.say("bot-transcription", reply="r1", text="friend.")
    peer.say("metrics", turn=1, stages={"audible": 0.71, "recognised": 0.2})
    tab.wait_until("() => document.querySelector('.latency').textContent")
    assert tab.evaluate(SAID) == [["You", "Hello."], ["Emma", "Hi there, friend."]]
    assert text(tab, ".latency").startswith("Answered after 0.71 s · heard 0.20 s")
    assert text(tab, ".says") == "friend."
    assert text(tab, ".state") == "Speaking"
    tab.click("[data-do=end]")
    peer.wait_until(lambda: bool(peer.messages("disconnect-bot")))
    assert text(tab, ".state") == "You hung up."
    assert tab.evaluate(SAID)[0] == ["You", "Hello."], "what was said stays to be read"
    begins_again = "() => !document.querySelector('.start').hidden"
    assert tab.evaluate(begins_again)


def test_one_writes_without_a_microphone(chromium: Chromium, room: Room) -> None:
    with chromium.tab(server=room.ask) as tab:
        tab.open(room.path_of())
        tab.click("button[value=voice]")
        tab.wait_until("() => !document.querySelector('.trouble').hidden")
        assert "blocked for this page" in text(tab, ".trouble")
        tab.click("button[value=text]")
        tab.wait_until("() => document.querySelector('.talk').dataset.state === 'listening'")
        tab.type("#line", "Good evening")
        tab.press("Enter")
        room.peer.wait_until(lambda: bool(room.peer.messages("send-text")))
    assert room.credits == 50, "the first try came to nothing, so its token served the second"
    assert room.peer.messages("send-text") == [{"content": "Good evening"}]


def test_the_tools_reach_the_character(tab: Tab, room: Room) -> None:
    begin(tab, room)
    tab.click("[data-do=mute]")
    assert tab.evaluate("() => document.querySelector('[data-do=mute]').ariaPressed") == "true"
    tab.click("[data-do=mute]")
    tab.click("[data-do=interrupt]")
    tab.click("[data-do=push]")
    tab.click("[data-do=hold]")
    room.peer.wait_until(lambda: len(room.peer.asked("push-to-talk")) == 2)
    assert room.peer.asked("interrupt") == [{}]
    assert {"push_to_talk": True} in room.peer.asked("mode")
    assert room.peer.asked("push-to-talk") == [{"on": True}, {"on": False}]


def test_the_face_moves_with_what_is_said(tab: Tab, room: Room) -> None:
    cast = room.house.characters.list(room.account_id)
    give_avatars(room.house.avatars, [c for c in cast if c.name == "Emma"], lambda: False)
    begin(tab, room)
    tab.wait_until("() => document.querySelector('.portrait canvas')")
    assert tab.evaluate("() => document.querySelector('canvas').ariaLabel") == "Emma, speaking"


def test_a_conversation_is_paid_and_without_credits_it_is_said_so(tab: Tab, room: Room) -> None:
    tab.open(room.path_of())
    token = tab.evaluate("() => document.querySelector('[name=csrf_token]').value")
    form = {"csrf_token": token}
    answers = [room.http.post(f"{room.path_of()}/token", data=form) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 402]
    assert room.credits == 0
    tab.click("button[value=text]")
    tab.wait_until("() => !document.querySelector('.trouble').hidden")
    assert "enough credits" in text(tab, ".trouble")
    tab.complaints.clear()  # the browser notes the 402


def test_someone_else_s_character_and_forms_from_elsewhere_are_refused(room: Room) -> None:
    stranger = room.house.accounts.create("hana@example.com")
    session = room.house.account_services.sessions.begin(stranger.account_id)
    theirs = TestClient(room.http.app, base_url=room.house.settings.base_url)
    theirs.cookies.set("charafy_session", session.token)
    assert theirs.get(room.path_of()).status_code == 404
    assert room.http.post(f"{room.path_of()}/token").status_code == 403
    page = room.http.get(room.path_of())
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_nothing_is_wider_than_the_window(chromium: Chromium, room: Room, width: int) -> None:
    size = {"width": width, "height": 800}
    with chromium.tab(server=room.ask, viewport=size, permissions=["microphone"]) as tab:
        for language in ("en", "ja"):
            tab.open(f"{room.path_of()}?lang={language}")
            assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
            tab.click("button[value=voice]")
            tab.wait_until("() => document.querySelector('.talk').dataset.state === 'listening'")
            assert tab.evaluate("() => document.documentElement.scrollWidth") <= width
