"""Somebody at a page in a real browser: says recordings, hears the answer, and notes when.

What is said and what is heard lie on one clock, the page's `AudioContext`: seconds between them are
seconds between sounds, with everything in between (Opus, the network stack, the jitter buffer).
"""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charafy.kernel.media.audio import SAMPLE_RATE, Pcm
from tests.support.chromium import Chromium, Tab
from tests.support.relay import Relay

SCRIPT: Final = Path(__file__).with_suffix(".js")
LOUD: Final = 0.004
"""RMS of 10 ms. Opus codes silence as silence, so the quiet end of a word is louder."""
BLOCK_S: Final = 0.01
BARE: Final = "/static/talk.css"
"""An address of every server without scripts of its own."""
_LOOK_S: Final = 0.05
_CONNECT: Final = """async ([order, key, render]) => {
  window.talk?.close();
  const { CharafyConversation } = await import("/static/conversation/charafy-conversation.js");
  const clicked = performance.now();
  const asked = await fetch("/api/v1/conversation/token", {
    method: "POST",
    headers: { "x-api-key": key, "content-type": "application/json" },
    body: JSON.stringify(order),
  });
  const ticket = await asked.json();
  if (!asked.ok) throw new Error(JSON.stringify(ticket));
  const videoElement = render === "server" ? document.createElement("video") : undefined;
  if (videoElement) document.documentElement.append(videoElement);
  const { token, connect_url: connectUrl, ice_servers: iceServers } = ticket;
  const way = { token, connectUrl, iceServers, livekitUrl: ticket.livekit_url };
  window.talk = new CharafyConversation({ ...way, render, videoElement });
  await talk.connect();
  return (performance.now() - clicked) / 1000;
}"""

Times = npt.NDArray[np.float64]


class NotHeard(RuntimeError):
    """What was waited for did not come in time."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the server; our own are named by their topic."""

    at: float
    name: str
    data: dict[str, Any]


@dataclass(slots=True)
class Visitor:
    """`look` brings in what happened since; every wait does."""

    tab: Tab
    messages: list[Message] = field(default_factory=list)
    now: float = 0.0
    """On the page's sound clock, at the last look."""
    drift: float = 0.0
    """The page's steady clock less its sound clock, at the last look."""
    noticed: Callable[[float], None] = lambda _now: None
    """Called at every look."""
    _times: list[float] = field(default_factory=list)
    _levels: list[float] = field(default_factory=list)

    def look(self) -> None:
        news = self.tab.evaluate("() => visitor.take()")
        self.now, self.drift = news["now"], news["clock"] - news["now"]
        for at, said in news["messages"]:
            data = said.get("data") or {}
            name = data["t"] if said["type"] == "server-message" else said["type"]
            self.messages.append(Message(at, name, data))
        for at, level in news["blocks"]:
            self._times.append(at)
            self._levels.append(level)
        self.noticed(self.now)

    def forget(self) -> None:
        """What was heard and told until now: a long conversation would fill the memory."""
        self.messages.clear()
        self._times.clear()
        self._levels.clear()

    def until(self, condition: Callable[[], bool], within_s: float, what: str = "that") -> None:
        """Raises `NotHeard`."""
        deadline = time.monotonic() + within_s
        while True:
            self.look()
            if condition():
                return
            if time.monotonic() > deadline:
                raise NotHeard(f"{what} did not come within {within_s:g} s")
            time.sleep(_LOOK_S)

    def wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.look()
            time.sleep(_LOOK_S)

    def told(self, name: str, since: int = 0, **data: Any) -> list[Message]:
        """Messages of that name with these data, from the `since`-th on."""
        return [
            message
            for message in self.messages[since:]
            if message.name == name and data.items() <= message.data.items()
        ]

    def wait_for(self, name: str, within_s: float, since: int = 0, **data: Any) -> Message:
        """Raises `NotHeard`."""
        self.until(lambda: bool(self.told(name, since, **data)), within_s, name)
        return self.told(name, since, **data)[0]

    def connect(self, api_key: str, character_id: str, render: str = "client") -> float:
        """Begin a conversation, `talk` in the page; one that is there is hung up.

        Returns the seconds from the click, before a token is asked for, until the character is
        there.
        """
        mode = "video" if render == "server" else "audio-only"
        order = {"character_id": character_id, "mode": mode}
        took: float = self.tab.evaluate(_CONNECT, [order, api_key, render])
        return took

    def say(self, pcm: Pcm) -> tuple[float, float]:
        """Begin to say it; when it begins and ends."""
        encoded = base64.b64encode(pcm.astype("<f4").tobytes()).decode()
        begin, end = self.tab.evaluate(
            "([encoded, rate]) => visitor.say(encoded, rate)", [encoded, SAMPLE_RATE]
        )
        return begin, end

    def loud(self, begin: float = 0.0, end: float = np.inf) -> Times:
        """When blocks begin that are heard, in order."""
        times, levels = np.asarray(self._times), np.asarray(self._levels)
        return times[(levels > LOUD) & (times >= begin) & (times < end)]

    def silent_for(self, seconds: float) -> bool:
        """Up to now; the last 0.1 s are still under way from the page."""
        return not len(self.loud(self.now - seconds - 0.1))


@contextlib.contextmanager
def visiting(chromium: Chromium, origin: str, relay: Relay | None = None) -> Iterator[Visitor]:
    """A page at a real server, with its microphone and ears replaced; see `Chromium.visit`."""
    # The ears are a worklet of no file of the site, which its pages would refuse.
    options = {"permissions": ["microphone"], "bypass_csp": True}
    with chromium.visit(origin, SCRIPT.read_text("utf-8"), relay, **options) as tab:
        yield Visitor(tab)


def trimmed(pcm: Pcm, threshold: float = 0.02) -> Pcm:
    """From its first sound to its last: a turn ends with the last word, not with the file."""
    loud = np.flatnonzero(np.abs(pcm) > threshold * np.max(np.abs(pcm)))
    return pcm[loud[0] : loud[-1] + 1]
