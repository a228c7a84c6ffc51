"""Conversations in rooms of LiveKit whose process is lost: another takes them over, once.

A conversation has a term: how many processes led it before. Who takes it over begins the next one,
by one guarded change of its row; whoever led it before can change nothing of it from then on. All
of it is synchronous and waits for the database: call it off the event loop.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from charafy.conversations import queries
from charafy.conversations.models import Admitted, Before, Conversation
from charafy.conversations.sessions import LEASE, ROOM, Sessions, lasted_until_last_beat
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx


@dataclass(frozen=True, slots=True)
class Lost:
    """A conversation as it was when nobody seemed to lead it."""

    conversation_id: str
    term: int
    lease_until: datetime


class Succession:
    """Thread-safe; safe from many processes."""

    def __init__(self, db: Database, clock: Clock, sessions: Sessions) -> None:
        self._db = db
        self._clock = clock
        self._sessions = sessions

    def left_by(self, nodes: Collection[str], limit: int) -> list[Lost]:
        """What these nodes led, and what was handed over by any; the most urgent first.

        Not what is given up already: that is settled.
        """
        now = self._clock.now()
        with self._db.read() as tx:
            found = queries.in_rooms_of(tx, {*nodes, None}, ROOM, limit)
        return [
            Lost(one.conversation_id, one.term, one.lease_until)
            for one in found
            if one.lease_until > now
        ]

    def take_over(self, lost: Lost, node: str) -> Admitted | None:
        """Let `node` lead it from now on; None: it gave a sign of life, or another was faster.

        Also None where its character is gone: then it is settled when its lease is over.
        """
        now = self._clock.now()
        with self._db.write() as tx:
            found = queries.find(tx, lost.conversation_id, lock=True)
            if found is None or not _is_as_it_was(found, lost) or found.lease_until < now:
                return None
            talker = self._sessions.talker(tx, found)
            if talker is None:
                return None
            before = self._before(tx, found)
            gap_s = found.gap_s
            if found.connected_at is not None and before is not None:
                gap_s = max(0.0, (now - found.connected_at).total_seconds() - before.seconds)
            taken = queries.update(
                tx,
                found.conversation_id,
                ["live"],
                led_in=lost.term,
                term=lost.term + 1,
                node=node,
                gap_s=gap_s,
                lease_until=now + LEASE,
            )
        if taken is None:
            return None
        return Admitted.to(taken, talker, before=before)

    def hand_over(
        self, conversation_id: str, *, term: int, video_seconds: float | None = None
    ) -> bool:
        """Let another lead it; False: another does already, or it is over.

        Where none takes it, it is settled up to now when its lease is over.
        """
        seen = {} if video_seconds is None else {"video_seconds": video_seconds}
        with self._db.write() as tx:
            until = self._clock.now() + LEASE
            left = queries.update(
                tx, conversation_id, ["live"], led_in=term, node=None, lease_until=until, **seen
            )
        return left is not None

    def has_moved(self, conversation_id: str, term: int) -> bool:
        """Whether another leads it since, or led it until it was over."""
        with self._db.read() as tx:
            found = queries.find(tx, conversation_id)
        return found is not None and found.term != term

    def _before(self, tx: Tx, found: Conversation) -> Before | None:
        if found.connected_at is None:
            return None
        return Before(
            seconds=lasted_until_last_beat(found),
            video_seconds=found.video_seconds,
            turns=tuple(queries.turns_of(tx, found.conversation_id)),
        )


def _is_as_it_was(found: Conversation, lost: Lost) -> bool:
    """Who leads it said nothing meanwhile, and nobody else took it."""
    return (found.state, found.term, found.lease_until) == ("live", lost.term, lost.lease_until)
