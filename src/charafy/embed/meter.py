"""What visitors use of embedded characters, written down where each conversation ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from charafy.embed import queries
from charafy.embed.budget import by_day
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx

ENDED: Final = "conversation.ended"
KEEP: Final = timedelta(days=400)
"""Longer than any limit looks back: a year to be shown."""


class Meter:
    """Thread-safe; hears of every conversation that ends and knows which were embedded."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def hear(self, tx: Tx, _account_id: str, event: str, data: Mapping[str, object]) -> None:
        """As webhooks are told of it: `data` is a `ConversationAnswer`."""
        if event != ENDED:
            return
        session = queries.take_session(tx, str(data["conversation_id"]))
        begun, seconds = data["connected_at"], data["duration_s"]
        if session is None or not isinstance(begun, str) or not isinstance(seconds, int | float):
            return  # somebody else's, or one to which nobody came
        count = 1
        for day, part in by_day(datetime.fromisoformat(begun), seconds):
            queries.add_use(tx, session, day, part, count)
            count = 0

    def forget_old(self) -> None:
        with self._db.write() as tx:
            queries.forget_days(tx, (self._clock.now() - KEEP).date())

    def erase(self, tx: Tx, account_id: str) -> None:
        """Forget what visitors of an account used that is being deleted."""
        queries.erase(tx, account_id)
