"""Whether a recording is good enough to clone the voice in it, told before anyone pays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from charafy.engines.hearing import Vad
from charafy.engines.voice import SAMPLE_RATE, Pcm
from charafy.engines.voice.cloning import vad as hearing
from charafy.engines.voice.cloning.clipping import clipped
from charafy.engines.voice.cloning.crowd import split
from charafy.engines.voice.cloning.measures import measure
from charafy.engines.voice.cloning.problems import LEAST_S, MOST_S, Findings, Problem, problems
from charafy.engines.voice.cloning.speakers import SpeakerEncoder
from charafy.engines.voice.cloning.vad import Stretch

__all__ = ["EXAMINED_S", "MOST_S", "Examiner", "Problem", "Quality", "worth_cloning"]

EXAMINED_S: Final = 120.0
"""Seconds of a recording that are listened to; the rest is ignored."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured of a recording, and what is wrong with it."""

    duration_s: float
    """Of all of it."""
    speech_s: float
    """Seconds in which somebody speaks, of the first `EXAMINED_S`."""
    snr_db: float | None
    """Speech above what is heard in the pauses, 80 at most; None without speech or pauses."""
    clipped: float
    """Share of the speech's samples at the rails, 0..1."""
    level_db: float
    """Loudness of the speech (of everything when there is none), dB of full scale."""
    bandwidth_hz: int
    """How high the speech reaches: 4000 for a telephone, 12000 at most."""
    speakers: int | None
    """1, 2 (which may be more), or None where it can't be told."""
    problems: tuple[Problem, ...]
    """Fatal ones first."""
    spoken: tuple[Stretch, ...] = ()
    """The stretches of speech worth cloning, in seconds and in order: `MOST_S` in all."""

    @property
    def usable(self) -> bool:
        """Whether no problem is fatal."""
        return not any(problem.fatal for problem in self.problems)


class Examiner:
    """Safe to call from many threads. Takes about half a CPU-second for 30 seconds of speech."""

    def __init__(self, vad: Vad, encoder: SpeakerEncoder) -> None:
        self._vad = vad
        self._encoder = encoder

    def examine(self, pcm: Pcm) -> Quality:
        """Judge a recording, mono at `charafy.engines.voice.SAMPLE_RATE`.

        Samples may lie beyond [-1, 1] or be no numbers at all. Raises `OSError` when a model file
        is missing.
        """
        heard = _clean(pcm)
        likely = hearing.likelihood(self._vad, heard)
        spoken = self._stretches(heard, likely)
        speech_s = hearing.total(spoken)
        speech = hearing.cut(heard, spoken)
        found = Findings(
            duration_s=len(pcm) / SAMPLE_RATE,
            speech_s=speech_s,
            measures=measure(heard, likely, hearing.frame_of(self._vad)),
            clipped=clipped(speech),
            split=split(speech, self._encoder) if speech_s >= LEAST_S else None,
        )
        return _quality(found, hearing.best(heard, spoken, MOST_S))

    def _stretches(self, heard: Pcm, likely: Pcm) -> list[Stretch]:
        step = hearing.frame_of(self._vad) / SAMPLE_RATE
        return hearing.stretches(likely, step, len(heard) / SAMPLE_RATE)


def worth_cloning(pcm: Pcm, quality: Quality) -> Pcm:
    """Of a recording longer than cloners listen to, the speech that is worth most; else all."""
    if len(pcm) <= MOST_S * SAMPLE_RATE or not quality.spoken:
        return pcm
    return hearing.cut(pcm, list(quality.spoken))


def _quality(found: Findings, spoken: list[Stretch]) -> Quality:
    return Quality(
        duration_s=round(found.duration_s, 3),
        speech_s=round(found.speech_s, 2),
        snr_db=None if found.measures.snr_db is None else round(found.measures.snr_db, 1),
        clipped=round(found.clipped, 4),
        level_db=round(found.measures.level_db, 1),
        bandwidth_hz=found.measures.bandwidth_hz,
        speakers=found.speakers,
        problems=problems(found),
        spoken=tuple(spoken),
    )


def _clean(pcm: Pcm) -> Pcm:
    """The part to listen to, with numbers only and around zero."""
    part = np.nan_to_num(pcm[: round(EXAMINED_S * SAMPLE_RATE)], nan=0.0, posinf=0.0, neginf=0.0)
    bounded = np.clip(part.astype(np.float32, copy=False), -8.0, 8.0)
    return bounded - np.float32(bounded.mean(dtype=np.float64)) if len(bounded) else bounded
