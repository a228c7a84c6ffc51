"""Marks for speech that comes without any: a known text is found again in its sound.

The small network of `voice.heard` tells how likely each mouth shape is every 10 ms. The front end
knows which shapes the text should show and about how long each sound takes. The likeliest borders
that keep their order win; rests are put where it is quiet. No speech recognition, no other model.
Measured by `bench/align.py` on speech whose times are known.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from charafy.engines.voice import SAMPLE_RATE, Clause, Mark, Pcm
from charafy.engines.voice.alignment.search import Scores, State, borders
from charafy.engines.voice.alignment.sounds import Sound, sounds, usual_parts
from charafy.engines.voice.heard import Network, shipped
from charafy.engines.voice.heard.features import HOP_S, log_mel, normalised
from charafy.engines.voice.kokoro.timeline import Script, script
from charafy.engines.voice.loudness import levels, silent
from charafy.engines.voice.visemes import SHAPES
from charafy.engines.voice.vocabulary import PUNCTUATION

__all__ = ["Aligner"]

_OFTEN: Final = np.array(
    (-2.7, -2.9, -4.8, -4.6, -2.4, -2.6, -3.3, -3.0, -3.1, -3.6, -1.8, -2.4, -1.9, -2.5, -3.2)
)
"""Logarithms of how often each of `SHAPES` is seen at all, in that order."""
_LEVELLED: Final = 0.75
"""How much of it is taken from what the network says: which shape must come is known already."""
_LEAST: Final = -8.0
"""Nothing is less likely than this (natural logarithm): the network errs."""
_HEARING: Final = 0.35
"""Weight of what is heard; neighbouring frames tell the same."""
_QUIET: Final = 0.25
"""What a sound in silence costs per frame; stops are silent for a while."""
_AT_REST: Final = 0.1
_PAUSE, _GAP = 0.5, 6.0
"""What a rest costs at a punctuation mark, and between two words."""
_SIL: Final = SHAPES.index("sil")
_NEAR_S: Final = 0.05
"""Word starts that are known from elsewhere are believed to this."""


class Aligner:
    """Safe to call from many threads. The network is read from the package when first needed."""

    def __init__(self, network: Network | None = None) -> None:
        self._network = network
        self._loading = threading.Lock()

    def marks(
        self, clause: Clause, pcm: Pcm, starts: Mapping[int, float] | None = None
    ) -> tuple[Mark, ...]:
        """The words and phonemes of `clause` as they are heard in `pcm`, ordered by start.

        All lie inside `pcm`, in seconds from its first sample; a word stands before its first
        phoneme; stress marks and spaces without a rest take no time. `starts`: seconds at which
        words (by index in the clause) are known to begin; the sound decides within 50 ms.
        """
        said = script(clause)
        every = sounds(said)
        if not said.symbols or not len(pcm):
            return ()
        clean = np.nan_to_num(np.asarray(pcm, np.float32), posinf=0.0, neginf=0.0)
        found = self._borders(every, clean, starts or {})
        if found is None and starts:
            found = self._borders(every, clean, {})
        placed = found if found is not None else _spread(every, clean)
        return _marks(said, every, placed, len(clean) / SAMPLE_RATE)

    def _borders(
        self, every: Sequence[Sound], pcm: Pcm, starts: Mapping[int, float]
    ) -> list[tuple[float, float]] | None:
        """Begin and end of every sound and rest in seconds; None where they don't fit."""
        scores, rest, quiet = self._scores(pcm)
        usual = sum(sound.frames for sound in every)
        rate = float(np.clip((~quiet).sum() / max(usual, 1.0), 0.3, 3.0))
        states, owners = _states(every, rate, starts, len(scores))
        found = borders(states, scores, rest)
        return None if found is None else _joined(found, owners, len(every))

    def _scores(self, pcm: Pcm) -> tuple[Scores, Scores, np.typing.NDArray[np.bool_]]:
        """Per 10 ms: how well each shape fits, how well a rest fits, whether it is quiet."""
        heard = self._loaded().logits(normalised(log_mel(pcm, SAMPLE_RATE))).astype(np.float64)
        heard = np.maximum(heard - _LEVELLED * _OFTEN, _LEAST) * _HEARING
        told = silent(levels(pcm, SAMPLE_RATE))[: len(heard)]
        quiet = np.ones(len(heard), np.bool_)
        quiet[: len(told)] = told
        rest = np.where(quiet, _AT_REST, np.minimum(heard[:, _SIL], 0.0))
        return np.where(quiet[:, None], heard - _QUIET, heard), rest, quiet

    def _loaded(self) -> Network:
        with self._loading:
            if self._network is None:
                self._network = shipped()
            return self._network


