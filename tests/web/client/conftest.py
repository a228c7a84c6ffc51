"""The module in a real browser, which is a runtime that `make test` has, at a real server.

The page and the API are of one origin: that of a line which a test may disturb.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.support.chromium import Chromium, Tab, chromium
from tests.support.fickle import Line, fickle_line
from tests.support.server import Server, running
from tests.support.webhooks import Receiver

__all__ = ["chromium"]

BARE = "/static/client/charafy-client.js"
"""A document of the server's origin without scripts that run."""
UNAFFORDABLE = "1000000"

PROGRAMS: Final = Path(__file__).with_name("programs.js")
RUN: Final = """async ({ source, program, ...args }) => {
  const file = new Blob([source], { type: "text/javascript" });
  const programs = await import(URL.createObjectURL(file));
  const api = await import("/static/client/charafy-client.js");
  return await programs.run(api, program, { origin: location.origin, ...args });
}"""


@dataclass(slots=True)
class Developer:
    """Somebody's program that uses the module, and what they see of the server otherwise."""

    server: Server
    line: Line
    tab: Tab

    def run(self, program: str, **args: Any) -> Any:
        """What one of `PROGRAMS` answers in the browser."""
        about = {"source": PROGRAMS.read_text("utf-8"), "program": program}
        found = self.tab.evaluate(RUN, {**about, "key": self.server.api_key, **args})
        # Chromium writes every status that isn't a success to the console.
        self.tab.complaints[:] = [
            line for line in self.tab.complaints if "Failed to load resource" not in line
        ]
        return found

    def ask(self, method: str, path: str, **sent: Any) -> Any:
        """The same API without the module."""
        url = f"{self.server.base_url}/api/v1{path}"
        answer = httpx.request(
            method, url, headers={"x-api-key": self.server.api_key}, timeout=60, **sent
        )
        answer.raise_for_status()
        return answer.json() if "json" in answer.headers["content-type"] else answer.content

    @property
    def character(self) -> str:
        """One who speaks English."""
        cast = self.ask("GET", "/characters")["characters"]
        return next(str(one["character_id"]) for one in cast if one["language"] == "en")

    @property
    def credits(self) -> int:
        return int(self.ask("GET", "/credits")["credits_remaining"])


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    with Receiver() as there:
        yield there


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Server]:
    """All of it, with engines that need no models; nobody can pay for an avatar."""
    with running(
        tmp_path_factory.mktemp("client") / "home",
        CHARAFY_VOICE_ENGINE="scripted",
        CHARAFY_PORTRAIT_ENGINE="still",
        CHARAFY_LLM_ENGINE="scripted",
        CHARAFY_WORKER="on",
        CHARAFY_TALK="on",
        CHARAFY_PRICES__AVATAR=UNAFFORDABLE,
        CHARAFY_WEBHOOK_ALLOWED_HOSTS=f'["{receiver.host}"]',
    ) as server:
        yield server


@pytest.fixture
def developer(chromium: Chromium, server: Server) -> Iterator[Developer]:
    with fickle_line(server.base_url) as line, chromium.visit(line.origin, "") as tab:
        tab.open(BARE)
        yield Developer(server, line, tab)
