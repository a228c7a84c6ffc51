"""`charafy serve` with its talk process: a call from the HTTP API to a voice, over real sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.caller import Caller
from tests.support.server import Server, running


async def connected(api: httpx.AsyncClient, ticket: dict[str, Any], caller: Caller) -> None:
    """Offer until the talk process is there: it starts after the API."""
    offer = {"sdp": await caller.offer(), "type": "offer"}
    bearer = {"Authorization": f"Bearer {ticket['token']}"}
    for _ in range(150):
        answer = await api.post("/conversation/connect", json=offer, headers=bearer)
        if answer.status_code == 200:
            await caller.answered(answer.json())
            return
        assert answer.status_code in {429, 502}, answer.text
        await asyncio.sleep(2.5)
    raise AssertionError("nobody came to talk")


async def talk(server: Server) -> dict[str, Any]:
    async with httpx.AsyncClient(
        base_url=f"{server.base_url}/api/v1", headers={"x-api-key": server.api_key}, timeout=30
    ) as api:
        character = (await api.get("/characters")).json()["characters"][0]["character_id"]
        order = {"character_id": character, "mode": "audio-only"}
        ticket = (await api.post("/conversation/token", json=order)).json()
        caller = Caller()
        try:
            await connected(api, ticket, caller)
            await caller.told("speech-ended", within_s=30)
            caller.send("send-text", content="Good morning.")
            await caller.told("speech-ended", times=2, within_s=30)
            caller.send("disconnect-bot")
            await caller.told("ended")
        finally:
            await caller.hang_up()
        for _ in range(100):
            found: dict[str, Any] = (
                await api.get(f"/conversations/{ticket['conversation_id']}")
            ).json()
            if found["status"] == "ended":
                break
            await asyncio.sleep(0.1)
        return found


@pytest.mark.slow
def test_somebody_calls_and_is_answered(tmp_path: Path) -> None:
    scripted = {"CHARAFY_VOICE_ENGINE": "scripted", "CHARAFY_TALK": "on"}
    with running(tmp_path / "home", **scripted) as server:
        conversation = asyncio.run(talk(server))
    assert conversation["status"] == "ended"
    assert conversation["reason"] == "hang_up"
    assert [turn["role"] for turn in conversation["transcript"]] == [
        "assistant",
        "user",
        "assistant",
    ]
    assert conversation["credits_used"] >= 1
