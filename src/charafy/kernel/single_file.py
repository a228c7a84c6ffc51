"""One at a time, and few who wait for it: strangers can't keep an engine busy."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from charafy.kernel.errors import CharafyError


class SingleFile:
    """Of one piece of work that many may want at once. Thread-safe."""

    def __init__(self, most: int, wait_s: float, busy: Callable[[], CharafyError]) -> None:
        """Up to `most` wait, each up to `wait_s` seconds; `busy` is what all others are told."""
        self._wait_s = wait_s
        self._busy = busy
        self._places = threading.BoundedSemaphore(most + 1)
        self._turn = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn and have it. Raises what `busy` makes."""
        if not self._places.acquire(blocking=False):
            raise self._busy()
        try:
            if not self._turn.acquire(timeout=self._wait_s):
                raise self._busy()
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self._places.release()
