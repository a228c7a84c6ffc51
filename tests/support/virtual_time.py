"""An event loop whose clock jumps: what waits for seconds is over in milliseconds, in order.

Only for code whose waits are all timers: while a thread or a socket is waited for, time stands.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumping(selectors.DefaultSelector):
    """Moves the clock by what it would have waited."""

    now = 0.0
    threads = 0
    """Pieces of work in threads: these take real time."""

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0.0005 if self.threads else 0)
        if not ready and timeout is not None and timeout > 0 and not self.threads:
            self.now += timeout
        elif not ready and timeout is None:
            return super().select(0.01)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Any, *args: Any
    ) -> Any:
        """Real time passes while a thread works; the clock stands."""
        self._jumping.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._back)
        return future

    def _back(self, _: object) -> None:
        self._jumping.threads -= 1


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
