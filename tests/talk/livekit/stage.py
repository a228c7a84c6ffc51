"""A whole server on the loopback whose conversations LiveKit carries, and a node in a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from charafy.conversations.models import Conversation
from charafy.house import House
from charafy.talk.dispatch import Dispatch
from charafy.talk.film import Films
from charafy.talk.node import Node
from tests.support.conversations import row
from tests.support.mouthing import Lamp
from tests.support.talking import ScriptedCrew
from tests.support.videos import Customer
from tests.talk.test_node import node_of

PATIENCE_S = 90.0

T = TypeVar("T")


class Stage:
    """`close` it."""

    def __init__(self, house: House, owner: Customer, crew: ScriptedCrew) -> None:
        self.house = house
        self.owner = owner
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="node", daemon=True)
        self._thread.start()
        self._films = Films(lambda _who: Lamp(), capacity=1)
        self.run(self._begin(crew))

    async def _begin(self, crew: ScriptedCrew) -> None:
        room = self.house.conversation_room
        assert room.livekit is not None
        self.node: Node = node_of(self.house, crew, films=self._films)
        dispatch = Dispatch(room.livekit, self.node, room.sessions, room.nodes)
        self._serving = asyncio.create_task(dispatch.run())
        await dispatch.ready.wait()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def close(self) -> None:
        try:
            self.run(self._end())
        finally:
            self._films.close()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE_S)

    async def _end(self) -> None:
        await self.node.drain(10)
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)

    def newest(self) -> Conversation:
        found, _ = self.house.conversation_room.conversations.page(self.owner.account_id, limit=1)
        return row(self.house, found[0].conversation_id)

    def ended(self) -> Conversation:
        """The newest conversation, once it is settled."""
        self.until(lambda: self.newest().state == "ended")
        return self.newest()

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, "it did not come to that"
            time.sleep(0.05)
