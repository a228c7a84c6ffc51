"""How a talk process finds conversations of LiveKit whose own process is lost, and goes on.

The visitor stays in the room. What tells of a lost process is our database, not LiveKit: a process
beats there anyway, whereas LiveKit keeps a killed one in its rooms for longer than this takes, and
its webhooks would have to reach us. Silence is measured by who watches, with a clock that never
jumps and only while the database answers, as of workers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import structlog

from charafy.kernel.errors import CharafyError
from charafy.kernel.observe import describe

if TYPE_CHECKING:
    from charafy.conversations.livekit import LiveKit
    from charafy.conversations.nodes import Nodes
    from charafy.conversations.succession import Lost, Succession
    from charafy.talk.node import Node

log = structlog.get_logger("charafy.talk")

SILENCE_S: Final = 10.0
"""How long a process may give no sign of life: four of its beats."""
_ROUND_S: Final = 1.0
_AT_ONCE: Final = 4


class Silence:
    """Who gave no sign of life for `SILENCE_S`, as one watcher sees it."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._seen: dict[str, tuple[datetime, float]] = {}
        """By name: the last sign of life, and when it was seen first by our own clock."""

    def of(self, signs: Mapping[str, datetime]) -> list[str]:
        """Names of those who are silent, now that these are the last signs of life."""
        now, seen = self._now(), self._seen
        self._seen = {
            name: seen[name] if name in seen and seen[name][0] == at else (at, now)
            for name, at in signs.items()
        }
        return [name for name, (_, since_s) in self._seen.items() if now - since_s >= SILENCE_S]

    def forget(self) -> None:
        """Let everybody's silence count from the next look on: nobody could give a sign."""
        self._seen = {}


class Succeeding:
    """Of one process. `run` until cancelled."""

    def __init__(
        self,
        livekit: LiveKit,
        node: Node,
        succession: Succession,
        nodes: Nodes,
        inherited: Sequence[Lost] = (),
    ) -> None:
        """`inherited`: what an earlier process of this one's name led. That one is gone."""
        self._livekit = livekit
        self._node = node
        self._succession = succession
        self._nodes = nodes
        self._inherited = inherited
        self._silence = Silence()

    async def run(self) -> None:
        """Take over what is lost, as far as there is room for it."""
        await self._take(self._inherited)
        while True:
            await asyncio.sleep(_ROUND_S)
            try:
                lost = await asyncio.to_thread(self._find)
            except Exception as error:  # noqa: BLE001 - whatever the database has: it is asked again
                log.warning("lost_ones_not_found", **describe(error))
                self._silence.forget()
            else:
                await self._take(lost)

    def _find(self) -> list[Lost]:
        """Waits for the database."""
        silent = self._silence.of(self._nodes.signs())
        if not self._node.has_room:
            return []
        others = [name for name in silent if name != self._node.name]
        return self._succession.left_by(others, _AT_ONCE)

    async def _take(self, lost: Sequence[Lost]) -> None:
        """Some at a time, so that other processes get their share."""
        for at in range(0, len(lost), _AT_ONCE):
            await asyncio.gather(*(self._take_one(one) for one in lost[at : at + _AT_ONCE]))

    async def _take_one(self, lost: Lost) -> None:
        if not self._node.has_room:
            return
        try:
            await self._node.take_over(lost, self._livekit)
        except CharafyError as error:
            log.warning("not_taken_over", conversation_id=lost.conversation_id, **describe(error))
        except Exception as error:  # noqa: BLE001 - whatever it is: others are lost as well
            log.error("not_taken_over", conversation_id=lost.conversation_id, **describe(error))
