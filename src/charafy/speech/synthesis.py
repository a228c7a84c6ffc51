"""One text being spoken: a worker thread makes it chunk by chunk, one listener takes it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import structlog

from charafy.engines.voice import SAMPLE_RATE, Mark, NothingToSay, SpeechChunk
from charafy.kernel.errors import BadRequest, CharafyError, UpstreamFailed
from charafy.kernel.media.audio import Encoder
from charafy.kernel.observe import describe

log = structlog.get_logger("charafy.speech")

RUN_AHEAD_BYTES = 1024 * 1024
"""What may wait for a slow listener (87 s of MP3, 22 s of WAV); then the synthesis pauses."""

Start = Callable[[], Iterator[SpeechChunk]]


@dataclass(frozen=True, slots=True)
class Piece:
    """What became ready since the listener last took."""

    data: bytes
    marks: tuple[Mark, ...]
    chars_done: int
    """Characters of the text that are spoken up to the end of this piece."""
    audio_s: float
    """Seconds of speech up to the end of this piece."""
    last: bool


class Synthesis:
    """`step` belongs to the worker threads (one at a time), everything else to the listener."""

    def __init__(
        self, start: Start, encoder: Encoder, submitted_s: float, *, waits: bool = False
    ) -> None:
        """`submitted_s`: when the listener begins to wait, on the scheduler's monotonic clock.

        `waits`: whether making it is mostly waiting for another service.
        """
        self.waits = waits
        self._start = start
        self._encoder = encoder
        self._submitted_s = submitted_s
        self._chunks: Iterator[SpeechChunk] | None = None
        self._begun = False
        self._served_s = -math.inf
        self._lock = threading.Lock()
        self._data = bytearray()
        self._marks: list[Mark] = []
        self._chars_done = 0
        self._samples = 0
        self._heard_since_s: float | None = None
        self._state: Literal["under way", "ended", "failed", "closed"] = "under way"
        self._error: CharafyError | None = None
        self._tell: Callable[[], None] = _nobody

    @property
    def content_type(self) -> str:
        return self._encoder.content_type

    @property
    def has_begun(self) -> bool:
        """Whether a worker has turned to it yet."""
        with self._lock:
            return self._begun

    def urgency(self, now_s: float) -> tuple[float, float, float]:
        """The least comes first: when the listener will wait, else who was served longest ago.

        Before the first chunk the listener waits from the moment of asking; afterwards a player
        that started at once has sound until everything made so far is played. Who waits already
        waits "now", however long: else a late stream would starve every new one. Cleaning up
        comes before all.
        """
        with self._lock:
            if self._state == "closed":
                return -math.inf, 0.0, 0.0
            due_s = self._submitted_s
            if self._heard_since_s is not None:
                due_s = self._heard_since_s + self._samples / SAMPLE_RATE
            return max(due_s, now_s), self._served_s, due_s

    @property
    def is_runnable(self) -> bool:
        """Whether a worker has something to do here: the next chunk, or to clean up."""
        with self._lock:
            return self._state == "closed" or len(self._data) < RUN_AHEAD_BYTES

    def subscribe(self, tell: Callable[[], None]) -> None:
        """Call `tell` from a worker thread whenever there is something to take. It must be quick.

        A bare `Event.set` does; to miss nothing, clear the event before `take`.
        """
        with self._lock:
            self._tell = tell

    def take(self) -> Piece | None:
        """What is ready, or None. Raises `BadRequest` or `UpstreamFailed` when it failed."""
        with self._lock:
            if self._error is not None:
                raise self._error
            if self._state == "closed":
                raise UpstreamFailed("The server is stopping. You were not charged: try again.")
            last = self._state == "ended"
            if not self._data and not last:
                return None
            piece = Piece(
                bytes(self._data),
                tuple(self._marks),
                self._chars_done,
                self._samples / SAMPLE_RATE,
                last,
            )
            self._data.clear()
            self._marks.clear()
            return piece

    def close(self) -> None:
        """Nobody listens any more: the next step ends the work instead of going on."""
        with self._lock:
            if self._state == "under way":
                self._state = "closed"
            tell = self._tell
        tell()

    def step(self, now_s: Callable[[], float]) -> bool:
        """Make the next chunk; False when the work is over."""
        try:
            return self._step(now_s)
        except NothingToSay:
            self._fail(BadRequest("There is nothing to say.", code="nothing_to_say"))
        except Exception as error:  # noqa: BLE001 - whatever an engine raises ends this speech only
            log.error("synthesis_failed", **describe(error))
            self._fail(
                UpstreamFailed("The voice engine failed. You were not charged: please try again.")
            )
        self._stop_engine()
        return False

    def _step(self, now_s: Callable[[], float]) -> bool:
        with self._lock:
            self._begun = True
            self._served_s = now_s()
            closed = self._state == "closed"
        if closed:
            self._stop_engine()
            return False
        if self._chunks is None:
            self._chunks = self._start()  # may load the engine
        chunk = next(self._chunks, None)
        data = self._encoder.finish() if chunk is None else self._encoder.feed(chunk.pcm)
        with self._lock:
            self._data += data
            if chunk is None:
                self._state = "ended" if self._state == "under way" else self._state
            else:
                self._marks.extend(chunk.marks)
                self._chars_done = chunk.chars_done
                self._samples += len(chunk.pcm)
                if self._heard_since_s is None:
                    self._heard_since_s = now_s()
            tell = self._tell
        tell()
        return chunk is not None

    def _fail(self, error: CharafyError) -> None:
        with self._lock:
            self._state = "failed"
            self._error = error
            tell = self._tell
        tell()

    def _stop_engine(self) -> None:
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()


def _nobody() -> None:
    """No listener yet: what is made waits to be taken."""
