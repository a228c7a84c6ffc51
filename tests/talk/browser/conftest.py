"""The whole of it: `charafy serve` with its talk process, and somebody in a real browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Error

from tests.support.chromium import Chromium, chromium
from tests.support.server import Server, running
from tests.support.visitor import BARE, Visitor, visiting

__all__ = ["chromium"]

THERE_S = 60.0
"""A talk process starts after its server, and loads its models when they are first needed."""
ANSWER_S = 40.0


@dataclass(frozen=True, slots=True)
class House:
    """A server as seen from outside."""

    server: Server

    def ask(self, path: str) -> dict[str, Any]:
        answer = httpx.get(
            f"{self.server.base_url}/api/v1{path}",
            headers={"x-api-key": self.server.api_key},
            timeout=30,
        )
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    @property
    def character_id(self) -> str:
        """One who speaks English."""
        found = self.ask("/characters")["characters"]
        return str(next(one["character_id"] for one in found if one["language"] == "en"))

    def last(self) -> dict[str, Any]:
        """The newest conversation."""
        newest = self.ask("/conversations")["conversations"][0]
        return self.ask(f"/conversations/{newest['conversation_id']}")

    def call(self, visitor: Visitor) -> None:
        """Open a page without scripts of its own, connect, and hear the greeting out."""
        visitor.tab.open(BARE)
        self.reach(visitor)
        visitor.wait_for("speech-ended", ANSWER_S)
        visitor.until(lambda: visitor.silent_for(0.5), 10, "silence")

    def reach(self, visitor: Visitor) -> None:
        """Connect as soon as there is somebody to talk."""
        deadline = time.monotonic() + THERE_S
        while True:
            try:
                visitor.connect(self.server.api_key, self.character_id)
            except Error:
                if time.monotonic() > deadline:
                    raise
            else:
                break
        visitor.tab.complaints.clear()  # the browser notes every offer that came too early


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """With the real voice and real hearing; what is thought of is scripted."""
    home = tmp_path_factory.mktemp("house") / "home"
    scripted = {"CHARAFY_TALK": "on", "CHARAFY_LLM_ENGINE": "scripted"}
    with running(home, **scripted) as server:
        yield House(server)


@pytest.fixture
def visitor(chromium: Chromium, house: House) -> Iterator[Visitor]:
    with visiting(chromium, house.server.base_url) as there:
        yield there


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[House]:
    """One that speaks in tones: it is there at once, and may be broken."""
    scripted = {
        "CHARAFY_TALK": "on",
        "CHARAFY_LLM_ENGINE": "scripted",
        "CHARAFY_VOICE_ENGINE": "scripted",
    }
    with running(tmp_path / "home", **scripted) as server:
        yield House(server)
