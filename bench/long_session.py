"""One conversation that goes on for long: what it keeps, and whether it is still answered.

Environment: BENCH_MINUTES (30), BENCH_PAUSE_S (30: from an answer to the next turn).
"""

from __future__ import annotations

import os
import time
from typing import Any, Final

import numpy as np

from bench.calling import PATIENCE_S, Call, Said, calling, said_by_people, serving
from tests.support.processes import family, resident_mb
from tests.support.visitor import NotHeard

_SETTLED: Final = 0.25
"""Of the time, in which models are loaded and phrases made: the slope is that of the rest."""
_LOOK_S: Final = 5.0
_AFTER_GREETING_S: Final = 12.0
"""The persona is read and openers are made meanwhile."""
_PLAYED: Final = """async () => {
  const played = {};
  for (const call of visitor.calls)
    for (const stat of (await call.getStats()).values())
      if (stat.type === "inbound-rtp" && stat.estimatedPlayoutTimestamp)
        played[stat.kind] = stat.estimatedPlayoutTimestamp;
  return played;
}"""


def run() -> dict[str, Any]:
    minutes = float(os.environ.get("BENCH_MINUTES", "30"))
    pause_s = float(os.environ.get("BENCH_PAUSE_S", "30"))
    said = said_by_people("en", 12)
    with serving() as server, calling(server) as call:
        since = len(call.visitor.messages)
        call.connect("en")
        call.greeted(since)
        call.visitor.wait(_AFTER_GREETING_S)
        return _conversed(call, said, minutes * 60, pause_s)


def _conversed(call: Call, said: list[Said], seconds: float, pause_s: float) -> dict[str, Any]:
    visitor, began = call.visitor, time.monotonic()
    memory: list[tuple[float, float]] = []
    waits: list[float] = []
    failures: list[str] = []
    playouts = [_playout(call)]
    skews: list[float] = []
    asked = 0
    while time.monotonic() - began < seconds and not failures[2:]:
        try:
            waits.append(_turn(call, said[asked % len(said)]))
            failures.clear()
        except NotHeard as error:
            failures.append(str(error))
        asked += 1
        playouts.append(_playout(call))
        skews.extend(_skew(call))
        pause = min(pause_s, max(0.0, began + seconds - time.monotonic()))
        for _ in range(max(1, int(pause / _LOOK_S))):
            memory.append((time.monotonic() - began, resident_mb(family(call.spent.talk))))
            visitor.wait(_LOOK_S)
        visitor.forget()
    at, resident = np.asarray(memory).T
    kept = at > at[-1] * _SETTLED
    slope = np.polyfit(at[kept] / 3600, resident[kept], 1)[0] if kept.sum() > 2 else np.nan
    return {
        "minutes": round((time.monotonic() - began) / 60, 1),
        "turns": asked,
        "answered": len(waits),
        "still_answers": "no: " + "; ".join(failures) if failures else "yes",
        "ended": visitor.tab.evaluate("() => talk.over ?? 'no'"),
        "first_sound_p50_s": round(float(np.median(waits)), 2) if waits else None,
        "first_sound_last_s": round(waits[-1], 2) if waits else None,
        "resident_first_mb": round(resident[0]),
        "resident_last_mb": round(resident[-1]),
        "resident_mb_per_hour": round(float(slope), 1),
        "playout_first_s": round(playouts[1], 3),
        "playout_last_s": round(playouts[-1], 3),
        "skew_first_ms": round(float(np.median(skews[:5]))) if skews else None,
        "skew_last_ms": round(float(np.median(skews[-5:]))) if skews else None,
        "skew_worst_ms": round(sorted(skews, key=abs)[-1]) if skews else None,
        "connections": visitor.tab.evaluate("() => visitor.calls.length"),
    }


def _turn(call: Call, said: Said) -> float:
    """Seconds from the last word to the first sound. Raises `NotHeard`."""
    visitor, since = call.visitor, len(call.visitor.messages)
    _, end = visitor.say(said.pcm)
    visitor.until(lambda: visitor.now > end, len(said.pcm) / 24_000 + 5, "the end of the turn")

    def answered() -> bool:
        if any(error.data["code"] == "reply_failed" for error in visitor.told("error", since)):
            raise NotHeard("the character could not answer, and said so")
        over = visitor.told("speech-ended", since, interrupted=False)
        return bool(over) and over[-1].at > end and visitor.silent_for(0.6)

    visitor.until(answered, PATIENCE_S, "an answer")
    return float(visitor.loud(end)[0]) - end


def _playout(call: Call) -> float:
    """How long sound waits in the browser."""
    seconds: float = call.visitor.tab.evaluate("() => talk.network.playout_s")
    return seconds


def _skew(call: Call) -> list[float]:
    """Milliseconds by which the browser plays sound before its picture; nothing without one.

    Each stream's `estimatedPlayoutTimestamp` is the sender's clock at what is played just now
    (W3C webrtc-stats), learnt from its RTCP sender reports.
    """
    found: dict[str, float] = call.visitor.tab.evaluate(_PLAYED)
    return [found["audio"] - found["video"]] if found.keys() >= {"audio", "video"} else []
