"""When somebody has said what they wanted to say: turns, from voice activity and silence.

Pure: it knows no clock but the samples it is fed. What was said tells as well whether a turn is
over (`expect`); every wait has an end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from charafy.engines.hearing import SAMPLE_RATE, Samples, VadStream

_SPEECH: Final = 0.5
_SILENCE: Final = 0.35
"""Below this a frame is silence; between the two it goes on as it was."""
_BEFORE_S: Final = 0.4
"""What came before the first frame of speech belongs to the turn: soft beginnings are missed."""
_AFTER_S: Final = 0.16
"""Silence that recognisers like to hear after the last word."""
_STOP: Final = 3
"""Frames of silence within words, at most: plosives are closed for as long."""
_WORD: Final = 2
"""Frames of speech in a longer silence, at least: fewer are a click."""


@dataclass(frozen=True, slots=True)
class Stirred:
    """Somebody may be about to speak, or it clicked: `Started` or `Calmed` tells soon."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Calmed:
    """It clicked."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Started:
    """Somebody speaks. Times are seconds of sound since the beginning."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Hesitated:
    """Silence: the turn may be over, and is worth recognising."""

    at_s: float
    samples: Samples
    """The turn so far."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """It was not over."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The turn is over."""

    at_s: float
    samples: Samples
    speech_s: float
    """Of it, without its pauses."""


Heard = Stirred | Calmed | Started | Hesitated | Resumed | Ended


class TurnTaker:
    """One microphone. Used by one thread at a time."""

    def __init__(
        self,
        vad: VadStream,
        *,
        frame: int = 512,
        stir_s: float = 0.064,
        onset_s: float = 0.096,
        hesitation_s: float = 0.19,
        complete_s: float = 0.5,
        doubtful_s: float = 0.9,
        incomplete_s: float = 1.3,
        longest_s: float = 30.0,
    ) -> None:
        """`frame`: samples per probability of `vad`.

        A turn begins with `onset_s` of speech, of which `stir_s` is a sign. It ends after
        `complete_s` of silence where the words are known to make sense as they are, after
        `doubtful_s` where they do and sound as if more would follow, else after `incomplete_s`.
        """
        self.hesitation_s = hesitation_s
        self._vad = vad
        self._frame = frame
        self._frame_s = frame / SAMPLE_RATE
        self._onset = max(1, round(onset_s / self._frame_s))
        self._stir = max(1, round(stir_s / self._frame_s))
        self._complete_s = complete_s
        self._doubtful_s = doubtful_s
        self._incomplete_s = incomplete_s
        self._longest = int(longest_s * SAMPLE_RATE)
        self._rest = np.zeros(0, np.float32)
        self._at = 0
        """Frames so far."""
        self._before = max(1, round(_BEFORE_S / self._frame_s))
        self._pressed = self._speaking = self._hesitated = False
        self._forget()

    @property
    def pressed(self) -> bool:
        """Whether the talk button is down."""
        return self._pressed

    def feed(self, samples: Samples) -> list[Heard]:
        """What happened in `samples`, the next of the sound: of any length, mono at 16 kHz."""
        likely = self._vad.feed(samples)
        self._rest = np.concatenate((self._rest, samples))
        heard: list[Heard] = []
        for probability in likely:
            frame, self._rest = self._rest[: self._frame], self._rest[self._frame :]
            self._at += 1
            self._keep(frame)
            heard += self._step(float(probability))
        return heard

    def expect(self, complete: bool, *, over: bool = True) -> None:
        """What the words of the current turn say about whether it is over, and their sound."""
        said_s = self._complete_s if over else self._doubtful_s
        self._wait_s = said_s if complete else self._incomplete_s

    def press(self) -> list[Heard]:
        """The talk button goes down: what is under way, or begins now, only its release ends.

        Or `longest_s`, after which the next turn begins at once.
        """
        if self._pressed:
            return []
        self._pressed = True
        return self._go_on()

    def release(self) -> list[Heard]:
        """The talk button goes up."""
        if not self._pressed:
            return []
        self._pressed = False
        return [self._end()]

    def _go_on(self) -> list[Heard]:
        resumed = self._hesitated
        started = not self._speaking
        self._speaking = True
        self._hesitated = False
        self._quiet = 0
        if started:
            return [Started(self._now_s)]
        return [Resumed(self._now_s)] if resumed else []

    def drop(self) -> None:
        """Forget the current turn."""
        self._pressed = False
        self._forget()

    @property
    def _now_s(self) -> float:
        return self._at * self._frame_s

    def _forget(self) -> None:
        self._turn: list[Samples] = []
        self._speaking = self._hesitated = False
        self._loud = self._quiet = self._spoken = 0
        self._wait_s = self._incomplete_s

    def _keep(self, frame: Samples) -> None:
        self._turn.append(frame)
        if not self._speaking:
            del self._turn[: -self._before]

    def _step(self, probability: float) -> list[Heard]:
        if self._pressed:
            self._spoken += probability > _SPEECH
            return [self._end(), *self._go_on()] if self._too_long() else []
        if not self._speaking:
            return self._wait_for_speech(probability)
        if self._too_long():
            return [self._end()]
        if probability < (_SPEECH if self._quiet else _SILENCE):
            self._loud = 0
            self._quiet += 1
            return self._silence()
        self._loud += 1
        return self._speech()

    def _wait_for_speech(self, probability: float) -> list[Heard]:
        before, self._loud = self._loud, self._loud + 1 if probability > _SPEECH else 0
        if self._loud < self._onset:
            if self._loud == self._stir:
                return [Stirred(self._now_s)]
            return [Calmed(self._now_s)] if before >= self._stir > self._loud else []
        self._speaking, self._spoken, self._quiet = True, self._loud, 0
        return [Started(self._now_s)]

    def _silence(self) -> list[Heard]:
        quiet_s = self._quiet * self._frame_s
        if not self._hesitated and quiet_s >= self.hesitation_s:
            self._hesitated = True
            return [Hesitated(self._now_s, self._samples())]
        if quiet_s >= self._wait_s:
            return [self._end()]
        return []

    def _speech(self) -> list[Heard]:
        if self._quiet >= _STOP and self._loud < _WORD:
            # Silence goes on: that was a click.
            self._quiet += 1
            return self._silence()
        self._spoken += self._loud if self._quiet else 1
        resumed = self._hesitated
        self._hesitated, self._quiet, self._wait_s = False, 0, self._incomplete_s
        return [Resumed(self._now_s)] if resumed else []

    def _too_long(self) -> bool:
        return len(self._turn) * self._frame >= self._longest

    def _samples(self) -> Samples:
        """The turn, with little of the silence that it ends in."""
        kept = self._turn[: self._kept]
        return np.concatenate(kept) if kept else np.zeros(0, np.float32)

    @property
    def _kept(self) -> int:
        return len(self._turn) - max(0, self._quiet - round(_AFTER_S / self._frame_s))

    def _end(self) -> Ended:
        ended = Ended(self._now_s, self._samples(), self._spoken * self._frame_s)
        # Who goes on at once may have begun softly in the silence that ended this turn.
        silence = self._turn[self._kept :][-self._before :]
        self._forget()
        self._turn = silence
        return ended
