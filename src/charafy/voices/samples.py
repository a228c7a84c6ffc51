"""Samples of voices: spoken on the first request, kept afterwards.

Samples need no key, so strangers must not be able to keep the voice engine busy: there is one
synthesis at a time for all samples together, few may wait for it, and each sample is made once.
Voices of other services take turns of their own: who waits for a service keeps no other waiting.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from charafy.kernel.errors import TooManyRequests
from charafy.kernel.storage import Storage
from charafy.voices.models import VoiceInfo

RenderSample = Callable[[VoiceInfo], bytes]
"""Speaks the voice's `sample_text`; returns MP3. Called from a worker thread."""

MAX_WAITING = 4
WAIT_S = 20.0


class Samples:
    """The samples of one engine (`engine`: its name, so that engines don't share recordings)."""

    def __init__(
        self,
        storage: Storage,
        render: RenderSample,
        engine: str,
        *,
        waits: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`waits`: whether a voice, by its engine's name, is spoken by another service."""
        self._storage = storage
        self._render = render
        self._engine = engine
        self._waits = waits
        self._turns = {False: _Turns(), True: _Turns()}

    def ready(self, voice: VoiceInfo) -> str:
        """The storage key of the voice's sample, which is there when this returns.

        Takes seconds the first time. Raises `TooManyRequests` when too many samples are wanted
        at once, and whatever the engine raises when it can't speak.
        """
        key = self._key(voice)
        if not self._storage.exists(key):
            with self._turns[self._waits(voice.engine_voice)].one():
                if not self._storage.exists(key):
                    self._storage.put(key, self._render(voice), "audio/mpeg")
        return key

    def _key(self, voice: VoiceInfo) -> str:
        said = f"{self._engine}\n{voice.engine_voice}\n{voice.sample_text}"
        digest = hashlib.sha256(said.encode()).hexdigest()[:16]
        return f"voices/{voice.voice_id}/sample-{digest}.mp3"


class _Turns:
    """One at a time, and few who wait."""

    def __init__(self) -> None:
        self._queue = threading.BoundedSemaphore(MAX_WAITING + 1)
        self._synthesis = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        if not self._queue.acquire(blocking=False):
            raise _busy()
        try:
            if not self._synthesis.acquire(timeout=WAIT_S):
                raise _busy()
            try:
                yield
            finally:
                self._synthesis.release()
        finally:
            self._queue.release()


def _busy() -> TooManyRequests:
    return TooManyRequests(
        "Other voice samples are being made: try again in a few seconds.",
        retry_after_s=5,
        code="samples_busy",
    )
