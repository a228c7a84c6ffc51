"""From a recording to a clone's files, and away again when its row does not come to be."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from charafy.engines.voice.cloning import (
    Clone,
    Cloner,
    CloningFailed,
    Progress,
    Reference,
    Unclonable,
)
from charafy.kernel.clock import Clock
from charafy.kernel.errors import BadRequest, NotFound, TooManyRequests, UpstreamFailed
from charafy.kernel.media.audio import Pcm, encode
from charafy.kernel.observe import describe
from charafy.kernel.storage import Storage
from charafy.voices.listening import Heard
from charafy.voices.models import Wanted, folder
from charafy.voices.till import UNCLONABLE

log = structlog.get_logger("charafy.voices")

CLONING_S: Final = 180.0
"""Of one voice. It takes about ten seconds; services that are asked may take their time."""
WAIT_S: Final = 30.0
MAX_WAITING: Final = 4
_JSON: Final = "application/json"
CLONE: Final = "clone-"
REFERENCE: Final = "reference-"
SAMPLE: Final = "sample-"
"""What the names of a voice's files begin with."""

Unload = Callable[[str], object]
"""Lets go of what a process keeps in memory of a clone, by its storage key. Never raises."""


@dataclass(frozen=True, slots=True)
class Made:
    """A clone whose files are written."""

    engine_voice: str
    """The storage key of its file."""
    reference_key: str | None
    """Of the recording, when it is needed once more."""
    clone: Clone


class Making:
    """Clones, writes files and removes them; knows nothing of money. Thread-safe, one at a time."""

    def __init__(
        self,
        storage: Storage,
        cloner: Cloner,
        clock: Clock,
        *,
        wait_s: float = WAIT_S,
        unload: Unload = lambda _engine_voice: None,
    ) -> None:
        """`wait_s`: how long a clone waits for others that are being made; `unload`: what lets
        whoever speaks with clones here keep nothing of one that goes.
        """
        self._storage = storage
        self._cloner = cloner
        self._clock = clock
        self._wait_s = wait_s
        self._unload = unload
        self._place = threading.BoundedSemaphore(1)
        self._seats = threading.BoundedSemaphore(1 + MAX_WAITING)

    def make(self, voice_id: str, heard: Heard, wanted: Wanted, progress: Progress) -> Made:
        """Clone the voice and write its files.

        Raises `BadRequest` about `audio` (`unclonable`), `TooManyRequests` when too many wait,
        `UpstreamFailed` when the cloner could not work.
        """
        clone = self._cloned(Reference(heard.pcm, wanted.language), wanted.name, progress)
        made = Made(
            engine_voice=clone_key(voice_id, clone.data),
            reference_key=reference_key(voice_id, heard) if self._cloner.refines else None,
            clone=clone,
        )
        try:
            # The clone first: what a killed process leaves of it names its copy elsewhere.
            self._storage.put(made.engine_voice, clone.data, _JSON)
            if made.reference_key:
                self._storage.put(made.reference_key, to_flac(heard.pcm), "audio/flac")
        except BaseException:  # a full disk, say: nothing half written stays
            self.discard(made)
            raise
        return made

    def discard(self, made: Made) -> None:
        """Undo it: there is no voice after all. Never raises."""
        self._forgotten(made.clone.data, made.engine_voice)
        for key in filter(None, (made.engine_voice, made.reference_key)):
            try:
                self._storage.delete(key)
            except Exception as error:  # noqa: BLE001 - `remove_orphans` finds what stays
                log.error("clone_not_removed", key=key, **describe(error))

    def forget(self, engine_voice: str) -> bool:
        """Have a service, and this process, remove their copies of a clone that goes.

        False when the service has to be asked again. Local clones have no copy, and nor has one
        whose file is gone. Never raises.
        """
        self._unload(engine_voice)
        try:
            data = self._storage.get(engine_voice)[0]
        except NotFound:
            return True
        return self._forgotten(data, engine_voice)

    def _forgotten(self, data: bytes, engine_voice: str) -> bool:
        try:
            self._cloner.forget(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, the house goes on
            log.error("clone_not_forgotten", voice=engine_voice, **describe(error))
            return False
        return True

    def _cloned(self, reference: Reference, name: str, progress: Progress) -> Clone:
        with self._turn():
            try:
                return self._cloner.clone(reference, name, self._in_time(progress))
            except Unclonable as error:
                raise BadRequest(f"audio: {error}", code=UNCLONABLE, param="audio") from None
            except CloningFailed as error:
                log.error("cloning_failed", reason=str(error), **describe(error))
                raise UpstreamFailed(
                    "The voice could not be cloned. You were not charged: please try again."
                ) from None

    def _in_time(self, progress: Progress) -> Progress:
        until_s = self._clock.monotonic() + CLONING_S

        def tick(done: float) -> None:
            if self._clock.monotonic() > until_s:
                raise CloningFailed(f"it took longer than {CLONING_S:g} s")
            progress(done)

        return tick

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._seats.acquire(blocking=False):
            raise _busy()
        try:
            if not self._place.acquire(timeout=self._wait_s):
                raise _busy()
            try:
                yield
            finally:
                self._place.release()
        finally:
            self._seats.release()


def clone_key(voice_id: str, data: bytes) -> str:
    """Where a clone's file lies: another place for other bytes, so that a key's never change."""
    return f"{folder(voice_id)}{CLONE}{hashlib.sha256(data).hexdigest()[:16]}.json"


def reference_key(voice_id: str, heard: Heard) -> str:
    return f"{folder(voice_id)}{REFERENCE}{heard.sha256[:16]}.flac"


def forget_samples(storage: Storage, voice_id: str) -> None:
    """Remove what the voice said before: it sounds or speaks otherwise now."""
    for key in storage.keys(folder(voice_id)):
        if f"/{SAMPLE}" in key:
            storage.delete(key)


def to_flac(pcm: Pcm) -> bytes:
    return encode("flac", pcm)


def nobody(_done: float) -> None:
    """Hears of no progress."""


def _busy() -> TooManyRequests:
    return TooManyRequests(
        "Other voices are being cloned: try again in a few seconds.",
        retry_after_s=10,
        code="at_capacity",
    )
