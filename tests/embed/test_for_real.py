"""All of it at once: a server with its talk process, a shop on another origin, and a visitor."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.chromium import Chromium
from tests.support.embedding import Framed, neighbour
from tests.support.server import Server, running

SCRIPTED = {
    "CHARAFY_TALK": "on",
    "CHARAFY_LLM_ENGINE": "scripted",
    "CHARAFY_VOICE_ENGINE": "scripted",
}
THERE_S = 60.0


def ask(server: Server, method: str, path: str, **body: Any) -> dict[str, Any]:
    answer = httpx.request(
        method,
        f"{server.base_url}/api/v1{path}",
        headers={"x-api-key": server.api_key},
        json=body or None,
        timeout=30,
    )
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def until_somebody_talks(frame: Framed) -> None:
    """The talk process starts after its server."""
    deadline = time.monotonic() + THERE_S
    state = "() => document.querySelector('.embed').dataset.state"
    while True:
        frame.click("button[value=text]")
        frame.wait_until(f"() => ['idle', 'listening', 'speaking'].includes(({state})())")
        if frame.evaluate(state) != "idle":
            return
        assert time.monotonic() < deadline, frame.text(".trouble")
        time.sleep(1)


def ended(server: Server) -> dict[str, Any]:
    """The newest conversation, once it is settled."""
    deadline = time.monotonic() + 20
    while True:
        newest: dict[str, Any] = ask(server, "GET", "/conversations")["conversations"][0]
        if newest["status"] == "ended":
            return newest
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_somebody_talks_with_a_character_on_another_site_and_its_owner_pays(
    chromium: Chromium, tmp_path: Path
) -> None:
    with running(tmp_path / "home", **SCRIPTED) as server, neighbour({}) as shop:
        cast = ask(server, "GET", "/characters")["characters"]
        path = f"/characters/{cast[0]['character_id']}"
        limits = {"embed_max_concurrent": 1, "allowed_origins": [shop.origin]}
        ask(server, "PUT", f"{path}/embed", embed_enabled=True, **limits)
        before = ask(server, "GET", "/credits")["credits_remaining"]
        shop.pages["/"] = f'<iframe src="{cast[0]["embed_url"]}" allow="microphone"></iframe>'
        with chromium.visit(shop.origin, "") as tab:
            tab.open("/")
            frame = Framed(tab)
            until_somebody_talks(frame)
            tab.complaints.clear()  # the browser notes every offer that came too early
            frame.type("#line", "Hello?")
            tab.press("Enter")
            frame.wait_until("() => document.querySelectorAll('.said .character').length >= 2")
            frame.click("[data-do=end]")
            frame.wait_until("() => document.querySelector('.embed').dataset.state === 'ended'")
            talk = ended(server)
            assert talk["reason"] == "hang_up"
            cost = int(talk["credits_used"])
            assert 1 <= cost <= 5
            assert ask(server, "GET", "/credits")["credits_remaining"] == before - cost
            until_somebody_talks(frame)  # the one place is free again
            ask(server, "PUT", f"{path}/embed", embed_enabled=False)
            frame.wait_until("() => document.querySelector('.embed').dataset.state === 'ended'")
            assert frame.text(".state") == "This character has left."
