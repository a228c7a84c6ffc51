"""A turn on its way: what may have been said, what is asked, and how it is noted down."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from charafy.talk.reply import Reply


@dataclass(frozen=True, slots=True)
class Spoken:
    """One turn that is over, for the transcript."""

    role: Literal["user", "assistant"]
    text: str
    interrupted: bool = False
    latency: Mapping[str, float] = field(default_factory=dict)
    """Seconds from the end of what the user said to each stage."""
    since_s: float | None = None
    """When that end was, by the dialogue's clock; None where nobody waited for this."""


@dataclass(frozen=True, slots=True)
class Understood:
    text: str
    over: float
    """How much it sounds as if the turn were over, 0..1."""


@dataclass(slots=True)
class Guess:
    """What was heard before it was certain that the turn is over."""

    task: asyncio.Task[Understood]
    asked_s: float
    recognised_s: float | None = None
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a reply answers: a turn, when it ended, and the stages until it was committed."""

    turn: int
    stopped_s: float
    stages: Mapping[str, float]
    reply: Reply

    def latency(self, audible_s: float) -> dict[str, float]:
        """Seconds from the end of the turn to each stage."""
        at = {**self.stages, "audible": audible_s}
        if self.reply.thought_s is not None:
            at["thought"] = self.reply.thought_s
        if self.reply.sounded_s is not None:
            at["spoken"] = self.reply.sounded_s
        return {stage: at_s - self.stopped_s for stage, at_s in at.items()}
