"""A voice that is loaded when it is first needed, so that a command that needs none is quick."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from charafy.engines.voice import Language, SpeechChunk, Voice
from charafy.engines.voice.cloning.clonefile import is_clone


class DeferredVoice:
    """Loads the engine once, however many threads ask for it at the same time."""

    def __init__(self, names: tuple[str, ...], load: Callable[[], Voice]) -> None:
        """`load` may take seconds and raise; after a failure the next speech tries again.

        `names`: what is known to be spoken without loading. Clones come and go: whether the engine
        has one is for itself to say.
        """
        self._names = names
        self._load = load
        self._lock = threading.Lock()
        self._voice: Voice | None = None

    @property
    def voices(self) -> tuple[str, ...]:
        return self._names

    @property
    def loaded(self) -> bool:
        return self._voice is not None

    def load(self) -> Voice:
        """The engine, loaded now if it was not. Raises what `load` raises."""
        with self._lock:
            if self._voice is None:
                self._voice = self._load()
            return self._voice

    def speak(
        self, text: str, voice: str, language: Language, speed: float = 1.0
    ) -> Iterator[SpeechChunk]:
        if voice not in self._names and not is_clone(voice):
            raise KeyError(voice)
        return self.load().speak(text, voice, language, speed)
