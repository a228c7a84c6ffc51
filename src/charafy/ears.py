"""The composition root: who listens to people in a live conversation."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final

from charafy.engines.hearing import Melody, Recogniser, Samples, Vad, VadStream
from charafy.engines.weights import Store
from charafy.kernel.settings import Settings

if TYPE_CHECKING:
    from charafy.engines.hearing.silero import Silero

VAD_MODEL: Final = "silero-vad"
RECOGNISER_MODEL: Final = "whisper-base"


Loading = Callable[[str], AbstractContextManager[object]]
"""Entered around the loading of a model, by its name."""


def _unwatched(_model: str) -> AbstractContextManager[object]:
    return nullcontext()


def hearing_of(settings: Settings, loading: Loading = _unwatched) -> tuple[Vad, Recogniser]:
    """Voice activity and recognition; their models are fetched when they are first needed."""
    store = Store(settings.models)
    threads = min(2, os.cpu_count() or 1)
    return _FetchedVad(store, loading), _FetchedRecogniser(store, threads, loading)


def melody_of() -> Melody | None:
    """Who tells by the sound whether a turn is over, where its model is installed."""
    from charafy.engines.hearing.melody import SmartTurn, bundled

    model = bundled()
    return None if model is None else SmartTurn(model)


class _FetchedVad:
    """A `Vad` whose model may have to be fetched."""

    def __init__(self, store: Store, loading: Loading) -> None:
        self._store = store
        self._loading = loading
        self._lock = threading.Lock()
        self._silero: Silero | None = None

    @property
    def frame(self) -> int:
        from charafy.engines.hearing.silero import FRAME

        return FRAME

    def listen(self) -> VadStream:
        from charafy.engines.hearing.silero import Silero

        with self._lock:
            if self._silero is None:
                model = self._store.required(VAD_MODEL)
                with self._loading(VAD_MODEL):
                    self._silero = Silero(model)
            silero = self._silero
        return silero.listen()


class _FetchedRecogniser:
    """A `Recogniser` whose model may have to be fetched."""

    def __init__(self, store: Store, threads: int, loading: Loading) -> None:
        self._store = store
        self._loading = loading
        self._threads = threads
        self._lock = threading.Lock()
        self._whisper: Recogniser | None = None

    def transcribe(self, samples: Samples, language: str) -> str:
        return self._ready().transcribe(samples, language)

    def language(self, samples: Samples, languages: Sequence[str]) -> str:
        return self._ready().language(samples, languages)

    def _ready(self) -> Recogniser:
        from charafy.engines.hearing.short import ShortWhisper

        with self._lock:
            if self._whisper is None:
                model = self._store.required(RECOGNISER_MODEL)
                with self._loading(RECOGNISER_MODEL):
                    self._whisper = ShortWhisper(model, self._threads)
            return self._whisper
