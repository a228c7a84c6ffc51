"""Whole speeches, for answers in one piece and for callers without an event loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from charafy.engines.voice import Mark
from charafy.kernel.errors import UpstreamFailed
from charafy.kernel.media.audio import AudioFormat, with_true_size
from charafy.speech.synthesis import Piece, Synthesis

PIECE_S = 60.0
"""How long a caller waits for the next piece."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole speech."""

    data: bytes
    marks: tuple[Mark, ...]
    audio_s: float


@dataclass(slots=True)
class Gathering:
    """A recording that grows by pieces."""

    data: bytearray = field(default_factory=bytearray)
    marks: list[Mark] = field(default_factory=list)
    audio_s: float = 0.0

    def add(self, piece: Piece) -> None:
        self.data += piece.data
        self.marks += piece.marks
        self.audio_s = piece.audio_s

    def recording(self, audio_format: AudioFormat) -> Recording:
        data = bytes(self.data)
        if audio_format == "wav":
            data = with_true_size(data)
        return Recording(data, tuple(self.marks), self.audio_s)


def collect_now(
    synthesis: Synthesis, audio_format: AudioFormat, wake: Callable[[], None]
) -> Recording:
    """Wait in this thread until all of it is there; `wake` is called after every piece.

    Raises what the synthesis raises, `UpstreamFailed` when it takes too long.
    """
    ready = threading.Event()
    synthesis.subscribe(ready.set)
    gathering = Gathering()
    while True:
        ready.clear()
        piece = synthesis.take()
        if piece is None:
            if not ready.wait(PIECE_S):
                raise UpstreamFailed("The voice engine took too long: please try again.")
            continue
        wake()
        gathering.add(piece)
        if piece.last:
            return gathering.recording(audio_format)
