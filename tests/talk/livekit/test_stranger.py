"""A page that knows nothing of ours: LiveKit's own client, and what the API answers it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from charafy.kernel.media.audio import SAMPLE_RATE
from tests.support import livekit
from tests.support.chromium import Chromium, chromium
from tests.support.listening import recorded
from tests.support.server import running
from tests.support.visitor import BARE, NotHeard, Visitor, trimmed, visiting
from tests.talk.browser.conftest import House

__all__ = ["chromium"]

pytestmark = pytest.mark.slow

PATIENCE_S = 90.0
LONG = (
    "Let me tell you about a garden behind an old temple, where a quiet stream runs under wooden "
    "bridges, and where people come in spring to sit beneath the trees and drink tea."
)
ASK = """async ([order, key]) => {
  const answer = await fetch("/api/v1/conversation/token", {
    method: "POST",
    headers: { "x-api-key": key, "content-type": "application/json" },
    body: JSON.stringify(order),
  });
  window.ticket = await answer.json();
}"""
JOIN = """async () => {
  const { Room, RoomEvent } = await import("/static/livekit/livekit-client.js");
  await window.room?.disconnect();
  window.room = new Room();
  room.on(RoomEvent.TrackSubscribed, (track) => document.documentElement.append(track.attach()));
  await room.connect(ticket.livekit_url, ticket.token);
  await room.localParticipant.setMicrophoneEnabled(true);
}"""
SAY = """(message) => room.localParticipant.publishData(
  new TextEncoder().encode(JSON.stringify({ label: "rtvi-ai", id: "1", ...message })),
  { reliable: true, topic: "charafy" },
)"""
SEEN = "() => document.querySelector('video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0"


@pytest.fixture
def house(server: livekit.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server as an operator starts it, with real hearing and a real voice."""
    env = {
        "CHARAFY_TALK": "on",
        "CHARAFY_LLM_ENGINE": "scripted",
        **livekit.surroundings_of(server),
    }
    with running(tmp_path_factory.mktemp("house") / "home", **env) as there:
        yield House(there)


@pytest.fixture
def visitor(chromium: Chromium, house: House) -> Iterator[Visitor]:
    with visiting(chromium, house.server.base_url) as there:
        yield there
        # The stock client notes its lines that close with the room; anything else is a complaint.
        told = there.tab.complaints
        told[:] = [said for said in told if "closed unexpectedly" not in said]


def say(visitor: Visitor, kind: str, **data: Any) -> None:
    visitor.tab.evaluate(SAY, {"type": kind, "data": data})


def met(visitor: Visitor) -> dict[str, Any]:
    """Join until the character is there: nobody comes to a room before a talk process is up."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        visitor.tab.evaluate(JOIN)
        try:
            return visitor.wait_for("bot-ready", 15).data
        except NotHeard:
            if time.monotonic() > deadline:
                raise


def test_who_brings_their_own_client_talks_is_seen_to_and_pays_for_what_they_used(
    house: House, visitor: Visitor
) -> None:
    visitor.tab.open(BARE)
    order = {"character_id": house.character_id, "mode": "video"}
    before = house.ask("/credits")
    visitor.tab.evaluate(ASK, [order, house.server.api_key])
    ready = met(visitor)
    assert ready["render"] == "server"
    visitor.wait_for("speech-ended", PATIENCE_S)  # the greeting
    visitor.until(lambda: len(visitor.loud()) > 50, PATIENCE_S, "the greeting's sound")

    since = len(visitor.messages)
    sentence = trimmed(recorded("sensibility.flac")[: 5 * SAMPLE_RATE])
    _, end = visitor.say(sentence)
    heard = visitor.wait_for("user-transcription", PATIENCE_S, since, final=True).data["text"]
    assert "dashwood" in heard.lower()
    visitor.wait_for("speech-ended", PATIENCE_S, since, interrupted=False)
    assert len(visitor.loud(end)) > 100, "at least a second of the answer is louder than silence"

    since = len(visitor.messages)
    say(visitor, "client-message", t="say", d={"text": LONG})
    began = visitor.wait_for("speech", PATIENCE_S, since).at
    visitor.until(lambda: len(visitor.loud(began)) > 80, PATIENCE_S, "sound")
    visitor.say(sentence[: 2 * SAMPLE_RATE])
    hushed = visitor.wait_for("speech-ended", PATIENCE_S, since)
    assert hushed.data["interrupted"]
    assert 0 < len(hushed.data["heard"]) < len(LONG)

    visitor.until(lambda: visitor.tab.evaluate(SEEN) > 50, PATIENCE_S, "the face")
    visitor.tab.evaluate("() => room.disconnect()")
    visitor.until(lambda: house.last()["status"] == "ended", PATIENCE_S, "its end")
    kept = house.last()
    assert kept["reason"] == "hang_up"
    assert kept["credits_used"] >= 1
    after = house.ask("/credits")
    assert before["credits_remaining"] - after["credits_remaining"] == kept["credits_used"]
