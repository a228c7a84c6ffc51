"""Language models that characters bring along: asked beside the crew's, one client for each.

A model is kept while a conversation uses it, and a few that were used last, whose connections are
there for the next one.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from charafy.engines.language import Asked, Chat
from charafy.talk.crew import Thinker, relayed

if TYPE_CHECKING:
    from charafy.characters.service import OwnModel

KEPT: Final = 16
"""Models that are kept although no conversation uses them."""


class Guest:
    """A `Thinker` with a model of its own."""

    def __init__(self, chat: Chat, pool: ThreadPoolExecutor) -> None:
        self._chat = chat
        self._pool = pool

    def think(self, asked: Asked) -> AsyncGenerator[str, None]:
        return relayed(self._pool, lambda: self._chat.reply(asked))

    async def warm(self, asked: Asked) -> None:
        await asyncio.get_running_loop().run_in_executor(self._pool, self._chat.warm, asked)


class Guests:
    """Of a process; `threads` answers may be waited for at once."""

    def __init__(self, invite: Callable[[OwnModel], Chat], *, threads: int) -> None:
        """`invite` makes a client; if it has a `close`, it is called once nobody needs it."""
        self._invite = invite
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="guest")
        self._lock = threading.Lock()
        self._there: weakref.WeakValueDictionary[OwnModel, Guest] = weakref.WeakValueDictionary()
        self._last: OrderedDict[OwnModel, Guest] = OrderedDict()

    def thinker(self, model: OwnModel) -> Thinker:
        """Who asks this model, with its key, at its address: always the same while it is used."""
        with self._lock:
            guest = self._there.get(model)
            if guest is None:
                chat = self._invite(model)
                guest = self._there[model] = Guest(chat, self._pool)
                close = getattr(chat, "close", None)
                if close is not None:
                    weakref.finalize(guest, close).atexit = False
            self._last[model] = guest
            self._last.move_to_end(model)
            while len(self._last) > KEPT:
                self._last.popitem(last=False)
            return guest

    def rehearsing(self) -> Thinker:
        """Who answers test keys: scripted, the same every time, at nobody's cost."""
        from charafy.engines.language.scripted import ScriptedChat

        return Guest(ScriptedChat(), self._pool)

    def close(self) -> None:
        """Take no more work."""
        self._pool.shutdown(wait=False, cancel_futures=True)
