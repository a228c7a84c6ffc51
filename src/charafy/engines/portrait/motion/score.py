"""What is said when, prepared for reading at any time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.motion.noise import unit
from charafy.engines.voice.visemes import SHAPES

Floats = NDArray[np.float64]

SILENCE: Final = SHAPES.index("sil")
VOWELS: Final = tuple(map(SHAPES.index, ("aa", "E", "ih", "oh", "ou")))

_JOIN_S: Final = 0.08
"""A hole between cues shorter than this belongs to the cue before it."""
_PAUSE_S: Final = 0.12
"""Silence from which on a new phrase begins."""
RELAX_S: Final = 0.20
"""How long the mouth takes to come to rest after the last sound."""
_ACCENT_REACH_S: Final = 0.6
"""An accent is the strongest vowel this far around."""
_STRESS: Final = 300
_ACCENT_LEAST_S: Final = 0.06
_ACCENT_SPAN_S: Final = 0.14
"""Length times weight at which an accent begins to show, and what it takes more to be full."""


class Timed(Protocol):
    """A mouth shape with its time: a `Cue`, or a viseme of the voice engine."""

    @property
    def shape(self) -> str: ...
    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def weight(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Score:
    """Cues without gap or overlap from -inf to inf, and what follows from them."""

    shapes: NDArray[np.intp]
    starts: Floats
    ends: Floats
    weights: Floats
    rest_follows: NDArray[np.bool_]
    """Whether enough silence follows for the mouth to relax slowly."""
    phrase_starts: Floats
    phrase_ends: Floats
    breaths: Floats
    """Starts of phrases with room for an audible breath before them."""
    accents: Floats
    """Middles of the vowels that stand out."""
    accent_strengths: Floats
    """0..1."""


def score(cues: Iterable[Timed]) -> Score:
    """Raises `ValueError` for an unknown shape or a time or weight that isn't finite."""
    rows = _covering(sorted(map(_row, cues), key=lambda row: row[1]))
    shapes = np.array([row[0] for row in rows], np.intp)
    starts, ends, weights = (np.array([row[i] for row in rows]) for i in (1, 2, 3))
    phrase_starts, phrase_ends = _phrases(shapes, starts, ends)
    accents, strengths = _accents(shapes, starts, ends, weights)
    pauses = phrase_starts - np.concatenate([[-np.inf], phrase_ends[:-1]])[: len(phrase_starts)]
    return Score(
        shapes,
        starts,
        ends,
        weights,
        np.append(((shapes == SILENCE) & (ends - starts >= RELAX_S))[1:], False),
        phrase_starts,
        phrase_ends,
        phrase_starts[pauses >= 0.4],
        accents,
        strengths,
    )


_Row = tuple[int, float, float, float]


def _row(cue: Timed) -> _Row:
    if cue.shape not in SHAPES:
        raise ValueError(f"{cue.shape!r} is not a mouth shape")
    if not all(map(math.isfinite, (cue.start_s, cue.end_s, cue.weight))):
        raise ValueError("times and weights of cues must be finite")
    return SHAPES.index(cue.shape), cue.start_s, cue.end_s, min(max(cue.weight, 0.0), 1.5)


def _covering(rows: Sequence[_Row]) -> list[_Row]:
    """No gaps, no overlaps, no two rests in a row; rest before the first and after the last."""
    out: list[_Row] = [(SILENCE, -math.inf, -math.inf, 1.0)]
    for shape, start, end, weight in rows:
        before, began, at, loud = out[-1]
        if end <= max(start, at):
            continue
        if before == SILENCE or start - at < _JOIN_S:
            out[-1] = (before, began, max(start, at), loud)
        else:
            out.append((SILENCE, at, start, 1.0))
        if shape == SILENCE and out[-1][0] == SILENCE:
            out[-1] = (SILENCE, out[-1][1], end, 1.0)
        else:
            out.append((shape, max(start, at), end, weight))
    if out[-1][0] != SILENCE:
        out.append((SILENCE, out[-1][2], math.inf, 1.0))
    out[-1] = (SILENCE, out[-1][1], math.inf, 1.0)
    return out


def _phrases(shapes: NDArray[np.intp], starts: Floats, ends: Floats) -> tuple[Floats, Floats]:
    rests = np.flatnonzero((shapes == SILENCE) & (ends - starts >= _PAUSE_S))
    return ends[rests][:-1], starts[rests][1:]


def _accents(
    shapes: NDArray[np.intp], starts: Floats, ends: Floats, weights: Floats
) -> tuple[Floats, Floats]:
    vowels = np.flatnonzero(np.isin(shapes, VOWELS))
    middles = (starts[vowels] + ends[vowels]) / 2
    power = np.minimum(ends[vowels] - starts[vowels], 0.35) * weights[vowels]
    # Even syllables would have no strongest; people stress one of them all the same.
    power = power * (0.85 + 0.3 * unit(0, _STRESS, np.floor(middles * 1000.0 + 0.5)))
    stands_out = power > _ACCENT_LEAST_S
    for step in range(1, min(9, len(vowels))):
        near = middles[step:] - middles[:-step] < _ACCENT_REACH_S
        stands_out[step:] &= ~near | (power[step:] > power[:-step])
        stands_out[:-step] &= ~near | (power[:-step] >= power[step:])
    strengths = np.clip((power - _ACCENT_LEAST_S) / _ACCENT_SPAN_S, 0.0, 1.0)
    return middles[stands_out], strengths[stands_out]
