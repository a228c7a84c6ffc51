"""Voice: text in, audio with an exact timeline out.

The timeline (`Mark`) is the value the rest of the house hangs on: word timestamps, subtitles,
visemes, "what was heard before the interruption" and billed seconds all read it. Audio is the
only clock; every time here is in seconds from the first sample of the speech.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Language = Literal["en", "ja"]
LANGUAGES: tuple[Language, ...] = ("en", "ja")

SAMPLE_RATE = 24_000
"""Hz, mono. Every engine speaks at this rate."""

MIN_SPEED, MAX_SPEED = 0.5, 2.0

Pcm = NDArray[np.float32]
"""Mono samples in [-1, 1] at `SAMPLE_RATE`."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One stretch of the timeline: a word in its written form, or one phoneme symbol."""

    kind: Literal["word", "phoneme"]
    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """The next stretch of audio and the marks that start in it (they may end in a later one)."""

    pcm: Pcm
    marks: tuple[Mark, ...]
    chars_done: int
    """Characters of the input text that are fully spoken once this chunk has been played."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One word or punctuation mark, ready for the acoustic model."""

    text: str
    """Written form as it stands in the input; "" for what is heard but not written."""
    phonemes: str
    """Symbols of the Kokoro vocabulary; punctuation stands for itself."""
    space_after: bool
    start: int
    """Offset of the written form in the input text, in characters."""
    end: int


@dataclass(frozen=True, slots=True)
class Clause:
    """What is synthesised at once: never longer than the acoustic model takes (510 symbols)."""

    words: tuple[Spoken, ...]
    language: Language
    pause_s: float = 0.0
    """Silence after the clause that the text asked for (`<break time=.../>`)."""

    @property
    def phonemes(self) -> str:
        return "".join(w.phonemes + (" " if w.space_after else "") for w in self.words).strip()

    @property
    def end(self) -> int:
        """Offset in the input text up to which this clause speaks."""
        return self.words[-1].end if self.words else 0


class NothingToSay(ValueError):
    """The text holds nothing that can be spoken (only spaces, emoji, tags or symbols)."""


class VoiceFailed(RuntimeError):
    """A service that a voice depends on did not deliver. The message is ours: no secret, no text
    of the service or of what was to be said."""


class FrontEnd(Protocol):
    """Written text -> clauses of phonemes. Deterministic, linear in the length of the text."""

    def clauses(self, text: str, language: Language) -> Iterator[Clause]:
        """Yield clauses lazily, the first one short so that audio can start early.

        `language` is the character's: it decides how digits and shared characters are read;
        runs of the other language's script are recognised and spoken in that language.
        Raises `NothingToSay` before the first clause when nothing can be spoken.
        """
        ...


class Voice(Protocol):
    """A speaking engine with several voices, safe to call from many threads."""

    @property
    def voices(self) -> tuple[str, ...]:
        """Names of the voices that it has."""
        ...

    def speak(
        self, text: str, voice: str, language: Language, speed: float = 1.0
    ) -> Iterator[SpeechChunk]:
        """Synthesise lazily: the next chunk is computed when it is asked for.

        Closing the iterator stops the work. `speed`: `MIN_SPEED`..`MAX_SPEED`, 2 = twice as fast.
        Raises `NothingToSay` on the first `next`, `KeyError` for an unknown voice.
        """
        ...
