"""Durations of symbols -> marks: one frame of duration is one frame of audio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import Clause, Mark
from charafy.engines.voice.kokoro.acoustic import FRAMES_PER_S
from charafy.engines.voice.vocabulary import MAX_SYMBOLS, PUNCTUATION, SYMBOLS

_EARLY_S: Final = 0.065
"""How far each sound is ahead of its symbol's frames: the aligner that Kokoro was trained with
looks back. Measured by loudness at vowels and stops and by hiss at sibilants: medians of five
voices and two languages lie between 50 and 75 ms."""


@dataclass(frozen=True, slots=True)
class Script:
    """A clause as symbols, each with the index of the word it belongs to (-1: a space)."""

    clause: Clause
    symbols: str
    owners: tuple[int, ...]


def script(clause: Clause) -> Script:
    """Symbols of `clause` without those that the model does not know and without outer spaces.

    Raises `ValueError` when the clause is longer than the model takes.
    """
    pairs: list[tuple[str, int]] = []
    for index, word in enumerate(clause.words):
        pairs += [(symbol, index) for symbol in word.phonemes if symbol in SYMBOLS]
        if word.space_after and pairs and pairs[-1][0] != " ":
            pairs.append((" ", -1))
    while pairs and pairs[-1][0] == " ":
        pairs.pop()
    if len(pairs) > MAX_SYMBOLS:
        raise ValueError(f"a clause has {len(pairs)} symbols, the model takes {MAX_SYMBOLS}")
    return Script(clause, "".join(s for s, _ in pairs), tuple(owner for _, owner in pairs))


@dataclass(frozen=True, slots=True)
class Timeline:
    """Marks of one clause, in seconds from the first sample of the speech."""

    marks: tuple[Mark, ...]
    """Ordered by start; a word stands before its first phoneme."""
    ends: tuple[tuple[float, int], ...]
    """(second, characters of the text spoken by then), both ascending."""


def timeline(
    said: Script, durations: NDArray[np.int64], heard: tuple[int, int], at_s: float
) -> Timeline:
    """Place `said` so that the frame `heard[0]` sounds at `at_s`; nothing ends after `heard[1]`."""
    first, last = heard
    begun = np.cumsum(durations)[:-1] - first - _EARLY_S * FRAMES_PER_S
    frames = np.clip(begun, 0, last - first)
    edges = at_s + frames / FRAMES_PER_S
    words = _words(said, edges)
    phonemes = [
        Mark("phoneme", symbol, float(edges[i]), float(edges[i + 1]))
        for i, symbol in enumerate(said.symbols)
    ]
    marks = [mark for _, mark, _ in words if mark.text] + phonemes
    marks.sort(key=lambda mark: mark.start_s)
    return Timeline(tuple(marks), tuple((mark.end_s, end) for _, mark, end in words))


def _words(said: Script, edges: NDArray[np.float64]) -> list[tuple[int, Mark, int]]:
    """Every spoken unit: index, span, offset where it ends; punctuation has an empty text."""
    spans: dict[int, tuple[float, float]] = {}
    for i, owner in enumerate(said.owners):
        if owner >= 0:
            start, _ = spans.get(owner, (float(edges[i]), 0.0))
            spans[owner] = (start, float(edges[i + 1]))
    words = []
    for owner, (start, end) in sorted(spans.items()):
        word = said.clause.words[owner]
        text = "" if set(word.phonemes) <= PUNCTUATION else word.text
        words.append((owner, Mark("word", text, start, end), word.end))
    return words
