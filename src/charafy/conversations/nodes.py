"""The processes that lead conversations: who there is, and who has room for one more."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Final

import sqlalchemy as sa

from charafy.conversations import queries
from charafy.conversations.models import Node
from charafy.conversations.tables import talk_nodes
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import TooManyRequests, UpstreamFailed

__all__ = ["NODE_HEADER", "Node", "Nodes"]

NODE_HEADER: Final = "x-charafy-node"
"""Carries `Nodes.key` from the API to a node."""
BEAT_S: Final = 10.0
SILENCE: Final = timedelta(seconds=30)
"""Who was not heard of for this long gets no more conversations."""
FORGET: Final = timedelta(days=1)
RETRY_AFTER_S: Final = 15


class Nodes:
    """Thread-safe; safe from many processes."""

    def __init__(self, db: Database, clock: Clock, secret: bytes) -> None:
        self._db = db
        self._clock = clock
        self.key = hmac.new(secret, b"charafy talk node", hashlib.sha256).hexdigest()
        """What the API and nodes know each other by; a node answers nobody else."""

    def register(self, name: str, url: str, capacity: int) -> None:
        """A node is there; it takes the place of an earlier one of its name."""
        row = {
            "url": url.rstrip("/"),
            "capacity": capacity,
            "sessions": 0,
            "seen_at": self._clock.now(),
        }
        with self._db.write() as tx:
            tx.execute(talk_nodes.delete().where(talk_nodes.c.name == name))
            tx.execute(talk_nodes.insert(), {"name": name, **row})

    def beat(self, name: str, sessions: int) -> bool:
        """It is still there, with so many conversations; False: unknown, so `register` again.

        To be said every `BEAT_S`.
        """
        changed = (
            talk_nodes.update()
            .where(talk_nodes.c.name == name)
            .values(sessions=sessions, seen_at=self._clock.now())
            .returning(talk_nodes.c.name)
        )
        with self._db.write() as tx:
            return tx.execute(changed).first() is not None

    def leave(self, name: str) -> None:
        """It takes no more conversations; those that it leads go on."""
        with self._db.write() as tx:
            tx.execute(talk_nodes.delete().where(talk_nodes.c.name == name))

    def find(self, name: str) -> Node | None:
        """The node of this name, heard of lately or not."""
        wanted = sa.select(*_COLUMNS).where(talk_nodes.c.name == name)
        with self._db.read() as tx:
            row = tx.execute(wanted).mappings().first()
        return None if row is None else Node(**row)

    def choose(self) -> list[Node]:
        """Those that have room, the emptiest first; never none.

        Raises `TooManyRequests` (`at_capacity`) when all are full, `UpstreamFailed` when there is
        none at all.
        """
        with self._db.read() as tx:
            heard = self._heard(tx)
        if not heard:
            raise UpstreamFailed(
                "Nothing that leads conversations is running; nothing was charged.",
                code="talk_unavailable",
            )
        free = [node for node in heard if node.sessions < node.capacity]
        if not free:
            raise at_capacity()
        return sorted(free, key=lambda node: (node.sessions / node.capacity, node.name))

    def forget_gone(self) -> None:
        """Remove those that nobody heard of for a day."""
        with self._db.write() as tx:
            tx.execute(talk_nodes.delete().where(talk_nodes.c.seen_at < self._clock.now() - FORGET))

    def _heard(self, tx: Tx) -> list[Node]:
        """As busy as they say, or as they became since, whichever is more."""
        live = queries.live_by_node(tx)
        wanted = sa.select(*_COLUMNS).where(talk_nodes.c.seen_at >= self._clock.now() - SILENCE)
        return [
            Node(
                row["name"],
                row["url"],
                row["capacity"],
                max(row["sessions"], live.get(row["name"], 0)),
            )
            for row in tx.execute(wanted).mappings()
        ]


def at_capacity() -> TooManyRequests:
    return TooManyRequests(
        "As many conversations as this server can lead are going on. Nothing was charged and the "
        "token stays good: try again in a moment.",
        retry_after_s=RETRY_AFTER_S,
        code="at_capacity",
    )


_COLUMNS = (talk_nodes.c.name, talk_nodes.c.url, talk_nodes.c.capacity, talk_nodes.c.sessions)
