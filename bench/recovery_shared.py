"""Recovery where more is shared: Redis killed and started again, and a talk process killed while
LiveKit carries its conversation. As in `bench.recovery`: real processes, scripted engines.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import time
from dataclasses import dataclass
from typing import Any, Final

import httpx

from bench.recovery import Scene, scene
from tests.support import livekit, postgresql, redis
from tests.support.conversations import row
from tests.support.many import Process, until
from tests.support.room_visitor import RoomVisitor
from tests.support.videos import money

AWAY_S: Final = 5.0
_TALKED_S: Final = 12.0
"""Longer than between two beats."""
_PATIENCE_S: Final = 150.0


def redis_restarted(server: postgresql.Server) -> dict[str, Any]:
    """What cost money is refused while it is away, what only reads goes on."""
    if not (shutil.which("redis-server") or shutil.which("valkey-server")):
        return {"not_measured": "neither redis-server nor valkey-server is installed"}
    with (
        redis.running() as shared,
        scene(server, CHARAFY_REDIS_URL=shared.url()) as of,
        of.client() as client,
    ):
        until(lambda: _spoken(of, client) == 200, "somebody speaks")
        shared.kill()
        began_s = time.monotonic()
        refused = _spoken(of, client)
        refused_s = time.monotonic() - began_s
        reads = []
        while time.monotonic() - began_s < AWAY_S:
            reads.append(client.get("/credits").status_code)
        shared.start()
        return {
            "away_s": AWAY_S,
            "first_speech_answered": refused,
            "first_speech_answered_s": round(refused_s, 2),
            "reads_answered_meanwhile": len(reads),
            "of_these_not_200": sum(status != 200 for status in reads),
            "until_somebody_speaks_again_s": round(
                until(lambda: _spoken(of, client) == 200, "somebody speaks again"), 2
            ),
        }


def _spoken(of: Scene, client: httpx.Client) -> int:
    body = {"character_id": of.who.character_id, "text": "a", "format": "pcm"}
    return client.post("/tts", json=body).status_code


def talk_killed_in_a_room(server: postgresql.Server) -> dict[str, Any]:
    """What its visitor sees, when another visitor is spoken to, and when it is settled."""
    program = livekit.program()
    if program is None:
        return {"not_measured": "there is no LiveKit server: scripts/livekit builds one"}
    with livekit.running(program) as carrier:
        env = {
            **livekit.surroundings_of(carrier),
            "CHARAFY_LLM_ENGINE": "scripted",
        }
        with scene(server, **env) as of:
            return _killed(of)


@dataclass(frozen=True, slots=True)
class _Guest:
    conversation_id: str
    visitor: RoomVisitor


def _killed(of: Scene) -> dict[str, Any]:
    talks: list[Process] = []
    for _ in range(2):  # one after the other: their names count up in this order
        talks.append(of.started.talk())
        until(lambda: "talk_ready" in talks[-1].said(), "it leads conversations")

    async def play() -> dict[str, Any]:
        guest = await _joined(of)
        await asyncio.sleep(_TALKED_S)
        node = (await asyncio.to_thread(row, of.house, guest.conversation_id)).node
        assert node is not None
        came = len(guest.visitor.characters)
        talks[int(node.endswith("-2"))].signal(signal.SIGKILL)
        began_s = time.monotonic()
        other = await _joined(of)
        again_s = time.monotonic() - began_s
        seen = await _what_follows(guest.visitor, came)
        figures = {
            "until_another_conversation_speaks_s": round(again_s, 2),
            "the_visitor_then": seen,
            "after_s": round(time.monotonic() - began_s, 1),
        }
        for one in (guest, other):
            with contextlib.suppress(Exception):  # the room of one of them may be closed
                await one.visitor.leave()
        return figures

    figures = asyncio.run(play())
    settled_s = until(lambda: not money(of.house, of.who).held, "all is settled", 2 * _PATIENCE_S)
    return {**figures, "both_settled_once_the_visitors_left_s": round(settled_s, 1)}


async def _joined(of: Scene) -> _Guest:
    """Somebody who was greeted."""
    async with httpx.AsyncClient(base_url=f"{of.url}/api/v1", headers=of.who.headers) as client:
        body = {"character_id": of.who.character_id, "mode": "audio-only"}
        answer = await client.post("/conversation/token", json=body, timeout=60)
        ticket = answer.raise_for_status().json()
    visitor = RoomVisitor()
    await visitor.join(ticket["livekit_url"], ticket["token"])
    await visitor.told("speech-ended", within_s=_PATIENCE_S)
    return _Guest(ticket["conversation_id"], visitor)


async def _what_follows(visitor: RoomVisitor, came: int) -> str:
    deadline_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline_s:
        if len(visitor.characters) > came:
            return "has the character back"
        if visitor.gone:
            return "is sent out"
        await asyncio.sleep(0.05)
    return f"saw nothing for {_PATIENCE_S:g} s"
