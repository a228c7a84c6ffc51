"""Moves the borders between known shapes to where a network hears them.

The voice's own durations are whole 25 ms and not equally early for every sound. A network trained
on them hears the borders more sharply than they are marked; trained anew on what it heard, it
becomes surer (as speech recognisers are trained).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice.heard.features import HOP_S
from charafy.engines.voice.visemes import SHAPES, Viseme

REACH: Final = 5
"""Frames by which a border may move."""
_SHORTEST: Final = 2
_RELUCTANCE: Final = 0.15
"""What moving a border by a frame costs, in natural logarithms of probability."""
_NEVER: Final = -1e9


def marked(visemes: Sequence[Viseme], frames: int) -> NDArray[np.intp]:
    """The shape of every frame, by the borders as they are."""
    return _filled(_borders(visemes, frames), visemes, frames)


def aligned(visemes: Sequence[Viseme], logits: NDArray[np.float32]) -> NDArray[np.intp]:
    """The shape of every frame, with the borders that fit `logits` best."""
    frames = len(logits)
    borders = _borders(visemes, frames)
    sums = np.concatenate([np.zeros((1, len(SHAPES))), np.cumsum(logits, axis=0)])
    moves = np.arange(-REACH, REACH + 1)
    score = np.where(moves == 0, 0.0, _NEVER)
    choices: list[NDArray[np.intp]] = []
    for number, viseme in enumerate(visemes):
        heard = sums[:, SHAPES.index(viseme.shape)]
        ends = np.clip(borders[number + 1] + moves, 0, frames)
        starts = np.clip(borders[number] + moves, 0, frames)
        gained = heard[ends][:, None] - heard[starts][None]
        allowed = ends[:, None] - starts[None] >= _SHORTEST
        total = np.where(allowed, score[None] + gained, _NEVER)
        choices.append(total.argmax(axis=1))
        score = total.max(axis=1) - _RELUCTANCE * np.abs(moves)
    if score[REACH] < _NEVER / 2:
        return _filled(borders, visemes, frames)
    return _filled(_traced(borders, choices, moves), visemes, frames)


def _borders(visemes: Sequence[Viseme], frames: int) -> NDArray[np.intp]:
    starts = [min(round(viseme.start_s / HOP_S), frames) for viseme in visemes]
    return np.array([*starts, frames], np.intp)


def _traced(
    borders: NDArray[np.intp], choices: Sequence[NDArray[np.intp]], moves: NDArray[np.intp]
) -> NDArray[np.intp]:
    moved: NDArray[np.intp] = borders.copy()
    at = REACH
    for number in range(len(choices) - 1, -1, -1):
        at = int(choices[number][at])
        moved[number] = borders[number] + moves[at]
    return moved


def _filled(borders: NDArray[np.intp], visemes: Sequence[Viseme], frames: int) -> NDArray[np.intp]:
    out = np.zeros(frames, np.intp)
    for viseme, begin, end in zip(visemes, borders[:-1], borders[1:], strict=True):
        out[max(begin, 0) : max(end, 0)] = SHAPES.index(viseme.shape)
    return out
