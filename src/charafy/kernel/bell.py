"""Wakes a loop that otherwise looks by itself now and then, of this process and of others."""

from __future__ import annotations

import threading
from typing import Final

from charafy.kernel.shared import RETRY_S, Shared, SharedAway

_LOOK_S: Final = 0.5
"""How soon a listener notices that it is to end."""


class Bell:
    """Thread-safe. Nothing may depend on its being heard: while Redis is away only this process is.

    Who waits for what other processes ring calls `start`, and `stop` in the end.
    """

    def __init__(self, name: str = "", shared: Shared | None = None) -> None:
        """Bells of one name ring together, where they are shared."""
        self._shared = shared
        self._channel = shared.key(f"bell-{name}") if shared else ""
        self._rung = threading.Event()
        self._stopping = threading.Event()
        self._listener: threading.Thread | None = None

    def ring(self) -> None:
        """For whoever waits, anywhere."""
        self._rung.set()
        if self._shared is None:
            return
        try:
            self._shared.run(lambda redis: redis.publish(self._channel, b""))
        except SharedAway:
            return  # they find it when they look by themselves

    def wake(self) -> None:
        """For whoever waits in this process."""
        self._rung.set()

    def clear(self) -> None:
        self._rung.clear()

    def wait(self, timeout_s: float) -> bool:
        """Whether it was rung since `clear`, at the latest after `timeout_s`."""
        return self._rung.wait(timeout_s)

    def start(self) -> None:
        """Hear other processes, in a thread of its own."""
        if self._shared is None or self._listener is not None:
            return
        self._stopping.clear()
        self._listener = threading.Thread(
            target=self._listen, args=(self._shared,), name="charafy-bell", daemon=True
        )
        self._listener.start()

    def stop(self) -> None:
        """Takes `_LOOK_S`, or a few seconds while Redis hangs."""
        if self._listener is not None:
            self._stopping.set()
            self._listener.join()
            self._listener = None

    def _listen(self, shared: Shared) -> None:
        while not self._stopping.is_set():
            try:
                with shared.hearing(self._channel) as heard:
                    self._rung.set()  # somebody may have rung while nobody heard it
                    while not self._stopping.is_set():
                        if heard(_LOOK_S):
                            self._rung.set()
            except SharedAway:
                self._stopping.wait(RETRY_S)
