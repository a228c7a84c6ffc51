"""How an account's conversations go: how many, how long, and how soon characters answer."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from charafy.conversations.tables import conversations, turns
from charafy.kernel.db import Database

HEARD: Final = "audible"
"""The stage of an answer at which its first sound was heard."""
ANSWERS: Final = 1_000
"""The newest, of which the usual time is told."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Of all conversations that somebody came to, since a moment."""

    conversations: int
    seconds: float
    credits: int
    answer_s: float | None
    """Median from the end of what a visitor said to the first sound; None: nothing was answered."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Of one conversation."""

    turns: int
    answer_s: float | None
    """As of an overview."""


class Overviews:
    """Of the conversations of all accounts. Thread-safe."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def overview(self, account_id: str, since: datetime) -> Overview:
        mine = sa.and_(
            conversations.c.account_id == account_id,
            conversations.c.created_at >= since,
            conversations.c.connected_at.is_not(None),
        )
        sums = sa.select(
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(conversations.c.seconds), 0),
            sa.func.coalesce(sa.func.sum(conversations.c.charged), 0),
        ).where(mine)
        answers = (
            sa.select(turns.c.latency)
            .join(conversations, conversations.c.id == turns.c.conversation_id)
            .where(mine, turns.c.role == "assistant")
            .order_by(conversations.c.created_at.desc(), turns.c.number.desc())
            .limit(ANSWERS)
        )
        with self._db.read() as tx:
            count, seconds, credits = tx.execute(sums).one()
            latencies = tx.execute(answers).scalars().all()
        return Overview(count, float(seconds), int(credits), _usual(latencies))

    def summaries(self, account_id: str, conversation_ids: Collection[str]) -> dict[str, Summary]:
        """By conversation; those of others, and unknown ones, are left out."""
        mine = sa.select(conversations.c.id).where(
            conversations.c.id.in_(conversation_ids), conversations.c.account_id == account_id
        )
        said = sa.select(turns.c.conversation_id, turns.c.latency).where(
            turns.c.conversation_id.in_(mine)
        )
        counts: Counter[str] = Counter()
        latencies: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        with self._db.read() as tx:
            ids = tx.execute(mine).scalars().all()
            for conversation_id, latency in tx.execute(said):
                counts[conversation_id] += 1
                latencies[conversation_id].append(latency)
        return {one: Summary(counts[one], _usual(latencies[one])) for one in ids}


def _usual(latencies: Collection[Mapping[str, Any]]) -> float | None:
    heard = [float(latency[HEARD]) for latency in latencies if HEARD in latency]
    return statistics.median(heard) if heard else None