def _states(
    every: Sequence[Sound], rate: float, starts: Mapping[int, float], frames: int
) -> tuple[list[State], list[int]]:
    """States of the search, each with the index of its sound (-1: silence around the clause)."""
    states, owners = [State(None)], [-1]
    begun: set[int] = set()
    for index, sound in enumerate(every):
        if not sound.shapes:
            states.append(State(None, cost=_PAUSE if sound.is_pause else _GAP))
            owners.append(index)
            continue
        known_s = None if sound.word in begun else starts.get(sound.word)
        begins = None if known_s is None else _near(known_s, frames)
        begun.add(sound.word)
        for shape in sound.shapes:
            states.append(State(shape, rate * sound.frames / len(sound.shapes), begins=begins))
            owners.append(index)
            begins = None
    return [*states, State(None)], [*owners, -1]


def _near(second: float, frames: int) -> tuple[int, int]:
    first, last = (round((second + off) / HOP_S) for off in (-_NEAR_S, _NEAR_S))
    return min(max(first, 0), frames), min(max(last, 0), frames)


def _joined(
    found: Sequence[tuple[int, int] | None], owners: Sequence[int], count: int
) -> list[tuple[float, float]]:
    """Seconds per sound; a rest that was left out has no length, at the border it stands on."""
    spans: dict[int, tuple[int, int]] = {}
    at = 0
    for span, owner in zip(found, owners, strict=True):
        begin, end = span or (at, at)
        at = end
        if owner >= 0:
            spans[owner] = (spans.get(owner, (begin, 0))[0], end)
    return [(spans[i][0] * HOP_S, spans[i][1] * HOP_S) for i in range(count)]


def _spread(every: Sequence[Sound], pcm: Pcm) -> list[tuple[float, float]]:
    """By usual lengths alone, for what is far too short for its text."""
    heard = np.flatnonzero(~silent(levels(pcm, SAMPLE_RATE)))
    whole_s = len(pcm) / SAMPLE_RATE
    begin_s, end_s = (heard[0] * HOP_S, (heard[-1] + 1) * HOP_S) if len(heard) else (0.0, whole_s)
    usual = sum(sound.frames for sound in every) or 1.0
    edges = np.cumsum([0.0, *(sound.frames for sound in every)]) / usual * (end_s - begin_s)
    return [(float(begin_s + a), float(begin_s + b)) for a, b in itertools.pairwise(edges)]


def _marks(
    said: Script, every: Sequence[Sound], placed: Sequence[tuple[float, float]], whole_s: float
) -> tuple[Mark, ...]:
    spans: dict[int, tuple[float, float]] = {}
    phonemes: list[Mark] = []
    for sound, place in zip(every, placed, strict=True):
        begin, end = (min(second, whole_s) for second in place)
        phonemes += _symbols(said, sound, begin, end)
        if sound.word >= 0:
            spans[sound.word] = (spans.get(sound.word, (begin, 0.0))[0], end)
    words = [
        Mark("word", said.clause.words[index].text, begin, end)
        for index, (begin, end) in sorted(spans.items())
        if said.clause.words[index].text
        and not set(said.clause.words[index].phonemes) <= PUNCTUATION
    ]
    return tuple(sorted(words + phonemes, key=lambda mark: mark.start_s))


def _symbols(said: Script, sound: Sound, begin: float, end: float) -> Iterator[Mark]:
    at = begin
    symbols = said.symbols[sound.first : sound.last]
    for number, (symbol, share) in enumerate(zip(symbols, usual_parts(said, sound), strict=True)):
        last = number + 1 == len(symbols)
        until = end if last else min(end, at + share * (end - begin))
        yield Mark("phoneme", symbol, at, until)
        at = until
