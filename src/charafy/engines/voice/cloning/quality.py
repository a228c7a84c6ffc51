"""Whether a recording is good enough to clone the voice in it, told before anyone pays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from charafy.engines.hearing import Vad
from charafy.engines.voice import SAMPLE_RATE, Pcm
from charafy.engines.voice.cloning.rates import listened
from charafy.engines.voice.cloning.speakers import SpeakerEncoder
from charafy.engines.voice.cloning.vad import stretches

LEAST_S: Final = 3.0
"""Seconds of speech without which nothing can be cloned."""
ENOUGH_S: Final = 5.0
MOST_S: Final = 30.0
"""Seconds of speech that are used."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a recording."""

    code: str
    """`no_speech`, `too_little_speech`, `music_or_noise`, `too_noisy`, `noisy`, `clipped`,
    `slightly_clipped`, `several_speakers`, `short`, `long`, `quiet` or `narrow_band`."""
    fatal: bool
    """Whether the recording can't be used."""
    message: str
    """A sentence for whoever sent it: what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured of a recording, and what is wrong with it."""

    duration_s: float
    speech_s: float
    """Seconds of it in which somebody speaks."""
    snr_db: float | None
    """Speech above what is heard in the pauses; None without speech or without pauses."""
    clipped: float
    """Share of the speech's samples at the rails, 0..1."""
    level_db: float
    """Loudness of the speech (of everything when there is none), dB of full scale."""
    bandwidth_hz: int
    """How high the recording reaches: 4000 for a telephone, 12000 at most."""
    speakers: int | None
    """1, 2 (which may be more), or None where it can't be told."""
    problems: tuple[Problem, ...]

    @property
    def usable(self) -> bool:
        """Whether no problem is fatal."""
        return not any(problem.fatal for problem in self.problems)


class Examiner:
    """Safe to call from many threads."""

    def __init__(self, vad: Vad, encoder: SpeakerEncoder) -> None:
        self._vad = vad
        self._encoder = encoder

    def examine(self, pcm: Pcm) -> Quality:
        """Judge a recording, mono at `charafy.engines.voice.SAMPLE_RATE`.

        Raises `OSError` when a model is missing.
        """
        duration = len(pcm) / SAMPLE_RATE
        spoken = sum(end - begin for begin, end in self.speech_of(pcm))
        level = float(10.0 * np.log10(np.mean(np.square(pcm)) + 1e-10)) if len(pcm) else -100.0
        problems: tuple[Problem, ...] = ()
        if spoken == 0.0:
            problems = (Problem("no_speech", True, "There is no speech in the recording."),)
        elif spoken < LEAST_S:
            says = f"Only {spoken:.1f} seconds of speech were found; at least 3 are needed."
            problems = (Problem("too_little_speech", True, says),)
        return Quality(duration, spoken, None, 0.0, level, SAMPLE_RATE // 2, None, problems)

    def speech_of(self, pcm: Pcm) -> list[tuple[float, float]]:
        """The stretches of speech worth cloning, in seconds and in order: `MOST_S` in all.

        Raises `OSError` when a model is missing.
        """
        return stretches(self._vad, listened(np.nan_to_num(pcm, posinf=0.0, neginf=0.0)))
