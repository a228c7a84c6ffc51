"""A place for files that was away when the process started: nothing is done there unproved.

An S3 that is away says neither whether our keys are good nor whose the place is. Until it did,
everything there fails as it does while S3 is away; whoever asks for something has it tried again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from charafy.kernel.storage_settings import StorageRefused
from charafy.kernel.stores import Meta, StorageUnavailable, Store

log = structlog.get_logger("charafy.storage")

RETRY_S: Final = 2.0


class LateStore:
    """Thread-safe. One at a time tries whether the place is there; others are told at once."""

    def __init__(
        self,
        store: Store,
        prove: Callable[[], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`prove` raises `StorageRefused` while `store` is away or can't be used."""
        self._store = store
        self._prove = prove
        self._monotonic = monotonic
        self._trying = threading.Lock()
        self._next_s = 0.0
        self._proved = False

    def problem(self) -> str | None:
        """Tries; one sentence while there is a reason to."""
        try:
            self._found()
        except StorageUnavailable:
            return "Media can't be kept yet: their storage is away, or refuses. The log says why."
        return None

    def put(self, key: str, data: bytes | Path, content_type: str) -> None:
        self._found().put(key, data, content_type)

    def get(self, key: str) -> bytes:
        return self._found().get(key)

    def head(self, key: str) -> Meta:
        return self._found().head(key)

    def stream(self, key: str, start: int, end: int) -> Iterator[bytes]:
        return self._found().stream(key, start, end)

    def keys(self, prefix: str, older_than: datetime | None) -> list[str]:
        return self._found().keys(prefix, older_than)

    def delete(self, key: str) -> None:
        self._found().delete(key)

    def signed_url(self, key: str, ttl_s: int) -> str | None:
        return self._store.signed_url(key, ttl_s)

    def check(self) -> None:
        self._store.check()

    def claim(self, mark: str) -> None:
        self._store.claim(mark)

    def _found(self) -> Store:
        """The place, proved. Raises `StorageUnavailable`."""
        if self._proved:
            return self._store
        if not self._trying.acquire(blocking=False):
            raise StorageUnavailable
        try:
            if not self._proved:
                self._try()
        finally:
            self._trying.release()
        return self._store

    def _try(self) -> None:
        if self._monotonic() < self._next_s:
            raise StorageUnavailable
        try:
            self._prove()
        except StorageRefused as error:
            self._next_s = self._monotonic() + RETRY_S
            log.warning("storage_not_found", why=str(error))
            raise StorageUnavailable from None
        self._proved = True
        log.warning("storage_found")
