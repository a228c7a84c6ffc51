"""All of it, as a newcomer goes: from the sign-in to a character on somebody else's site.

One server with its worker and its talk process, the voice, the face, the hearing and a (small)
model that thinks, and a real browser. The other tests say what each step does; this one says that
they follow from each other, and what it costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.async_api import Error

from charafy.kernel.media.audio import SAMPLE_RATE
from tests.support import faces
from tests.support.chromium import Chromium, Tab, chromium
from tests.support.embedding import Framed, Neighbour, neighbour
from tests.support.listening import recorded
from tests.support.server import Server, running
from tests.support.visitor import NotHeard, Visitor, trimmed, visiting

__all__ = ["chromium"]

SERVER: Final = {
    "CHARAFY_WORKER": "on",
    "CHARAFY_TALK": "on",
    "CHARAFY_LLM_ENGINE": "embedded",
    "CHARAFY_LLM_MODEL": "smollm2-135m",
}
PATIENCE_S: Final = 180.0
"""For what engines do: their models are loaded when they are first needed."""
EVERY_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody in a browser at a server of their own, and what the server says of them."""

    server: Server
    visitor: Visitor

    @property
    def tab(self) -> Tab:
        return self.visitor.tab

    def ask(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        answer = httpx.request(
            method,
            f"{self.server.base_url}/api/v1{path}",
            headers={"x-api-key": self.server.api_key},
            json=body or None,
            timeout=30,
        )
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def text(self, selector: str) -> str:
        found: str = self.tab.evaluate("(s) => document.querySelector(s).innerText", selector)
        return found

    def until(self, condition: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"no {what}"
            time.sleep(EVERY_S)

    def see(self, condition: str, what: str) -> None:
        """Until the JavaScript expression is true on the page."""

        def is_so() -> bool:
            try:
                return bool(self.tab.evaluate(f"() => {condition}"))
            except Error:  # between two pages
                return False

        self.until(is_so, what)

    def purse(self) -> int:
        """The credits that the page shows, opened anew: what is held is not among them."""
        self.tab.open("/dashboard/credits")
        return int(self.text(".purse .num").replace(",", ""))


@pytest.fixture
def owner(chromium: Chromium, tmp_path: Path) -> Iterator[Owner]:
    with (
        running(tmp_path / "home", **SERVER) as server,
        visiting(chromium, server.base_url) as visitor,
    ):
        yield Owner(server, visitor)


@pytest.fixture
def shop() -> Iterator[Neighbour]:
    with neighbour({}) as site:
        yield site


@pytest.mark.slow
def test_from_the_sign_in_to_a_character_on_another_site(
    chromium: Chromium, owner: Owner, shop: Neighbour
) -> None:
    sign_in(owner)
    purse = [owner.purse()]
    character = create(owner)
    for step in (hear, film, talk):
        purse.append(owner.purse())
        owner.tab.open(f"/dashboard/characters/{character}")
        step(owner)
    purse.append(owner.purse())
    embed(chromium, owner, character, shop)
    purse.append(owner.purse())
    assert all(before > after for before, after in pairwise(purse)), purse
    spent_is_told(owner, purse[0] - purse[-1])


def sign_in(owner: Owner) -> None:
    """With the link that the server's first words hold."""
    link = next(word for word in owner.server.said.split() if "/sign-in/link" in word)
    owner.tab.open(link)
    owner.tab.click("form[action='/sign-in/link'] button")
    owner.see("location.pathname === '/dashboard'", "dashboard")


def create(owner: Owner) -> str:
    """A character from a photo, with a persona and the voice that the page proposes."""
    tab = owner.tab
    tab.open("/dashboard/characters/new")
    tab.choose_file("#image", "me.jpg", faces.file("obama.jpg"))
    owner.see("document.querySelector('[data-usable=yes]')", "face that can be moved")
    tab.type("#name", "Mia")
    tab.click("[data-start]")
    tab.click("#new [data-send]")
    owner.see("document.querySelector('.person-stage canvas')", "face on its page")
    path: str = tab.evaluate("() => location.pathname")
    return path.rsplit("/", 1)[1]


def hear(owner: Owner) -> None:
    """It says what is written, and stops."""
    speaking = "document.querySelector('.portrait')?.matches('.is-speaking')"
    owner.see("document.querySelector('.person-stage canvas')", "face")
    owner.tab.type("#line", "Good morning! I am new here.")
    owner.tab.click("button[value=say]")
    owner.see(speaking, "speech")
    assert owner.text(".says") == "Good morning! I am new here."
    owner.see(f"!({speaking})", "end of its speech")


def film(owner: Owner) -> None:
    """A film is ordered, watched as it comes to be, played with its words, and downloaded."""
    tab = owner.tab
    tab.click("a[href^='/dashboard/videos?character=']")
    owner.see("document.querySelector('#film')", "order")
    tab.type("#text", "Welcome!")
    tab.click("#film [data-send]")
    status = "document.querySelector('.film')?.dataset.status"
    owner.see(f"['completed', 'failed'].includes({status})", "film")
    assert tab.evaluate(f"() => {status}") == "completed"
    tab.evaluate("() => document.querySelector('video').play()")
    owner.see("document.querySelector('video').currentTime > 0.1", "moving picture")
    assert tab.evaluate("() => document.querySelector('video').textTracks[0].mode") == "showing"
    size = """async () => {
      const link = document.querySelector('a[download$=".mp4"]');
      return (await (await fetch(link.href)).arrayBuffer()).byteLength;
    }"""
    assert tab.evaluate(size) > 10_000


def talk(owner: Owner) -> None:
    """A recorded person speaks with it: it understands, answers aloud, and is hung up on."""
    tab, visitor = owner.tab, owner.visitor
    tab.click("a[href^='/try/']")
    owner.see("document.querySelector('.stage.talk')", "page to talk at")
    begin(owner)
    spoken(owner)
    visitor.until(lambda: visitor.silent_for(0.5), 30, "silence")
    since = len(visitor.messages)
    _, end = visitor.say(trimmed(recorded("sensibility.flac")[: 5 * SAMPLE_RATE]))
    heard = visitor.wait_for("user-transcription", PATIENCE_S, since, final=True)
    assert "dashwood" in heard.data["text"].lower()
    spoken(owner, since)
    assert len(visitor.loud(end)) > 30, "some of the answer is louder than silence"
    tab.click("[data-do=end]")
    settled(owner)


def spoken(owner: Owner, since: int = 0) -> None:
    """Once the character has said something to its end."""
    try:
        owner.visitor.wait_for("speech-ended", PATIENCE_S, since)
    except NotHeard:
        told = [message.name for message in owner.visitor.messages[since:]]
        pytest.fail(f"nothing was said to its end: {owner.text('.stage.talk')!r}, {told[-20:]}")


def settled(owner: Owner) -> None:
    """Once the newest conversation has ended, it has been paid."""

    def has_ended() -> bool:
        newest = owner.ask("GET", "/conversations")["conversations"][0]
        return bool(newest["status"] == "ended")

    owner.until(has_ended, "end of the conversation")


def begin(owner: Owner) -> None:
    """The talk process is there some time after its server."""
    state = "document.querySelector('.stage.talk').dataset.state"
    answered = f"['idle', 'listening', 'speaking'].includes({state})"

    def connected() -> bool:
        owner.tab.click("button[value=voice]")
        owner.see(answered, "answer to the click")
        return bool(owner.tab.evaluate(f"() => {state} !== 'idle'"))

    owner.until(connected, "conversation")
    owner.tab.complaints.clear()  # the browser notes every offer that came too early


def embed(chromium: Chromium, owner: Owner, character: str, shop: Neighbour) -> None:
    """A stranger talks with it at the shop that its owner allows, and nowhere else."""
    allow(owner, character, shop.origin)
    address = f"{owner.server.base_url}/embed/{character}"
    shop.pages["/"] = f'<iframe src="{address}" allow="microphone"></iframe>'
    with chromium.visit(shop.origin, "", permissions=["microphone"]) as stranger:
        stranger.open("/")
        frame = Framed(stranger)
        frame.click("button[value=text]")
        state = "document.querySelector('.embed').dataset.state"
        frame.wait_until(f"() => {state} === 'listening'")
        frame.type("#line", "Hello?")
        stranger.press("Enter")
        frame.wait_until("() => document.querySelectorAll('.said .character').length >= 2")
        frame.click("[data-do=end]")
        frame.wait_until(f"() => {state} === 'ended'")

        stranger.open(f"{shop.other_origin}/")
        refused = Framed(stranger, "chrome-error")
        assert "page-token" not in refused.evaluate("() => document.documentElement.outerHTML")
        assert any("frame-ancestors" in said for said in stranger.complaints)
        stranger.complaints.clear()
    elsewhere = {"origin": shop.other_origin}
    answer = httpx.post(f"{address}/session", json={"page_token": "x"}, headers=elsewhere)
    assert answer.status_code == 403
    settled(owner)


def allow(owner: Owner, character: str, origin: str) -> None:
    """On the character's page of embeds, as its owner does it."""
    tab = owner.tab
    tab.open("/dashboard/embed")
    tab.click(f"a[href='/dashboard/embed/{character}']")
    owner.see("document.querySelector('[name=embed_enabled]')", "page of embeds")
    tab.click("[name=embed_enabled]")
    tab.type("#allowed_origins", origin)
    tab.click(".permission button")
    owner.see("document.querySelector('.notice.good')", "word that it is kept")
    now = owner.ask("GET", f"/characters/{character}/embed")
    assert (now["embed_enabled"], now["allowed_origins"]) == (True, [origin])


def spent_is_told(owner: Owner, spent: int) -> None:
    """The ledger's page names each step, and its movements are all that was spent."""
    rows = owner.ask("GET", "/credits/transactions?limit=100")["transactions"]
    assert -sum(row["amount"] for row in rows if row["amount"] < 0) == spent
    told = owner.text("main")
    for kind in ("Moving face", "Speech", "Video", "Conversation"):
        assert kind in told, told
