"""One voice out of several engines: stock names to the stock voice, clones to whoever speaks them.

A clone's name is where its file lies; the file names the engine. So every process that reaches the
files can speak with every clone, and nobody has to be told of a new one.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, Final, Protocol

from charafy.engines.voice import Language, SpeechChunk, Voice, VoiceFailed
from charafy.engines.voice.cloning.clonefile import BadClone, is_clone, unpack

LOCAL: Final = frozenset(("kokoro", "scripted"))
"""Engines whose clones the stock voice speaks itself, by their names."""

MAX_FILE_BYTES: Final = 4 * 1024 * 1024
_WAIT_S: Final = 30.0

Fields = Mapping[str, Any]


class CloneSpeaker(Protocol):
    """Speaks with clones of one engine. Safe to call from many threads."""

    def speak(
        self, data: Fields, text: str, language: Language, speed: float = 1.0
    ) -> Iterator[SpeechChunk]:
        """As `Voice.speak`, with the fields of a clone file instead of a name.

        May also raise `VoiceFailed`, at once or while it speaks.
        """
        ...


class CloneShelf:
    """Clone files that were read lately. Thread-safe; a file is read once however many ask."""

    def __init__(self, load: Callable[[str], bytes], size: int = 64) -> None:
        """`load` gives the bytes of a file by its name and raises `KeyError` where there is none.

        Names are for ever: a file never changes. At most `size` files are kept.
        """
        self._load = load
        self._size = size
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[str, Fields]] = OrderedDict()
        self._loading: dict[str, Future[tuple[str, Fields]]] = {}
        self._told: list[Callable[[str], object]] = []

    def read(self, name: str) -> tuple[str, Fields]:
        """(engine, all fields) of a clone file. Raises `KeyError`, `BadClone`, what `load` raises.

        What failed is read again by the next who asks.
        """
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
            coming = self._loading.get(name)
            mine = coming is None
            coming = coming or Future()
            self._loading[name] = coming
        if not mine:
            return coming.result(_WAIT_S)
        try:
            found = self._opened(name)
        except BaseException as error:
            with self._lock:
                del self._loading[name]
            coming.set_exception(error)
            raise
        with self._lock:
            del self._loading[name]
            self._kept[name] = found
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        coming.set_result(found)
        return found

    def _opened(self, name: str) -> tuple[str, Fields]:
        data = self._load(name)
        if len(data) > MAX_FILE_BYTES:
            raise BadClone("larger than any clone file")
        return unpack(data)

    def forget(self, name: str) -> None:
        """Keep it no longer: its voice was removed. So do those who want to be told."""
        with self._lock:
            self._kept.pop(name, None)
            told = tuple(self._told)
        for forget in told:
            forget(name)

    def tell(self, forget: Callable[[str], object]) -> None:
        """Call `forget` with each name that is forgotten from now on: it keeps what it read."""
        with self._lock:
            self._told.append(forget)


class VoiceRouter:
    """A `Voice`. Safe to call from many threads."""

    def __init__(
        self, stock: Voice, speakers: Mapping[str, CloneSpeaker], shelf: CloneShelf
    ) -> None:
        """`speakers` by engine: those that are set up. The stock voice speaks `LOCAL` clones."""
        self._stock = stock
        self._speakers = dict(speakers)
        self._shelf = shelf

    @property
    def voices(self) -> tuple[str, ...]:
        """The stock voices: clones belong to accounts, which know theirs."""
        return self._stock.voices

    def speak(
        self, text: str, voice: str, language: Language, speed: float = 1.0
    ) -> Iterator[SpeechChunk]:
        """See `Voice.speak`. Raises `VoiceFailed` when nothing here speaks such a clone."""
        if not is_clone(voice):
            return self._stock.speak(text, voice, language, speed)
        engine, fields = self._shelf.read(voice)
        if engine in LOCAL:
            return self._stock.speak(text, voice, language, speed)
        speaker = self._speakers.get(engine)
        if speaker is None:
            raise VoiceFailed(
                "This voice was cloned by a service that is not set up here (any more)."
            )
        return speaker.speak(fields, text, language, speed)

    def waits(self, voice: str) -> bool:
        """Whether speaking with it is mostly waiting for another service."""
        try:
            return is_clone(voice) and self._shelf.read(voice)[0] not in LOCAL
        except Exception:  # noqa: BLE001 - whatever it is, speaking tells it
            return False
