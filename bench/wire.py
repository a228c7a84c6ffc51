"""Bytes of a conversation, and what it costs while nobody says anything, by who draws the face.

Engines are scripted (no model speaks or answers), the face is the house's own. Counted where the
client's DTLS transport sends and receives, with the 28 bytes that UDP and IPv4 add to each packet:
sound, picture, messages, reports and keeping alive; neither Ethernet nor TURN. The client is
aiortc; a browser may ask for another rate of pictures.
Environment: BENCH_WIRE_S (20, of each state).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, Literal

import httpx

from bench.calling import character_of, serving, talk_process, ticket
from bench.scale import Assumed
from charafy.client.conversation import Conversation
from tests.support.processes import cpu_s, family
from tests.support.server import Server

PATIENCE_S: Final = 90.0
_HEADERS: Final = 28
_SETTLE_S: Final = 3.0
_SETTINGS: Final = {
    "CHARAFY_VOICE_ENGINE": "scripted",
    "CHARAFY_LLM_ENGINE": "scripted",
    "CHARAFY_CONVERSATION_LIMIT_S": "600",
}
_SAID: Final = (
    "Let me tell you about a garden behind an old temple, where a quiet stream runs. " * 3
)
_WAYS: Final[tuple[tuple[str, str, Literal["client", "server"]], ...]] = (
    ("voice_only", "audio-only", "client"),
    ("picture_by_the_browser", "video", "client"),
    ("picture_by_the_server", "video", "server"),
)


@dataclass(frozen=True, slots=True)
class Look:
    """At one moment: seconds, bytes so far to and from the client, CPU-seconds of the server."""

    at: float
    down: int
    up: int
    cpu: float


def run() -> dict[str, Any]:
    """By who draws: kilobytes a minute and CPU-seconds per second, silent and speaking."""
    with serving(**_SETTINGS) as server:
        found: dict[str, Any] = {
            name: asyncio.run(_conversed(server, mode, render)) for name, mode, render in _WAYS
        }
        return found | {"rig_fetched_once_kb": _rig_kb(server)}


async def _conversed(
    server: Server, mode: str, render: Literal["client", "server"]
) -> dict[str, Any]:
    seconds = float(os.environ.get("BENCH_WIRE_S", "20"))
    pids = family(talk_process(server))
    given = await asyncio.to_thread(ticket, server, "en", mode)
    async with Conversation(given, render=render) as talk:
        await talk.wait_for("server-message/speech-ended", timeout_s=PATIENCE_S)
        if render == "server":
            await asyncio.wait_for(talk.eyes.opened.wait(), PATIENCE_S)
        await asyncio.sleep(_SETTLE_S)

        async def speak() -> None:
            since = len(talk.told)
            talk.say(_SAID)
            await talk.wait_for("server-message/speech-ended", timeout_s=PATIENCE_S, since=since)

        silent = await _rates(talk, pids, lambda: asyncio.sleep(seconds))
        pictures = len(talk.eyes.times)
        speaking = await _rates(talk, pids, speak)
    share = Assumed().speaking
    down, up = (
        (1 - share) * silent[rate] + share * speaking[rate]
        for rate in ("down_kb_a_minute", "up_kb_a_minute")
    )
    return {
        "silent": silent,
        "speaking": speaking,
        "pictures_while_silent": pictures,
        "a_minute_down_kb": round(down),
        "a_minute_up_kb": round(up),
    }


async def _rates(
    talk: Conversation, pids: list[int], meanwhile: Callable[[], Awaitable[None]]
) -> dict[str, float]:
    looks = [await _look(talk, pids)]
    await meanwhile()
    looks.append(await _look(talk, pids))
    [(before, after)] = pairwise(looks)
    took = after.at - before.at
    return {
        "down_kb_a_minute": round((after.down - before.down) / took * 60 / 1000, 1),
        "up_kb_a_minute": round((after.up - before.up) / took * 60 / 1000, 1),
        "cpu_s_a_second": round((after.cpu - before.cpu) / took, 3),
    }


async def _look(talk: Conversation, pids: list[int]) -> Look:
    report = await talk.statistics()
    [line] = [one for one in report if one["type"] == "transport"]
    return Look(
        time.monotonic(),
        line["bytesReceived"] + _HEADERS * line["packetsReceived"],
        line["bytesSent"] + _HEADERS * line["packetsSent"],
        cpu_s(pids),
    )


def _rig_kb(server: Server) -> float | None:
    """What a browser fetches of a face before it can draw it; None without an avatar."""
    path = f"{server.base_url}/api/v1/characters/{character_of(server, 'en')}/avatar"
    answer = httpx.get(path, headers={"x-api-key": server.api_key}, timeout=60)
    found = answer.raise_for_status().json()
    url = found["rig_url"] or found["sprite_url"]
    if url is None:
        return None
    return round(len(httpx.get(url, timeout=60).raise_for_status().content) / 1000, 1)
