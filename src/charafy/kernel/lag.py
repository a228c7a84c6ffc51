"""How far behind an event loop is: what holds it up holds up everybody it serves."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

EVERY_S: Final = 0.5


class Observes(Protocol):
    def observe(self, amount: float) -> None: ...


async def watch_lag(seen: Observes, every_s: float = EVERY_S) -> None:
    """Until cancelled: tell `seen`, every `every_s`, how many seconds too late this woke up."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + every_s
        await asyncio.sleep(every_s)
        seen.observe(max(0.0, loop.time() - due_s))
