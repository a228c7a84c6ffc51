"""The likeliest borders of a known sequence of states: Viterbi with a length for every state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]

NEVER: Final = -1e15
_SHORTEST: Final = 2
_SHORTEST_REST: Final = 3
_SPREAD: Final = 0.45
"""Standard deviation of a length's natural logarithm. Measured 0.2 to 0.5 for one symbol."""
_TRUST: Final = 1.5
"""Weight of lengths beside what is heard."""
_MOST: Final = 6.0
"""A sound takes at most this many times its usual length, and at least may take `_MOST_ANYWAY`."""
_MOST_ANYWAY: Final = 12
_MOST_EVER: Final = 100


@dataclass(frozen=True, slots=True)
class State:
    """A sound that must come, or a rest (`column` is None) that may be left out."""

    column: int | None
    """Of the scores; None: a rest."""
    frames: float = 0.0
    """Expected length of a sound."""
    cost: float = 0.0
    """What taking a rest costs."""
    begins: tuple[int, int] | None = None
    """Where it may begin, in frames (first, last), if that is known."""


def borders(
    states: Sequence[State], scores: Scores, rest: Scores
) -> list[tuple[int, int] | None] | None:
    """Begin and end of every state in frames, None for a rest that was left out.

    `scores`: [frames, columns], `rest`: [frames], logarithms of probability. The first and the
    last state must be rests. None when the states don't fit into the frames. Work and memory grow
    with states x frames.
    """
    search = _Search(scores, rest)
    for state in states:
        search.add(state)
    return search.trace()


class _Search:
    """Best score of having left each state at each time, state by state."""

    def __init__(self, scores: Scores, rest: Scores) -> None:
        self._frames = len(scores)
        self._scores = scores
        self._sums: dict[int, Scores] = {}
        self._rest = np.concatenate([[0.0], np.cumsum(rest)])
        start = np.full(self._frames + 1, NEVER)
        start[0] = 0.0
        self._entry = start
        """Best score of standing before the next state, through or past the last one."""
        self._began: list[NDArray[np.int32]] = []
        self._passed: list[NDArray[np.bool_]] = []

    def add(self, state: State) -> None:
        entry = self._entry
        if state.begins:
            first, last = state.begins
            entry = np.full_like(self._entry, NEVER)
            entry[first : last + 1] = self._entry[first : last + 1]
        if state.column is None:
            left, began = self._rested(entry, state.cost)
            passed = entry > left
            self._entry = np.where(passed, entry, left)
        else:
            left, began = self._sounded(entry, state)
            passed = np.zeros(len(left), np.bool_)
            self._entry = left
        self._began.append(began)
        self._passed.append(passed)

    def trace(self) -> list[tuple[int, int] | None] | None:
        at = self._frames
        if self._entry[at] < NEVER / 2:
            return None
        out: list[tuple[int, int] | None] = []
        for began, passed in zip(reversed(self._began), reversed(self._passed), strict=True):
            if passed[at]:
                out.append(None)
                continue
            begin = int(began[at])
            out.append((begin, at))
            at = begin
        return out[::-1]

    def _rested(self, entry: Scores, cost: float) -> tuple[Scores, NDArray[np.int32]]:
        """Any length from `_SHORTEST_REST` on, all equally likely."""
        value = entry - self._rest
        best = np.maximum.accumulate(value)
        where = np.maximum.accumulate(np.where(value == best, np.arange(len(value)), 0))
        left = np.full_like(entry, NEVER)
        began = np.zeros(len(entry), np.int32)
        if len(entry) > _SHORTEST_REST:
            left[_SHORTEST_REST:] = best[:-_SHORTEST_REST] + self._rest[_SHORTEST_REST:] - cost
            began[_SHORTEST_REST:] = where[:-_SHORTEST_REST]
        return left, began

    def _sounded(self, entry: Scores, state: State) -> tuple[Scores, NDArray[np.int32]]:
        """Lengths from `_SHORTEST` on, the expected one the likeliest (log-normal)."""
        heard = self._heard(state)
        most = int(min(_MOST_EVER, max(_MOST_ANYWAY, state.frames * _MOST)))
        lengths = np.arange(most, 0, -1)
        off = np.log(lengths / max(state.frames, 1.0)) / _SPREAD
        likely = np.where(lengths < _SHORTEST, NEVER, -0.5 * _TRUST * off**2)
        value = np.concatenate([np.full(most, NEVER), entry - heard])
        # Row t holds what began at t - most .. t - 1.
        every = np.lib.stride_tricks.sliding_window_view(value, most)[: len(entry)] + likely
        best = every.argmax(axis=1)
        number = np.arange(len(entry))
        began = np.maximum(number - lengths[best], 0).astype(np.int32)
        return np.maximum(every[number, best] + heard, NEVER), began

    def _heard(self, state: State) -> Scores:
        assert state.column is not None
        if state.column not in self._sums:
            column = np.cumsum(self._scores[:, state.column])
            self._sums[state.column] = np.concatenate([[0.0], column])
        return self._sums[state.column]
