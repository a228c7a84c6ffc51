"""Voices that a test stops, breaks and watches."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from charafy.engines.voice import Language, SpeechChunk
from charafy.engines.voice.scripted import ScriptedVoice

WAIT_S = 10.0


class WatchedVoice:
    """The scripted voice behind a gate: `allow(n)` lets n more chunks be made.

    `fail_at`: the number of the chunk (from 0) at which every speech breaks.
    """

    def __init__(self, *, gated: bool = False, fail_at: int | None = None) -> None:
        self._voice = ScriptedVoice(["af_heart", "af_alloy", "am_michael", "jf_alpha"])
        self._gated = gated
        self._fail_at = fail_at
        self._changed = threading.Condition()
        self._allowed = 0
        self.begun = 0
        self.made = 0
        self.ended = 0

    @property
    def voices(self) -> tuple[str, ...]:
        return self._voice.voices

    def speak(
        self, text: str, voice: str, language: Language, speed: float = 1.0
    ) -> Iterator[SpeechChunk]:
        return self._speak(self._voice.speak(text, voice, language, speed))

    def allow(self, chunks: int) -> None:
        with self._changed:
            self._allowed += chunks
            self._changed.notify_all()

    def open(self) -> None:
        """Let everything through from now on."""
        with self._changed:
            self._gated = False
            self._changed.notify_all()

    def wait_until(self, *, begun: int = 0, made: int = 0, ended: int = 0) -> None:
        """Until so many speeches were begun, chunks made, speeches ended (in whatever way)."""
        with self._changed:
            reached = self._changed.wait_for(
                lambda: self.begun >= begun and self.made >= made and self.ended >= ended, WAIT_S
            )
        assert reached, f"{self.begun} begun, {self.made} made, {self.ended} ended"

    def wait_until_still(self, for_s: float = 0.4) -> None:
        """Until no chunk is made for a while."""
        until = time.monotonic() + WAIT_S
        with self._changed:
            while time.monotonic() < until:
                made = self.made
                self._changed.wait(for_s)
                if self.made == made:
                    return
        raise AssertionError("chunks are made without end")

    def _speak(self, chunks: Iterator[SpeechChunk]) -> Iterator[SpeechChunk]:
        with self._changed:
            self.begun += 1
            self._changed.notify_all()
        try:
            for number, chunk in enumerate(chunks):
                self._pass()
                if number == self._fail_at:
                    raise RuntimeError("the engine broke")
                self._count_made()
                yield chunk
        finally:
            with self._changed:
                self.ended += 1
                self._changed.notify_all()

    def _pass(self) -> None:
        with self._changed:
            opened = self._changed.wait_for(lambda: not self._gated or self._allowed > 0, WAIT_S)
            assert opened, "nobody opened the gate"
            self._allowed -= 1

    def _count_made(self) -> None:
        with self._changed:
            self.made += 1
            self._changed.notify_all()
