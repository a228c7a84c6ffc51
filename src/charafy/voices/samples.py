"""Samples of voices: spoken on the first request, kept afterwards.

Samples need no key, so strangers must not be able to keep the voice engine busy: there is one
synthesis at a time for all samples together, few may wait for it, and each sample is made once.
Voices of other services take turns of their own: who waits for a service keeps no other waiting.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from charafy.kernel.errors import TooManyRequests
from charafy.kernel.single_file import SingleFile
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
        self._turns = {remote: SingleFile(MAX_WAITING, WAIT_S, _busy) for remote in (False, True)}

    def ready(self, voice: VoiceInfo) -> str:
        """The storage key of the voice's sample, which is there when this returns.

        Takes seconds the first time. Raises `TooManyRequests` when too many samples are wanted
        at once, and whatever the engine raises when it can't speak.
        """
        key = self._key(voice)
        if not self._storage.exists(key):
            with self._turns[self._waits(voice.engine_voice)].turn():
                if not self._storage.exists(key):
                    self._storage.put(key, self._render(voice), "audio/mpeg")
        return key

    def _key(self, voice: VoiceInfo) -> str:
        said = f"{self._engine}\n{voice.engine_voice}\n{voice.sample_text}"
        digest = hashlib.sha256(said.encode()).hexdigest()[:16]
        return f"voices/{voice.voice_id}/sample-{digest}.mp3"


def _busy() -> TooManyRequests:
    return TooManyRequests(
        "Other voice samples are being made: try again in a few seconds.",
        retry_after_s=5,
        code="samples_busy",
    )
