"""A client's messages, each taken once: what it has no receipt for, it sends again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from charafy.talk import events
from charafy.talk.events import Event

if TYPE_CHECKING:
    from charafy.conversations.models import Before

_MOST: Final = 64
"""Ids that are remembered: more than a client keeps to send again."""
_LONGEST: Final = 64
"""Characters of an id that gets a receipt."""


class Receipts:
    """Of one client, in one process."""

    def __init__(self, tell: Callable[[Event], object], before: Before | None = None) -> None:
        """`before`: what another process led until it was lost, perhaps with a receipt unsent."""
        self._tell = tell
        self._taken: OrderedDict[str, None] = OrderedDict()
        last = before.turns[-1] if before is not None and before.turns else None
        self._unanswered = last.text if last is not None and last.role == "user" else None

    def take(self, message: dict[str, Any]) -> bool:
        """Give a receipt where the message has an id. False: it was taken before.

        Only what says of itself that it comes `again` can be that: not every client's ids differ.
        """
        key = message.get("id")
        if not isinstance(key, str) or not 0 < len(key) <= _LONGEST:
            return True
        again = message.get("again") is True and (key in self._taken or self._is_known(message))
        self._taken[key] = None
        if len(self._taken) > _MOST:
            self._taken.popitem(last=False)
        self._tell(events.server("received", id=key))
        return not again

    def _is_known(self, message: dict[str, Any]) -> bool:
        """Whether it is the turn that the process before had taken and not answered."""
        if self._unanswered is None or message.get("type") != "send-text":
            return False
        data = message.get("data")
        known = isinstance(data, dict) and data.get("content") == self._unanswered
        if known:
            self._unanswered = None
        return known
