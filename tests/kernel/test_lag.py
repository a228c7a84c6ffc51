"""What holds up an event loop is seen."""

from __future__ import annotations

import asyncio
import time

from charafy.kernel.lag import watch_lag


class Seen(list[float]):
    def observe(self, amount: float) -> None:
        self.append(amount)


def test_who_blocks_the_loop_is_told_by_how_late_it_comes_round() -> None:
    seen = Seen()
    asyncio.run(_block(seen))
    assert max(seen) > 0.25
    assert min(seen) >= 0


async def _block(seen: Seen) -> None:
    watching = asyncio.create_task(watch_lag(seen, every_s=0.01))
    await asyncio.sleep(0.03)
    time.sleep(0.3)
    await asyncio.sleep(0.03)
    watching.cancel()
