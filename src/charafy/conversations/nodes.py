"""The processes that lead conversations: who there is, and who has room for one more."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
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
"""Carries `Nodes.word` from the API to a node."""
STRANGER: Final = 403
"""What a node answers whom it does not know; it did nothing."""
FRESH_S: Final = 300.0
"""How far the clocks of two machines may be apart, and how long a word is good for."""
BEAT_S: Final = 10.0
SILENCE: Final = timedelta(seconds=30)
"""Who was not heard of for this long gets no more conversations."""
FORGET: Final = timedelta(days=1)
RETRY_AFTER_S: Final = 15
_DIGITS: Final = 12
"""Of a moment in seconds."""


class Nodes:
    """Thread-safe; safe from many processes."""

    def __init__(self, db: Database, clock: Clock, secret: bytes) -> None:
        self._db = db
        self._clock = clock
        self._key = hmac.digest(secret, b"charafy talk node", "sha256")

    def word(self, name: str, method: str, body: bytes) -> str:
        """What shows the node of this name that a request comes from an API of ours.

        For this request alone: who listens to the network learns nothing to make others with.
        """
        return self._word(name, method, body, int(self._clock.now().timestamp()))

    def is_ours(self, word: str, name: str, method: str, body: bytes) -> bool:
        """Whether `word` was made lately, for this request to the node of this name."""
        said_at, _, _ = word.partition(".")
        # No int() of what a stranger made as long as he liked.
        if not (said_at.isascii() and said_at.isdigit() and len(said_at) <= _DIGITS):
            return False
        if abs(self._clock.now().timestamp() - int(said_at)) > FRESH_S:
            return False
        wanted = self._word(name, method, body, int(said_at))
        return hmac.compare_digest(word.encode(), wanted.encode())

    def _word(self, name: str, method: str, body: bytes, at_s: int) -> str:
        signed = f"{at_s}\n{name}\n{method}\n".encode() + body
        return f"{at_s}.{hmac.digest(self._key, signed, 'sha256').hex()}"

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

    def rest(self, name: str) -> None:
        """It takes no more conversations; those that it leads go on, and find it."""
        with self._db.write() as tx:
            tx.execute(talk_nodes.update().where(talk_nodes.c.name == name).values(capacity=0))

    def leave(self, name: str) -> None:
        """It is not there any more."""
        with self._db.write() as tx:
            tx.execute(talk_nodes.delete().where(talk_nodes.c.name == name))

    def find(self, name: str) -> Node | None:
        """The node of this name, heard of lately or not."""
        wanted = sa.select(*_COLUMNS).where(talk_nodes.c.name == name)
        with self._db.read() as tx:
            row = tx.execute(wanted).mappings().first()
        return None if row is None else Node(**row)

    def signs(self) -> dict[str, datetime]:
        """The last sign of life of each node, by name, by the clock of who gave it."""
        with self._db.read() as tx:
            rows = tx.execute(sa.select(talk_nodes.c.name, talk_nodes.c.seen_at)).all()
        return {row.name: row.seen_at for row in rows}

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
