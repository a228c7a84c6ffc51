"""How many conversations one process holds before somebody hears a gap, with scripted engines:
what is left is WebRTC, voice activity and pipecat, as models may run elsewhere.

Callers are aiortc in processes of their own, four in each, on this machine. All listen and are
spoken to at once, again and again; what they cost is told, for they take it from the same cores.
Environment: BENCH_SESSIONS (1,2,4,6,8,10,12,16,20), BENCH_STEP_S (15).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any, Final

from bench.calling import serving, talk_process, ticket
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


def run() -> dict[str, Any]:
    """`held`: the most that were without a gap over 0.25 s and without a failure."""
    steps = os.environ.get("BENCH_SESSIONS", "1,2,4,6,8,10,12,16,20")
    seconds = float(os.environ.get("BENCH_STEP_S", "15"))
    figures: dict[str, Any] = {"held": 0}
    with serving(**SETTINGS) as server:
        for count in map(int, steps.split(",")):
            step = _step(server, count, seconds)
            if step["gaps"] or step["failed"]:
                # Something else may have taken the cores: what happens twice is no accident.
                step = _step(server, count, seconds)
            figures[f"of_{count}"] = step
            if step["gaps"] or step["failed"]:
                break
            figures["held"] = count
    return figures


def _step(server: Server, count: int, seconds: float) -> dict[str, Any]:
    """`count` callers for `seconds`; CPU-seconds per second."""
    talk = family(talk_process(server))
    tickets = [ticket(server, "en") for _ in range(count)]
    now = time.time()
    silent_at = now + _CONNECT_S + 0.5 * count
    speak_at = silent_at + _SILENT_S
    until = speak_at + seconds
    groups = [tickets[at : at + _EACH] for at in range(0, count, _EACH)]
    orders = [
        {"tickets": [asdict(one) for one in group], "speak_at": speak_at, "until": until}
        for group in groups
    ]
    with ThreadPoolExecutor(len(orders)) as pool:
        callers = [_caller() for _ in orders]
        told = [
            pool.submit(caller.communicate, json.dumps(order), until - now + 90)
            for caller, order in zip(callers, orders, strict=True)
        ]
        pids = [caller.pid for caller in callers]
        silent = _spent(talk, pids, silent_at, speak_at)
        speaking = _spent(talk, pids, speak_at, until)
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
        "cpu_of_callers": round(speaking[1], 2),
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


def _spent(talk: list[int], callers: list[int], begin: float, end: float) -> tuple[float, float]:
    """CPU-seconds per second of both, from one moment (`time.time()`) to the other."""
    time.sleep(max(0.0, begin - time.time()))
    before = cpu_s(talk), cpu_s(callers)
    began = time.monotonic()
    time.sleep(max(0.0, end - time.time()))
    took = time.monotonic() - began
    return (cpu_s(talk) - before[0]) / took, (cpu_s(callers) - before[1]) / took
