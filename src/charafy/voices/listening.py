"""Recordings that voices are to be cloned from: read by content, and judged before anyone pays."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from charafy.engines.voice import Pcm
from charafy.engines.voice.cloning.quality import Quality, worth_cloning
from charafy.kernel.errors import BadRequest, TooManyRequests, UpstreamFailed
from charafy.kernel.media.recordings import MAX_RECORDING_BYTES, read_recording
from charafy.kernel.observe import describe

log = structlog.get_logger("charafy.voices")

MAX_S: Final = 60.0
"""Of a recording. Cloners use 30 s of speech at most: of a longer one much would be ignored."""
MAX_AT_ONCE: Final = 2
MAX_WAITING: Final = 6
"""Each holds one of the threads that every other request needs as well."""
WAIT_S: Final = 30.0

Examine = Callable[[Pcm], Quality]
"""Judges a recording; raises `OSError` when a model is missing. Safe from many threads."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording that was read and judged."""

    pcm: Pcm
    """Mono at 24 kHz; of a long recording what is worth cloning."""
    sha256: str
    """Of the file as it was sent, in hexadecimal."""
    quality: Quality


class Listening:
    """Thread-safe; a few recordings at a time, for which a few more may wait."""

    def __init__(self, examine: Examine, *, wait_s: float = WAIT_S) -> None:
        """`wait_s`: how long a recording waits for others that are being read."""
        self._examine = examine
        self._wait_s = wait_s
        self._places = threading.BoundedSemaphore(MAX_AT_ONCE)
        self._seats = threading.BoundedSemaphore(MAX_AT_ONCE + MAX_WAITING)

    def hear(self, audio: bytes) -> Heard:
        """Takes about a second.

        Raises `BadRequest` about `audio` for what is no recording, `TooManyRequests` when too many
        wait, `UpstreamFailed` without models.
        """
        if len(audio) > MAX_RECORDING_BYTES:
            raise _bad("is larger than 10 MB", "audio_too_large")
        if not audio:
            raise _bad("is empty", "invalid_audio")
        with self._place():
            pcm = read_recording(audio, max_s=MAX_S, allow_video=False)
            quality = self._judged(pcm)
            sha256 = hashlib.sha256(audio).hexdigest()
            return Heard(worth_cloning(pcm, quality), sha256, quality)

    def _judged(self, pcm: Pcm) -> Quality:
        try:
            return self._examine(pcm)
        except OSError as error:
            log.error("recording_not_judged", **describe(error))
            raise UpstreamFailed(
                "The models that judge recordings are not on this server yet: its operator can "
                "fetch them with `charafy models pull`."
            ) from None

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._seats.acquire(blocking=False):
            raise _busy()
        try:
            if not self._places.acquire(timeout=self._wait_s):
                raise _busy()
            try:
                yield
            finally:
                self._places.release()
        finally:
            self._seats.release()


def _busy() -> TooManyRequests:
    return TooManyRequests(
        "Other recordings are being read: try again in a few seconds.",
        retry_after_s=5,
        code="recordings_busy",
    )


def _bad(why: str, code: str) -> BadRequest:
    return BadRequest(f"audio: the recording {why}.", code=code, param="audio")
