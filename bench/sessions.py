"""How many conversations one process holds before somebody hears a gap, with scripted engines:
what is left is WebRTC, voice activity and pipecat, as models may run elsewhere.

Twice: on peer connections of the process's own, and in rooms of a real LiveKit server. Callers
(aiortc, or LiveKit's client) are processes of their own, four in each, on this machine. All listen
and are spoken to at once, again and again; what they and LiveKit's server cost is told, for they
take it from the same cores.
Environment: BENCH_SESSIONS (1,2,4,6,8,10,12,16,20), BENCH_STEP_S (15),
BENCH_MEDIA (embedded,livekit).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Final

from bench.calling import serving, talk_process, ticket
from tests.support import livekit
from tests.support.processes import cpu_s, family, resident_mb
from tests.support.server import Server

SETTINGS: Final = {
    "CHARAFY_VOICE_ENGINE": "scripted",
    "CHARAFY_LLM_ENGINE": "scripted",
    "CHARAFY_TALK_CAPACITY": "64",
    "CHARAFY_CONVERSATION_LIMIT_S": "600",
}
_EACH: Final = 4
_CONNECT_S: Final = 8.0
_SILENT_S: Final = 6.0


@dataclass(frozen=True, slots=True)
class _Line:
    """What carries the conversations."""

    server: Server
    carrier: list[int]
    """Process ids of LiveKit's server; none where peer connections do it."""


def run() -> dict[str, Any]:
    """By media mode. `held`: the most without a gap over 0.25 s and without a failure."""
    modes = {"embedded": _embedded, "livekit": _in_rooms}
    wanted = os.environ.get("BENCH_MEDIA", "embedded,livekit").split(",")
    return {mode: modes[mode]() for mode in wanted}


def _embedded() -> dict[str, Any]:
    with serving(**SETTINGS) as server:
        return _climbed(_Line(server, []))


def _in_rooms() -> dict[str, Any]:
    program = livekit.program()
    if program is None:
        return {"not_measured": "there is no LiveKit server: scripts/livekit builds one"}
    with livekit.running(program) as carrier:
        assert carrier.process is not None
        settings = {
            **SETTINGS,
            **livekit.surroundings_of(carrier),
        }
        with serving(**settings) as server:
            return _climbed(_Line(server, [carrier.process.pid]))


def _climbed(line: _Line) -> dict[str, Any]:
    steps = os.environ.get("BENCH_SESSIONS", "1,2,4,6,8,10,12,16,20")
    seconds = float(os.environ.get("BENCH_STEP_S", "15"))
    figures: dict[str, Any] = {"held": 0}
    for count in map(int, steps.split(",")):
        step = _step(line, count, seconds)
        if step["gaps"] or step["failed"]:
            # Something else may have taken the cores: what happens twice is no accident.
            step = _step(line, count, seconds)
        figures[f"of_{count}"] = step
        if step["gaps"] or step["failed"]:
            break
        figures["held"] = count
    return figures


def _step(line: _Line, count: int, seconds: float) -> dict[str, Any]:
    """`count` callers for `seconds`; CPU-seconds per second."""
    talk = family(talk_process(line.server))
    tickets = [ticket(line.server, "en") for _ in range(count)]
    now = time.time()
    silent_at = now + _CONNECT_S + 0.5 * count
    speak_at = silent_at + _SILENT_S
    until = speak_at + seconds
    groups = [tickets[at : at + _EACH] for at in range(0, count, _EACH)]
    orders = [
        {
            "tickets": [asdict(one) for one in group],
            "speak_at": speak_at,
            "until": until,
            "rooms": bool(line.carrier),
        }
        for group in groups
    ]
    with ThreadPoolExecutor(len(orders)) as pool:
        callers = [_caller() for _ in orders]
        told = [
            pool.submit(caller.communicate, json.dumps(order), until - now + 90)
            for caller, order in zip(callers, orders, strict=True)
        ]
        groups_of_pids = (talk, line.carrier, [caller.pid for caller in callers])
        silent = _spent(groups_of_pids, silent_at, speak_at)
        speaking = _spent(groups_of_pids, speak_at, until)
        heard = [one for future in told for one in _heard(future.result()[0])]
    gaps = [gap for one in heard for gap in one["gaps"]]
    failures = [one["failure"] for one in heard if one["failure"]]
    return {
        "replies": sum(one["replies"] for one in heard),
        "gaps": len(gaps),
        "longest_gap_s": round(max(gaps, default=0.0), 2),
        "failed": len(failures) + count - len(heard),
        "failures": "; ".join(dict.fromkeys(failures)),
        "cpu_of_a_silent_session": round(silent[0] / count, 3),
        "cpu_of_a_spoken_to_session": round(speaking[0] / count, 3),
        "callers_stalled_s": round(max((one["stalled_s"] for one in heard), default=0.0), 2),
        "cpu_of_livekit_a_session": round(speaking[1] / count, 3),
        "cpu_of_callers": round(speaking[2], 2),
        "resident_mb": round(resident_mb(talk)),
    }


def _caller() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench.callers"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _heard(said: str) -> list[dict[str, Any]]:
    """Nothing of callers that died."""
    try:
        found: list[dict[str, Any]] = json.loads(said)
    except ValueError:
        return []
    return found


def _spent(groups: Sequence[list[int]], begin: float, end: float) -> list[float]:
    """CPU-seconds per second of each group, from one moment (`time.time()`) to the other."""
    time.sleep(max(0.0, begin - time.time()))
    before = [cpu_s(pids) for pids in groups]
    began = time.monotonic()
    time.sleep(max(0.0, end - time.time()))
    took = time.monotonic() - began
    return [(cpu_s(pids) - spent) / took for pids, spent in zip(groups, before, strict=True)]
