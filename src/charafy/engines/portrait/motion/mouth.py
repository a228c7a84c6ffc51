"""Mouth shapes flow into each other, and lips that must meet do.

Every cue pulls its channels towards its aim with a dominance that is full inside the cue and dies
away around it; the mouth is the average (Cohen and Massaro 1993). The kernels have compact
support, so silence is exactly still and only cues nearby are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.motion.noise import Times, eased
from charafy.engines.portrait.motion.score import RELAX_S, SILENCE, Score
from charafy.engines.voice.visemes import SHAPES

Floats = NDArray[np.float64]

LEAD_S: Final = 0.03
"""The mouth is this far ahead of the sound."""
RISE_S: Final = 0.10
FALL_S: Final = 0.09
"""How far before and after a cue it is felt by the jaw."""
LIPS: Final = 1.4
"""Rounding and spreading are felt this much farther."""
ONSET_S: Final = 0.07
"""How far rest reaches into the sound after it and before it."""
_INSET_S: Final = 0.025
_REACH_S: Final = RELAX_S * LIPS

CLOSED_S: Final = 0.046
"""Lips stay closed at least this long: more than one frame at 24 frames a second."""
CLOSING_S: Final = 0.07
_CLOSURE_LEAD_S: Final = 0.015
_PP, _FF = SHAPES.index("PP"), SHAPES.index("FF")

COLUMNS: Final = ("open", "wide", "round", "upper", "lower", "press", "bite", "tongue")


@dataclass(frozen=True, slots=True)
class _Felt:
    """Which cues are felt at which moments: one entry per pair, ordered by moment."""

    cue: NDArray[np.intp]
    at: Times
    begins: NDArray[np.intp]
    """Where the pairs of each moment begin."""


def mouth(score: Score, aims: Floats, strengths: Floats, t: Times) -> Floats:
    """[n, `COLUMNS`] at the times `t`."""
    felt = _felt(score, t)
    pulled = _blended(score, aims, strengths, felt)
    lips = 1.0 - np.multiply.reduceat(1.0 - _contact(score, felt, _PP), felt.begins)
    bite = 1.0 - np.multiply.reduceat(1.0 - _contact(score, felt, _FF), felt.begins)
    return _closed(pulled, lips, bite * (1.0 - lips))


def _felt(score: Score, t: Times) -> _Felt:
    first = np.searchsorted(score.ends, t + LEAD_S - _REACH_S, "right")
    last = np.searchsorted(score.starts, t + LEAD_S + _REACH_S, "left")
    counts = last - first
    begins = np.cumsum(counts) - counts
    cue = np.arange(counts.sum()) + np.repeat(first - begins, counts)
    return _Felt(cue, np.repeat(t, counts), begins)


def _blended(score: Score, aims: Floats, strengths: Floats, felt: _Felt) -> Floats:
    shape = score.shapes[felt.cue]
    target = aims[shape]
    loud = score.weights[felt.cue]
    target[:, 0] *= loud
    target[:, 3:5] *= (0.4 + 0.6 * loud)[:, None]
    jaw = _dominance(score, felt, 1.0) * strengths[shape, 0]
    lips = _dominance(score, felt, LIPS) * strengths[shape, 1]
    pull = np.stack([jaw, lips, lips, jaw, jaw, jaw], axis=1)
    blended: Floats = np.add.reduceat(pull * target, felt.begins)
    return blended / np.add.reduceat(pull, felt.begins)


def _dominance(score: Score, felt: _Felt, wider: float) -> Floats:
    start, end, at = score.starts[felt.cue], score.ends[felt.cue], felt.at + LEAD_S
    resting = score.shapes[felt.cue] == SILENCE
    relaxing = score.rest_follows[felt.cue]
    rise = np.where(resting, ONSET_S, RISE_S) * wider
    fall = np.where(resting, ONSET_S, np.where(relaxing, RELAX_S, FALL_S)) * wider
    inset = np.minimum(0.25 * (end - start), _INSET_S)
    before, after = start + inset - at, at - (end - inset)
    x = np.clip(np.maximum(before / rise, after / fall), 0.0, 1.0)
    near: Floats = 1.0 - x * x
    return near * near * near


def _contact(score: Score, felt: _Felt, shape: int) -> Floats:
    """0 apart .. 1 touching, for cues of that shape; 0 for others."""
    start = score.starts[felt.cue] - _CLOSURE_LEAD_S
    end = score.ends[felt.cue] - _CLOSURE_LEAD_S
    missing = np.where(np.isfinite(end - start), np.maximum(CLOSED_S - (end - start), 0.0), 0.0)
    away = np.maximum(start - missing / 2 - felt.at, felt.at - end - missing / 2)
    return np.where(score.shapes[felt.cue] == shape, eased(1.0 - away / CLOSING_S), 0.0)


def _closed(pulled: Floats, lips: Floats, bite: Floats) -> Floats:
    """The blended mouth with lips pressed and lip bitten as far as asked."""
    apart = 1.0 - lips
    free = apart * (1.0 - bite)
    opened, wide, rounded, upper, lower, tongue = pulled.T
    return np.stack(
        [
            opened * free + 0.05 * bite,
            wide * (1.0 - 0.5 * lips),
            rounded * (1.0 - 0.3 * bite),
            upper * apart * (1.0 - 0.3 * bite),
            lower * free,
            lips,
            bite,
            tongue * free,
        ],
        axis=1,
    )
