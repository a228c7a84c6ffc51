"""Messages on the data channel: RTVI's names where they fit. See docs/conversation-protocol.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from charafy.engines.voice.visemes import Viseme
from charafy.talk.playout import Piece

LABEL: Final = "rtvi-ai"
VERSION: Final = "1.2.0"

Event = dict[str, Any]


def event(kind: str, /, **data: Any) -> Event:
    """One of RTVI's own."""
    return {"label": LABEL, "type": kind, "data": data}


def server(topic: str, /, **data: Any) -> Event:
    """One of ours, in RTVI's envelope for such."""
    return event("server-message", t=topic, **data)


def speech(reply: str, piece: Piece) -> Event:
    """What is said in a piece of a reply, and how the mouth moves: sent as its audio is sent."""
    return server(
        "speech",
        reply=reply,
        start_s=round(piece.start_s, 3),
        duration_s=round(piece.end_s - piece.start_s, 3),
        text=(piece.clause or "").strip(),
        words=[[m.text, round(m.start_s, 3), round(m.end_s, 3)] for m in piece.words],
        visemes=[_shape(viseme) for viseme in piece.visemes],
    )


def metrics(turn: int, stages: Mapping[str, float], gaps_s: Sequence[float]) -> Event:
    """Seconds of each stage of a turn, from the end of what the user said.

    `gaps_s`: how long each silence was in which the answer's next sound was not there yet.
    """
    return event(
        "metrics",
        turn=turn,
        stages={k: round(v, 3) for k, v in stages.items()},
        gaps_s=[round(gap_s, 3) for gap_s in gaps_s],
    )


def _shape(viseme: Viseme) -> list[Any]:
    return [viseme.shape, viseme.start_s, viseme.end_s, round(viseme.weight, 2)]
