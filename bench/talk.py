"""Live conversation as somebody has it: a call over WebRTC to a server with the embedded models.

The caller is aiortc on the same machine, so figures hold the network stack and Opus, and no jitter
buffer of a browser. Times count from the last sound of what was said. What is said comes from
other voices of the same engine: recordings of people with transcripts are in the part `hearing`.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import numpy as np

from bench.heard_corpus import kokoro
from charafy.client.conversation import Conversation, Ticket
from charafy.engines.voice import Language, Pcm
from charafy.kernel.media.audio import SAMPLE_RATE
from tests.support.server import Server, running

TURNS: Final = 12
PATIENCE_S: Final = 60.0
WARM_S: Final = 30.0
SAID: Final[dict[Language, tuple[str, tuple[str, ...]]]] = {
    "en": (
        "am_adam",
        (
            "What do you like to do on a rainy day?",
            "My name is Tom, and I love old temples.",
            "Could you tell me about your favourite garden?",
            "What should I cook for dinner tonight?",
        ),
    ),
    "ja": (
        "jm_kumo",
        (
            "雨の日は何をするのが好きですか？",
            "おすすめのお茶を教えてください。",
            "昨日は友だちと映画を見ました。",
            "京都でどこを散歩したらいいですか？",
        ),
    ),
}


def run() -> dict[str, Any]:
    """Seconds, by language; CPU-seconds per second of all processes while nobody speaks."""
    with tempfile.TemporaryDirectory() as folder:
        models = {"CHARAFY_TALK": "on", "CHARAFY_LOG_LEVEL": "error"}
        with running(Path(folder) / "home", **models) as server:
            # The talk process starts after the API, and loads its models then.
            time.sleep(WARM_S)
            return {language: asyncio.run(_conversation(server, language)) for language in SAID}


async def _conversation(server: Server, language: Language) -> dict[str, Any]:
    began = time.monotonic()
    async with Conversation(await _ticket(server, language)) as talk:
        await talk.wait_for("bot-ready", timeout_s=PATIENCE_S)
        connected_s = time.monotonic() - began
        await talk.wait_for("bot-stopped-speaking", timeout_s=PATIENCE_S)
        await asyncio.sleep(6)
        idle = await _idle(server)
        turns = [await _turn(talk, pcm) for pcm in _questions(language)]
    first = [turn["first_sound"] for turn in turns]
    stages = {
        f"{stage}_p50_s": round(float(np.median([t[stage] for t in turns])), 2)
        for stage in ("recognised", "committed", "thought", "spoken", "audible")
    }
    return {
        "turns": len(turns),
        "connect_s": round(connected_s, 2),
        "first_sound_p50_s": round(float(np.median(first)), 2),
        "first_sound_p95_s": round(float(np.percentile(first, 95)), 2),
        "first_content_p95_s": round(float(np.percentile([t["audible"] for t in turns], 95)), 2),
        "idle_cpu_share": idle,
        **stages,
    }


async def _turn(talk: Conversation, pcm: Pcm) -> dict[str, float]:
    since = len(talk.told)
    talk.microphone.say(pcm)
    await talk.microphone.drained()
    over = time.monotonic()
    told = await talk.wait_for("metrics", timeout_s=PATIENCE_S, since=since)
    sounded = talk.ears.first_sound(over)
    await asyncio.sleep(1.0)
    assert sounded is not None
    return {"first_sound": sounded - over, **told.data["stages"]}


async def _ticket(server: Server, language: Language) -> Ticket:
    async with httpx.AsyncClient(
        base_url=f"{server.base_url}/api/v1", headers={"x-api-key": server.api_key}, timeout=30
    ) as api:
        found = (await api.get("/characters")).raise_for_status().json()["characters"]
        character = next(one for one in found if one["language"] == language)
        order = {"character_id": character["character_id"], "mode": "audio-only"}
        answer = await api.post("/conversation/token", json=order)
        ticket = answer.raise_for_status().json()
    return Ticket(ticket["token"], ticket["connect_url"], ticket["ice_servers"])


def _questions(language: Language) -> Iterator[Pcm]:
    voice, texts = SAID[language]
    spoken = [_spoken(text, voice, language) for text in texts]
    for number in range(TURNS):
        yield spoken[number % len(spoken)]


def _spoken(text: str, voice: str, language: Language) -> Pcm:
    """As a microphone of a client has it, without the silence behind."""
    pcm = np.concatenate([chunk.pcm for chunk in kokoro().speak(text, voice, language)])
    loud = np.flatnonzero(np.abs(pcm) > 0.01)
    assert SAMPLE_RATE == 24_000
    return pcm[: loud[-1] + 1]


async def _idle(server: Server, seconds: float = 5.0) -> float:
    before = sum(_cpu_s(pid) for pid in _family(server.process.pid))
    await asyncio.sleep(seconds)
    return round((sum(_cpu_s(pid) for pid in _family(server.process.pid)) - before) / seconds, 2)


def _family(pid: int) -> Sequence[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(int(child) for child in children)]


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
