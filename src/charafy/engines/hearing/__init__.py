"""Hearing: sound in, what of it is speech."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE: Final = 16_000
"""Hz, mono: what every engine here listens at."""

Samples = NDArray[np.float32]
"""Mono samples in [-1, 1] at `SAMPLE_RATE`."""


class VadStream(Protocol):
    """One sound, heard from its beginning. Used by one thread at a time."""

    def feed(self, samples: Samples) -> NDArray[np.float32]:
        """How likely each frame (`Vad.frame` samples) that is now complete holds speech, 0..1.

        `samples` may be of any length: what doesn't fill a frame waits for the next call. Frames
        know all that came before them, and nothing that follows.
        """
        ...


class Vad(Protocol):
    """Tells speech from everything else. Safe to use from many threads, a stream from each."""

    @property
    def frame(self) -> int:
        """Samples per probability."""
        ...

    def listen(self) -> VadStream:
        """A stream that has heard nothing yet. Raises `OSError` when the model is missing."""
        ...


class Melody(Protocol):
    """Tells from the sound of speech whether it is over. Safe to call from many threads."""

    def over(self, samples: Samples) -> float:
        """How likely nothing follows on `samples`, 0..1; they end in some silence."""
        ...


class Recogniser(Protocol):
    """Writes down what is said. Safe to call from many threads."""

    def transcribe(self, samples: Samples, language: str) -> str:
        """The words in `samples`, as one would write them; "" where there are none.

        `language`: "en" or "ja". What is no speech may be taken for words that nobody said. Raises
        `OSError` when the model is missing.
        """
        ...

    def language(self, samples: Samples, languages: Sequence[str]) -> str:
        """Which of `languages` is spoken in `samples`, told by their first half minute.

        The first one where there is too little to tell. Raises `OSError` when the model is missing.
        """
        ...
