"""What somebody heard of a turn, from sounds and messages on one clock: pure arithmetic.

A silence inside a reply may be meant: the voice pauses between clauses. The mouth shapes that come
with the sound say where, so what is longer than they say by more than 0.25 s was no pause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.float64]
Span = tuple[float, float]

BLOCK_S: Final = 0.01
GAP_S: Final = 0.25
_NEAR_S: Final = 0.4
"""A pause that is heard lies so close to where it was meant."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Seconds, from the end of the last word of what was said."""

    first_sound: float
    first_content: float
    opener: bool
    """Something short was heard before the reply."""
    opener_pause: float
    """Silence between that and the reply."""
    gaps: tuple[float, ...]
    """Silences inside the reply that nobody meant."""
    told_gaps: tuple[float, ...]
    """Those that the server knows of: its next sound was not there."""
    stages: dict[str, float]
    """As the server counts them."""
    human: bool
    said: Span
    heard: Span
    """From the first sound to the last."""


def silences(loud: Times, longer_than: float = GAP_S) -> list[Span]:
    """Between blocks (10 ms) that are heard, in order of time."""
    apart = np.flatnonzero(np.diff(loud) > longer_than + BLOCK_S)
    return [(float(loud[i]) + BLOCK_S, float(loud[i + 1])) for i in apart]


def voiced(pieces: Sequence[Mapping[str, Any]]) -> list[Span]:
    """When the mouth is meant to move, in seconds of the reply; what touches is joined."""
    spans: list[Span] = []
    shapes = sorted((s for piece in pieces for s in piece["visemes"]), key=lambda s: float(s[1]))
    for shape, begin, end, _ in shapes:
        if shape == "sil":
            continue
        if spans and begin - spans[-1][1] < BLOCK_S:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((begin, end))
    return spans


def gaps(loud: Times, pieces: Sequence[Mapping[str, Any]]) -> tuple[float, ...]:
    """How much longer silences in a reply were than meant, where that is more than 0.25 s.

    `loud`: when its blocks were heard; `pieces`: the data of its `speech` messages, in order.
    """
    meant = voiced(pieces)
    if not len(loud) or not meant:
        return ()
    pauses = [(end, begin) for (_, end), (begin, _) in pairwise(meant)]
    zero = float(loud[0]) - meant[0][0]
    found = []
    for begin, end in silences(loud):
        near = [p for p in pauses if abs(p[0] - (begin - zero)) < _NEAR_S]
        planned = max((p[1] - p[0] for p in near), default=0.0)
        if (late := end - begin - planned) > GAP_S:
            found.append(late)
            zero += late
    return tuple(found)


def summary(turns: Sequence[Turn]) -> dict[str, Any]:
    """Figures of all turns; empty without any."""
    if not turns:
        return {}
    every = [gap for turn in turns for gap in turn.gaps]
    return {
        **_quantiles("first_sound", [turn.first_sound for turn in turns]),
        **_quantiles("first_content", [turn.first_content for turn in turns]),
        **_quantiles("first_sound_people", [t.first_sound for t in turns if t.human]),
        **_quantiles("first_content_people", [t.first_content for t in turns if t.human]),
        "turns_of_people": sum(turn.human for turn in turns),
        "turns_with_opener": sum(turn.opener for turn in turns),
        **_quantiles("opener_pause", [turn.opener_pause for turn in turns if turn.opener]),
        "gaps": len(every),
        "turns_with_gap": sum(bool(turn.gaps) for turn in turns),
        "longest_gap_s": round(max(every, default=0.0), 2),
        "gaps_told_by_server": sum(gap > GAP_S for turn in turns for gap in turn.told_gaps),
        "stages_p50_s": {
            stage: round(float(np.median([t.stages[stage] for t in turns if stage in t.stages])), 3)
            for stage in dict.fromkeys(s for t in turns for s in t.stages)
        },
    }


def _quantiles(name: str, values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return {f"{name}_p{q}_s": round(float(np.percentile(values, q)), 2) for q in (50, 95)}
