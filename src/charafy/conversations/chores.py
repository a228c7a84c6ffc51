"""What must happen to conversations although nobody asks: lost nodes, unused tokens, old rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog

from charafy.conversations import queries
from charafy.conversations.endings import Endings
from charafy.conversations.models import Conversation, Ending
from charafy.conversations.sessions import ROOM, lasted_until_last_beat
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.observe import describe

log = structlog.get_logger("charafy.conversations")

HOLD_SLACK: Final = timedelta(days=1)
"""Credits stay set aside this much longer than a conversation may take, so that it is settled
with its reason, also after a day without anybody who sweeps, before they go back by themselves."""
KEEP_DELETED: Final = timedelta(days=1)
_BATCH: Final = 100


class Chores:
    """Each is safe to run at any time, in any number of processes."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        endings: Endings,
        keep_days: int,
        close_room: Callable[[str], None] | None = None,
    ) -> None:
        """`keep_days`: after how many days what ended is removed; 0: never.

        `close_room` sends the visitor out of a room of LiveKit where nobody will come any more.
        """
        self._db = db
        self._clock = clock
        self._endings = endings
        self._keep_days = keep_days
        self._close_room = close_room

    def end_lapsed(self) -> int:
        """Settle what nobody looks after: up to the last sign of life, or not at all."""
        with self._db.read() as tx:
            lapsed = queries.lapsed(tx, self._clock.now(), _BATCH)
        for conversation in lapsed:
            try:
                self._end_lapsed(conversation.conversation_id)
            except Exception as error:  # noqa: BLE001 - one that fails must not keep others' credits
                log.error("not_settled", **describe(error))
        return len(lapsed)

    def _end_lapsed(self, conversation_id: str) -> None:
        with self._db.write() as tx:
            # As it is now: a beat may have come, or a client, since it was read.
            found = queries.find(tx, conversation_id, lock=True)
            if found is None or not self._is_lapsed(found):
                return
            self._endings.end(tx, found, _ending(found))
        if self._close_room is not None and (found.pc_id or "").startswith(ROOM):
            self._close_room(conversation_id)

    def remove_old(self) -> int:
        """Forget what ended longer ago than it is kept, and what was deleted a day ago."""
        now = self._clock.now()
        with self._db.read() as tx:
            old = queries.forgettable(
                tx,
                ended_before=now - timedelta(days=self._keep_days) if self._keep_days else None,
                deleted_before=now - KEEP_DELETED,
                limit=_BATCH,
            )
        if old:
            with self._db.write() as tx:
                queries.delete(tx, old)
        return len(old)

    def _is_lapsed(self, conversation: Conversation) -> bool:
        return conversation.state != "ended" and conversation.lease_until < self._clock.now()


def _ending(conversation: Conversation) -> Ending:
    if conversation.state == "minted":
        return Ending("never_connected", 0.0)
    return Ending("node_lost", lasted_until_last_beat(conversation), conversation.video_seconds)
