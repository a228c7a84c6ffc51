"""A conversation in headless Chromium with a real server, as the parts of the bench have it."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

from bench.heard_corpus import kokoro
from bench.references import people
from charafy.client.ticket import Ticket
from charafy.engines.voice import Language, Pcm
from tests.support.chromium import Chromium, find_browser
from tests.support.processes import cpu_s, family, named
from tests.support.server import Server, running
from tests.support.visitor import BARE, Visitor, trimmed, visiting

WARM_S: Final = 90.0
_SETTINGS: Final = {
    "CHARAFY_TALK": "on",
    "CHARAFY_CONVERSATION_LIMIT_S": "14400",
    "CHARAFY_TALK_IDLE_S": "600",
    "CHARAFY_OWNER_CREDITS": "1000000",
}
PATIENCE_S: Final = 45.0
QUESTIONS: Final = (
    "雨の日は何をするのが好きですか？",
    "おすすめのお茶を教えてください。",
    "昨日は友だちと映画を見ました。",
    "京都でどこを散歩したらいいですか？",
)
_ASKS: Final = "jm_kumo"


@dataclass(frozen=True, slots=True)
class Said:
    """What a turn says."""

    pcm: Pcm
    human: bool


@dataclass(slots=True)
class Spent:
    """CPU-seconds of the talk process and of the browser, at every look."""

    talk: int
    """Process ids."""
    server: int
    looks: list[tuple[float, float, float]] = field(default_factory=list)

    def look(self, now: float) -> None:
        ours = set(family(os.getpid())) - set(family(self.server)) - {os.getpid()}
        self.looks.append((now, cpu_s(family(self.talk)), cpu_s(list(ours))))

    def between(self, begin: float, end: float) -> tuple[float, float]:
        """By the talk process and by the browser from `begin` to `end` on the page's clock."""
        at, talk, browser = np.asarray(self.looks).T
        moments = [begin, end]
        return (
            float(np.diff(np.interp(moments, at, talk))[0]),
            float(np.diff(np.interp(moments, at, browser))[0]),
        )


@dataclass(slots=True)
class Call:
    """A page with a visitor, who connects as often as wanted."""

    server: Server
    visitor: Visitor
    spent: Spent
    render: str = "client"

    def connect(self, language: Language) -> float:
        """Seconds from the click, before a token is asked for, until the character is there."""
        character_id = character_of(self.server, language)
        return self.visitor.connect(self.server.api_key, character_id, self.render)

    def greeted(self, since: int = 0) -> None:
        """Wait until the greeting is over and heard."""
        self.visitor.wait_for("speech-ended", PATIENCE_S, since)
        self.visitor.until(lambda: self.visitor.silent_for(0.5), PATIENCE_S, "silence")


@contextlib.contextmanager
def serving(**env: str) -> Iterator[Server]:
    """A server on an empty house; returns when its talk process has loaded its models."""
    settings = {**_SETTINGS, **env}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "home", **settings) as one:
        _warm(one)
        yield one


@contextlib.contextmanager
def calling(server: Server) -> Iterator[Call]:
    """A browser at the server. Raises `LookupError` without one."""
    executable = find_browser()
    if executable is None:
        raise LookupError("no Chromium on the PATH: scripts/browser installs one")
    browser = Chromium(executable)
    browser.start()
    try:
        with visiting(browser, server.base_url) as visitor:
            visitor.tab.open(BARE)
            spent = Spent(talk_process(server), server.process.pid)
            visitor.noticed = spent.look
            yield Call(server, visitor, spent, os.environ.get("BENCH_RENDER", "client"))
            visitor.tab.complaints.clear()  # they are no figures
    finally:
        browser.close()


def talk_process(server: Server) -> int:
    return named(family(server.process.pid), "talk")


def _warm(server: Server) -> None:
    """Until the talk process has done nothing for two seconds: its models are loaded then."""
    deadline = time.monotonic() + WARM_S
    quiet, before = 0, -1.0
    while quiet < 4 and time.monotonic() < deadline:
        time.sleep(0.5)
        try:
            spent = cpu_s([talk_process(server)])
        except LookupError:
            continue
        quiet = quiet + 1 if before > 1.0 and spent - before < 0.04 else 0
        before = spent


def character_of(server: Server, language: Language) -> str:
    found = _asked(server, "GET", "/characters")["characters"]
    return str(next(one for one in found if one["language"] == language)["character_id"])


def ticket(server: Server, language: Language, mode: str = "audio-only") -> Ticket:
    """For a client without a browser; where LiveKit carries it, `connect_url` is LiveKit's."""
    order = {"character_id": character_of(server, language), "mode": mode}
    answer = _asked(server, "POST", "/conversation/token", order)
    where = answer.get("livekit_url") or answer["connect_url"]
    return Ticket(answer["token"], where, answer["ice_servers"])


def said_by_people(language: Language, turns: int) -> list[Said]:
    """As many as asked for, again and again. Of Japanese people there is one recording, so every
    second turn is said by a stock voice of another character."""
    human = [
        Said(trimmed(person.pcm), True)
        for person in people(Path("var/references"))
        if person.language == language
    ]
    if language == "ja":
        stock = [Said(trimmed(_spoken(text, language)), False) for text in QUESTIONS]
        human = [one for question in stock for one in (human[0], question)]
    return [human[number % len(human)] for number in range(turns)]


def _spoken(text: str, language: Language) -> Pcm:
    spoken = kokoro().speak(text, _ASKS, language)
    return np.concatenate([chunk.pcm for chunk in spoken])


def _asked(
    server: Server, method: str, path: str, body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    answer = httpx.request(
        method,
        f"{server.base_url}/api/v1{path}",
        json=body,
        headers={"x-api-key": server.api_key},
        timeout=30,
    )
    found: dict[str, Any] = answer.raise_for_status().json()
    return found
