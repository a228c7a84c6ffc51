"""Kokoro-82M (int8) as a `Voice`: streams by windows, with exact marks."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from charafy.engines.voice import (
    MAX_SPEED,
    MIN_SPEED,
    SAMPLE_RATE,
    Clause,
    FrontEnd,
    Language,
    Pcm,
    SpeechChunk,
)
from charafy.engines.voice.kokoro.acoustic import FRAME, Acoustics, Utterance
from charafy.engines.voice.kokoro.equaliser import Equaliser
from charafy.engines.voice.kokoro.styles import WIDTH, Style, is_british
from charafy.engines.voice.kokoro.timeline import Timeline, script, timeline
from charafy.engines.voice.kokoro.windows import CONTEXT, Even, Pace, Sizes, Speedometer

_FADE: Final = 240
"""Samples over which two windows are cross-faded (10 ms); they nearly agree there."""
_GAPS: Final = ((".!?…", 0.30), (",;:—", 0.12))
"""What is added to the silence that stays around a clause anyway (about 0.12 s)."""
_CEILING: Final = 0.98
_LOUDEST: Final = 4.0
"""Of a sample before it is shaped; speech is within 1. Timbres far from any voice make the model
overflow, and a filter would make of two infinities what is no number."""


class KokoroVoice:
    """Safe from many threads: between two chunks a speech holds nothing but its own arrays."""

    def __init__(
        self,
        model_path: Path,
        styles: Mapping[str, Style],
        front_end: FrontEnd,
        cache_dir: Path,
        threads: int = 2,
        *,
        british: FrontEnd | None = None,
        concurrency: int = 2,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Load `model_path` (`kokoro-v1.0.int8.onnx`); graphs derived from it go to `cache_dir`.

        `styles` is read anew by every speech, so a voice may be added while the engine runs.
        `british` pronounces for the voices of British English; by default `front_end` does.
        """
        self._acoustics = Acoustics(model_path, cache_dir, threads, concurrency)
        self._styles = styles
        self._front_end = front_end
        self._british = british or front_end
        self._monotonic = monotonic
        self._speedometer = Speedometer()
        self._warm_up()

    @property
    def voices(self) -> tuple[str, ...]:
        return tuple(self._styles)

    def speak(
        self, text: str, voice: str, language: Language, speed: float = 1.0
    ) -> Iterator[SpeechChunk]:
        """See `Voice.speak`. Raises `ValueError` at once for a speed out of range."""
        front_end = self._british if is_british(voice) else self._front_end
        clauses = front_end.clauses(text, language)
        pace = Pace(self._speedometer, self._monotonic)
        return self._spoken(clauses, self._styles[voice], speed, pace)

    def speak_as(
        self, text: str, style: Style, language: Language, speed: float = 1.0
    ) -> Iterator[SpeechChunk]:
        """As `speak`, in a style that has no name (yet), for no listener: the same samples for the
        same words, however busy the machine is."""
        return self._spoken(self._front_end.clauses(text, language), style, speed, Even())

    def _spoken(
        self, clauses: Iterator[Clause], style: Style, speed: float, pace: Sizes
    ) -> Iterator[SpeechChunk]:
        if not MIN_SPEED <= speed <= MAX_SPEED:
            raise ValueError(f"speed must be between {MIN_SPEED} and {MAX_SPEED}, not {speed}")
        return self._speak(clauses, style, speed, pace)

    def _warm_up(self) -> None:
        """Let the runtime allocate, then see how fast this machine is, before anyone waits."""
        nobody = np.zeros((1, WIDTH), np.float32)
        utterance = self._acoustics.plan("həlˈO", nobody, 1.0, 1.0)
        for _ in range(2):
            self._decode(utterance, 0, min(utterance.frames, 24))

    def _decode(self, utterance: Utterance, begin: int, end: int) -> Pcm:
        began = self._monotonic()
        audio = self._acoustics.decode(utterance, begin, end)
        self._speedometer.note(end - begin, self._monotonic() - began)
        return _bounded(audio)

    def _speak(
        self, clauses: Iterator[Clause], style: Style, speed: float, pace: Sizes
    ) -> Iterator[SpeechChunk]:
        samples, chars, gap_s = 0, 0, 0.0
        for clause in clauses:
            gap = _silence(gap_s)
            at_s = (samples + len(gap)) / SAMPLE_RATE
            for chunk in self._clause(clause, style, speed, at_s, pace):
                pcm, gap = np.concatenate([gap, chunk.pcm]), gap[:0]
                samples += len(pcm)
                chars = max(chars, chunk.chars_done)
                pace.gave(len(pcm) / SAMPLE_RATE)
                yield SpeechChunk(pcm, chunk.marks, chars)
            gap_s = _gap(clause) / speed

    def _clause(
        self, clause: Clause, style: Style, speed: float, at_s: float, pace: Sizes
    ) -> Iterator[SpeechChunk]:
        """Chunks of one clause and its pause; their `chars_done` counts this clause only."""
        said = script(clause)
        rest = _silence(clause.pause_s)
        if not said.symbols:
            if len(rest):
                yield SpeechChunk(rest, (), clause.end)
            return
        style = style.speaking(clause.language)
        row = style.row(len(said.symbols))
        utterance = self._acoustics.plan(said.symbols, row, speed, style.pitch)
        first, last = utterance.sounding
        marks = timeline(said, utterance.durations, (first, last), at_s)
        samples = 0
        equaliser = Equaliser(style.equaliser)
        for sound, final in self._windows(utterance, first, last, pace):
            pcm = np.clip(equaliser.feed(sound), -_CEILING, _CEILING)
            start_s = at_s + samples / SAMPLE_RATE
            samples += len(pcm)
            end_s = at_s + samples / SAMPLE_RATE
            heard = np.concatenate([pcm, rest]) if final else pcm
            # The last chunk takes every mark that is left and counts the whole clause as spoken.
            yield _chunk(heard, marks, start_s, math.inf if final else end_s)

    def _windows(
        self, utterance: Utterance, first: int, last: int, pace: Sizes
    ) -> Iterator[tuple[Pcm, bool]]:
        """Audio of the frames `first`..`last` by pieces, each with whether it is the last."""
        carry: Pcm | None = None
        at = first
        while at < last:
            stop = min(last, at + pace.frames(last - at))
            begin, end = max(0, at - CONTEXT), min(utterance.frames, stop + CONTEXT)
            audio = self._decode(utterance, begin, end)
            offset = (at - begin) * FRAME
            piece = audio[offset : offset + (stop - at) * FRAME].copy()
            if carry is not None:
                _fade_in(piece, carry)
            carry = audio[offset + len(piece) : offset + len(piece) + _FADE]
            at = stop
            yield piece, at >= last


def _silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def _gap(clause: Clause) -> float:
    """Seconds of silence that the mark at the end of a clause asks for before the next one."""
    marks = clause.phonemes[-1:]
    return next((seconds for symbols, seconds in _GAPS if marks and marks in symbols), 0.0)


def _bounded(audio: Pcm) -> Pcm:
    """Numbers only, none of them beyond `_LOUDEST`."""
    known = np.nan_to_num(audio, nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(known, -_LOUDEST, _LOUDEST, out=known)


def _fade_in(piece: Pcm, carry: Pcm) -> None:
    """Blend the start of `piece` with what the window before made of the same samples."""
    n = min(len(piece), len(carry))
    rise = (np.arange(n, dtype=np.float32) + 0.5) / n
    piece[:n] = piece[:n] * rise + carry[:n] * (1 - rise)


def _chunk(pcm: Pcm, line: Timeline, start_s: float, end_s: float) -> SpeechChunk:
    inside = tuple(mark for mark in line.marks if start_s <= mark.start_s < end_s)
    return SpeechChunk(pcm, inside, max((c for s, c in line.ends if s <= end_s), default=0))
