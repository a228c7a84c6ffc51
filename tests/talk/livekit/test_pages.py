"""Our own pages and module in a real browser, where a real LiveKit server carries conversations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from charafy.app import build_app
from charafy.embed.models import EmbedChanges
from charafy.house import House
from charafy.kernel.media.audio import SAMPLE_RATE, Pcm
from charafy.kernel.settings import Settings
from tests.support.chromium import Chromium, Tab, chromium
from tests.support.embedding import Framed, free_port, neighbour, serving
from tests.support.videos import Customer, money
from tests.support.visitor import BARE, Visitor, visiting
from tests.talk.livekit.stage import PATIENCE_S, Stage
from tests.talk.livekit.test_conversation import LONG, Humming

__all__ = ["chromium"]

pytestmark = pytest.mark.slow

LOADED = """(name) => performance.getEntriesByType("resource")
  .some((entry) => entry.name.endsWith(name))"""
SAID = "() => [...document.querySelectorAll('.said .character')].length"
NOTE = """() => {
  window.seen = [];
  for (const name of ["state", "error", "ended"]) {
    talk.addEventListener(name, ({ detail: { state, code, reason } }) => {
      window.seen.push([name, state ?? code ?? reason]);
    });
  }
}"""


def voice(seconds: float) -> Pcm:
    """What the scripted ears take for speech."""
    tone = np.sin(np.arange(int(SAMPLE_RATE * seconds)) * 0.1) * 0.6
    pcm: Pcm = tone.astype(np.float32)
    return pcm


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"base_url": f"http://127.0.0.1:{free_port()}"})


@pytest.fixture
def origin(house: House) -> Iterator[str]:
    base = house.settings.base_url
    with serving(build_app(house), int(base.rpartition(":")[2])):
        yield base


@pytest.fixture
def stage(house: House, who: Customer) -> Iterator[Stage]:
    changes = EmbedChanges(embed_enabled=True)
    house.embeds.update(who.account_id, who.character_id, changes)
    answers = [LONG, "All right."]
    there = Stage(house, who, Humming(heard=["Tell me all.", "Please stop now."], answers=answers))
    try:
        yield there
    finally:
        there.close()


@pytest.fixture
def visitor(chromium: Chromium, origin: str) -> Iterator[Visitor]:
    with visiting(chromium, origin) as there:
        yield there


def state(tab: Tab | Framed, selector: str, *wanted: str) -> None:
    tab.wait_until(
        "([selector, wanted]) => wanted.includes(document.querySelector(selector).dataset.state)",
        [selector, list(wanted)],
    )


def test_a_visitor_of_an_embedded_character_talks_and_barges_in(
    visitor: Visitor, stage: Stage
) -> None:
    tab = visitor.tab
    tab.open(f"/embed/{stage.owner.character_id}")
    assert not tab.evaluate(LOADED, "livekit-client.js")
    tab.click("button[value=voice]")
    visitor.wait_for("speech-ended", PATIENCE_S)
    assert tab.evaluate(LOADED, "livekit-client.js")
    since = len(visitor.messages)
    visitor.say(voice(1.0))
    heard = visitor.wait_for("user-transcription", PATIENCE_S, since, final=True)
    assert heard.data["text"] == "Tell me all."
    began = visitor.wait_for("speech", PATIENCE_S, since).at
    visitor.until(lambda: len(visitor.loud(began)) > 80, PATIENCE_S, "sound")
    visitor.say(voice(1.5))
    ended = visitor.wait_for("speech-ended", PATIENCE_S, since)
    assert ended.data["interrupted"], "a word takes 0.4 s: this answer would take 18"
    tab.wait_until(f"() => ({SAID})() >= 2")
    tab.click("[data-do=end]")
    kept = stage.ended()
    assert kept.reason == "hang_up"
    assert money(stage.house, stage.owner).held == 0


def test_a_page_of_somebody_else_s_may_load_it_in_its_frame(
    chromium: Chromium, origin: str, stage: Stage
) -> None:
    """With the policy of the page as it is."""
    frame_of = f'<iframe src="{origin}/embed/{stage.owner.character_id}"></iframe>'
    with neighbour({"/": frame_of}) as shop, chromium.visit(shop.origin, "") as tab:
        tab.open("/")
        frame = Framed(tab)
        frame.click("button[value=text]")
        state(frame, ".embed", "listening", "speaking")
        frame.wait_until(f"() => ({SAID})() >= 1")  # it greets
        frame.type("#line", "What do you like?")
        tab.press("Enter")
        frame.wait_until(f"() => ({SAID})() >= 2")
        frame.click("[data-do=end]")
        state(frame, ".embed", "ended")
    assert stage.ended().reason == "hang_up"


def test_an_owner_talks_on_the_page_of_a_character(
    chromium: Chromium, origin: str, stage: Stage
) -> None:
    session = stage.house.account_services.sessions.begin(stage.owner.account_id)
    cookie = {"name": "charafy_session", "value": session.token, "domain": "127.0.0.1", "path": "/"}
    rest = {"expires": -1, "httpOnly": True, "secure": False, "sameSite": "Lax"}
    kept = {"cookies": [cookie | rest], "origins": []}
    with chromium.visit(origin, "", storage_state=kept) as tab:
        tab.open(f"/try/{stage.owner.character_id}")
        tab.click("button[value=text]")
        state(tab, ".talk", "listening", "speaking")
        tab.wait_until(f"() => ({SAID})() >= 1")  # it greets
        tab.type("#line", "What do you like?")
        tab.press("Enter")
        tab.wait_until(f"() => ({SAID})() >= 2")
        assert tab.evaluate(LOADED, "livekit-client.js")
        tab.click("[data-do=end]")
        state(tab, ".talk", "ended")
    assert stage.ended().reason == "hang_up"


def seen(visitor: Visitor) -> list[Any]:
    told: list[Any] = visitor.tab.evaluate("() => window.seen")
    return told


def test_a_line_that_breaks_is_taken_up_and_a_room_that_is_closed_is_told(
    visitor: Visitor, stage: Stage
) -> None:
    visitor.tab.open(BARE)
    visitor.connect(stage.owner.key, stage.owner.character_id, "server")
    assert visitor.tab.evaluate("() => talk.about.render") == "server"
    visitor.wait_for("speech-ended", PATIENCE_S)
    frames = "() => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames"
    visitor.until(lambda: visitor.tab.evaluate(frames) > 20, PATIENCE_S, "the face")
    visitor.until(lambda: visitor.tab.evaluate("() => talk.network.playout_s > 0"), PATIENCE_S)

    visitor.tab.evaluate(NOTE)
    visitor.tab.evaluate("() => talk.peer.room.simulateScenario('full-reconnect')")
    visitor.until(lambda: ["state", "reconnecting"] in seen(visitor), PATIENCE_S, "the loss")
    again = "() => talk.state === 'listening'"
    visitor.until(lambda: bool(visitor.tab.evaluate(again)), PATIENCE_S, "the return")
    since = len(visitor.messages)
    visitor.tab.evaluate("() => { window.named = talk.sendText('Here I am again.'); }")
    began = visitor.wait_for("bot-started-speaking", PATIENCE_S, since).at
    visitor.until(lambda: len(visitor.loud(began)) > 50, PATIENCE_S, "sound")

    livekit = stage.house.conversation_room.livekit
    assert livekit is not None
    livekit.close_room(stage.newest().conversation_id)
    visitor.until(lambda: ["ended", "disconnected"] in seen(visitor), PATIENCE_S, "the end")
    assert ["error", "connection_lost"] in seen(visitor)
    assert stage.ended().reason == "disconnected"
