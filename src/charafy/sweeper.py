"""Housekeeping that must happen although nobody asks: expired holds, old keys and sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

import structlog

from charafy.kernel.observe import describe

log = structlog.get_logger("charafy.sweeper")

INTERVAL_S = 30.0

Chore = Callable[[], object]
"""Does its work in one short transaction; what it returns is not looked at."""


class Sweeper:
    """Runs every chore at the start and then every `INTERVAL_S`, each in a worker thread."""

    def __init__(self, chores: Mapping[str, Chore], interval_s: float = INTERVAL_S) -> None:
        self._chores = chores
        self._interval_s = interval_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self.forever(), name="sweeper")

    async def stop(self) -> None:
        """End the loop; a chore under way finishes in its thread."""
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._task = None

    def sweep(self) -> None:
        """Run every chore once, here and now."""
        for name, chore in self._chores.items():
            try:
                chore()
            except Exception as error:  # noqa: BLE001 - one failing chore must not stop the others
                log.error("chore_failed", chore=name, **describe(error))

    async def forever(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.to_thread(self.sweep)
            await asyncio.sleep(self._interval_s)
