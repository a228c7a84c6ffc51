"""What was said, with the time that each answer took drawn out by its stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from charafy.conversations.overview import HEARD
from charafy.conversations.schemas import TurnAnswer

STAGES: Final = ("recognised", "committed", "thought", "spoken", HEARD)
"""Of an answer, in order: each is reached behind the one before."""


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    took_s: float
    start: float
    """Percent of the slowest answer's time."""
    width: float


@dataclass(frozen=True, slots=True)
class Said:
    """One turn."""

    turn: TurnAnswer
    answer_s: float | None
    """Until its first sound; None for what was no answer."""
    stages: tuple[Stage, ...]

    @property
    def at(self) -> str:
        """When it began, as `m:ss`."""
        minutes, seconds = divmod(int(max(self.turn.started_s, 0)), 60)
        return f"{minutes}:{seconds:02}"


def said_in(turns: Sequence[TurnAnswer]) -> list[Said]:
    """All answers are drawn to one scale: the slowest fills its width."""
    slowest = max((turn.latency.get(HEARD, 0.0) for turn in turns), default=0.0)
    return [Said(turn, _answer_s(turn), _stages(turn.latency, slowest)) for turn in turns]


def _answer_s(turn: TurnAnswer) -> float | None:
    return turn.latency.get(HEARD) if turn.role == "assistant" else None


def _stages(latency: Mapping[str, float], slowest_s: float) -> tuple[Stage, ...]:
    if slowest_s <= 0 or latency.get(HEARD, 0.0) <= 0:
        return ()
    stages, reached_s = [], 0.0
    for name in STAGES:
        if name not in latency:
            continue
        # A turn can be understood before it is over: that took no time of the answer's.
        at_s = max(latency[name], reached_s)
        took_s = at_s - reached_s
        if took_s > 0:
            start, width = 100 * reached_s / slowest_s, 100 * took_s / slowest_s
            stages.append(Stage(name, took_s, round(start, 2), round(width, 2)))
        reached_s = at_s
    return tuple(stages)
