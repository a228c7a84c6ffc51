"""From a service's sound to speech with a timeline, a clause at a time: alike for all services."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from charafy.engines.voice import (
    MAX_SPEED,
    MIN_SPEED,
    SAMPLE_RATE,
    Clause,
    FrontEnd,
    Language,
    Mark,
    Pcm,
    SpeechChunk,
)
from charafy.engines.voice.alignment import Aligner
from charafy.engines.voice.remote.script import Line, lines
from charafy.engines.voice.remote.sound import at_speed, trimmed

_GAPS: Final = ((".!?…", 0.30), (",;:—", 0.12))
"""Silence between two clauses, beside the little that is kept around each: as the stock voices."""
_LEAST_S, _PER_SYMBOL_S = 4.0, 0.35
"""No speech of a clause is longer; people need 0.08 s for a symbol."""


@dataclass(frozen=True, slots=True)
class Said:
    """A line as a service said it."""

    pcm: Pcm
    starts: Mapping[int, float] = field(default_factory=dict)
    """Seconds from the first sample at which words begin (by index), where the service tells."""


Say = Callable[[Line, float], Said]
"""Says one line, at most so many seconds long. Raises `VoiceFailed`."""


class Speaking:
    """What a speaker needs beside its service. Safe to call from many threads."""

    def __init__(self, front_end: FrontEnd, aligner: Aligner | None = None) -> None:
        self._front_end = front_end
        self._aligner = aligner or Aligner()

    def speak(self, text: str, language: Language, speed: float, say: Say) -> Iterator[SpeechChunk]:
        """One chunk per clause, with its marks. Raises `ValueError` at once for a bad speed.

        Services are asked for ordinary speed: few can do another, and none while it streams.
        """
        if not MIN_SPEED <= speed <= MAX_SPEED:
            raise ValueError(f"speed must be between {MIN_SPEED} and {MAX_SPEED}, not {speed}")
        return self._speak(text, language, speed, say)

    def _speak(
        self, text: str, language: Language, speed: float, say: Say
    ) -> Iterator[SpeechChunk]:
        samples, chars, gap_s = 0, 0, 0.0
        for line in lines(text, self._front_end, language):
            said = say(line, longest_s(line.clause))
            pcm, marks = self._placed(line.clause, said, speed)
            before = _silence(line.silence_s + gap_s)
            at_s = (samples + len(before)) / SAMPLE_RATE
            whole = np.concatenate([before, pcm, _silence(line.clause.pause_s)])
            samples += len(whole)
            chars = max(chars, line.clause.end)
            yield SpeechChunk(whole, tuple(_later(mark, at_s) for mark in marks), chars)
            gap_s = _gap(line.clause) / speed

    def _placed(self, clause: Clause, said: Said, speed: float) -> tuple[Pcm, tuple[Mark, ...]]:
        pcm, left_out_s = trimmed(said.pcm)
        starts = {word: start - left_out_s for word, start in said.starts.items()}
        marks = self._aligner.marks(clause, pcm, starts)
        paced = at_speed(pcm, speed)
        ratio = len(paced) / len(pcm)
        return paced, tuple(
            replace(mark, start_s=mark.start_s * ratio, end_s=mark.end_s * ratio) for mark in marks
        )


def longest_s(clause: Clause) -> float:
    """Seconds that saying a clause may take at the very most."""
    return _LEAST_S + _PER_SYMBOL_S * len(clause.phonemes)


def _silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def _gap(clause: Clause) -> float:
    mark = clause.phonemes[-1:]
    return next((seconds for marks, seconds in _GAPS if mark and mark in marks), 0.0)


def _later(mark: Mark, seconds: float) -> Mark:
    return replace(mark, start_s=mark.start_s + seconds, end_s=mark.end_s + seconds)
