"""Visitors who connect, say something, and hang up or vanish."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from charafy.client.conversation import Conversation, ConversationFailed
from charafy.client.ticket import Ticket

_PATIENCE_S = 10.0


@dataclass(slots=True)
class Calls:
    """How the conversations of one visitor ended."""

    ends: Counter[str] = field(default_factory=Counter)


def visit(
    urls: Sequence[str],
    key: str,
    character_id: str,
    chance: random.Random,
    calls: Calls,
    until: Callable[[], bool],
) -> None:
    """One conversation after the other over a peer connection, in the thread that calls this."""

    async def talk() -> None:
        found = await _token(chance.choice(urls), key, character_id)
        ticket = Ticket(found["token"], found["connect_url"], found["ice_servers"])
        async with Conversation(ticket) as talk:
            talk.say("Let me tell you about a garden.")
            await talk.wait_for("server-message/speech-ended", timeout_s=_PATIENCE_S)
            await asyncio.sleep(chance.uniform(0.0, 2.0))

    asyncio.run(_again_and_again(talk, "", calls, until))


def visit_room(
    urls: Sequence[str],
    key: str,
    character_id: str,
    chance: random.Random,
    calls: Calls,
    until: Callable[[], bool],
) -> None:
    """The same in LiveKit's rooms."""
    from tests.support.room_visitor import RoomVisitor

    async def talk() -> None:
        found = await _token(chance.choice(urls), key, character_id)
        visitor = RoomVisitor()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await visitor.join(found["livekit_url"], found["token"], microphone=False)
            await visitor.told("bot-ready", within_s=_PATIENCE_S)
            await asyncio.sleep(chance.uniform(0.0, 3.0))
        finally:
            await visitor.leave()

    asyncio.run(_again_and_again(talk, " in a room", calls, until))


async def _again_and_again(
    talk: Callable[[], Awaitable[None]], where: str, calls: Calls, until: Callable[[], bool]
) -> None:
    while not until():
        try:
            await talk()
            calls.ends[f"talked{where}"] += 1
        except ConversationFailed as error:
            calls.ends[f"{error.code}{where}"] += 1
        except httpx.HTTPError:
            calls.ends[f"no token{where}"] += 1
        except Exception as error:  # noqa: BLE001 - LiveKit's client has its own; next one, please
            calls.ends[f"{type(error).__name__}{where}"] += 1
        began = time.monotonic()
        while not until() and time.monotonic() - began < 2.0:
            await asyncio.sleep(0.1)


async def _token(url: str, key: str, character_id: str) -> dict[str, Any]:
    async with httpx.AsyncClient(headers={"x-api-key": key}, timeout=_PATIENCE_S) as http:
        order = {"character_id": character_id, "mode": "audio-only"}
        answer = await http.post(f"{url}/api/v1/conversation/token", json=order)
        found: dict[str, Any] = answer.raise_for_status().json()
    return found
