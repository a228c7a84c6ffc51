"""The outbox: events that wait in the database until a sender takes them.

A delivery is taken by a lease: `due_at` moves to the lease's end, so that whoever dies with it
merely delays it. Sending is therefore at least once, and a receiver knows a repetition by its
`webhook-id`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa

from charafy.kernel.db import Tx
from charafy.kernel.ids import new_id
from charafy.webhooks.models import Endpoint
from charafy.webhooks.queries import endpoint_of
from charafy.webhooks.tables import deliveries, endpoints, events

_CANCELLED: Final[Mapping[str, Any]] = MappingProxyType(
    {"status": "cancelled", "due_at": None, "lease": None}
)


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that nobody is sending although it is time."""

    delivery_id: str
    endpoint_id: str
    account_id: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that is ours to send until its lease ends."""

    delivery_id: str
    lease: str
    event_id: str
    event_type: str
    body: bytes
    tries: int
    """Attempts before this one since the schedule began."""
    endpoint: Endpoint


def add(
    tx: Tx,
    account_id: str,
    event_type: str,
    *,
    body: bytes,
    endpoint_ids: Iterable[str],
    now: datetime,
) -> list[str]:
    """Write an event and its delivery to each of the endpoints; the ids of the deliveries."""
    event_id = new_id()
    event = {
        "id": event_id,
        "account_id": account_id,
        "type": event_type,
        "body": body,
        "created_at": now,
    }
    rows = [
        {
            "id": new_id(),
            "event_id": event_id,
            "endpoint_id": endpoint_id,
            "status": "pending",
            "tries": 0,
            "due_at": now,
            "created_at": now,
        }
        for endpoint_id in endpoint_ids
    ]
    tx.execute(events.insert(), event)
    tx.execute(deliveries.insert(), rows)
    return [str(row["id"]) for row in rows]


def due(tx: Tx, now: datetime, limit: int, *, without: Collection[str] = ()) -> list[Due]:
    """What to send next: of each endpoint the oldest, and accounts in turn.

    `without`: endpoints that must wait.
    """
    by_endpoint = (
        sa.func.row_number()
        .over(
            partition_by=deliveries.c.endpoint_id, order_by=(deliveries.c.due_at, deliveries.c.id)
        )
        .label("place")
    )
    waiting = (
        sa.select(deliveries.c.id, deliveries.c.due_at, deliveries.c.endpoint_id, by_endpoint)
        .where(deliveries.c.due_at <= now, deliveries.c.endpoint_id.not_in(without))
        .subquery()
    )
    turn = (
        sa.func.row_number()
        .over(partition_by=endpoints.c.account_id, order_by=(waiting.c.due_at, waiting.c.id))
        .label("turn")
    )
    first = (
        sa.select(
            waiting.c.id, waiting.c.due_at, endpoints.c.account_id, waiting.c.endpoint_id, turn
        )
        .join(endpoints, endpoints.c.id == waiting.c.endpoint_id)
        .where(waiting.c.place == 1)
        .subquery()
    )
    wanted = sa.select(first).order_by(first.c.turn, first.c.due_at).limit(limit)
    return [Due(row.id, row.endpoint_id, row.account_id) for row in tx.execute(wanted)]


def claim(tx: Tx, delivery_ids: Iterable[str], now: datetime, until: datetime) -> list[Claim]:
    """Take those that are still due; those of a disabled endpoint are cancelled instead."""
    lease = new_id()
    mine = (
        sa.select(deliveries.c.id)
        .where(deliveries.c.id.in_(list(delivery_ids)), deliveries.c.due_at <= now)
        .with_for_update(skip_locked=True)
    )
    taken = (
        deliveries.update()
        .where(deliveries.c.id.in_(mine))
        .values(lease=lease, due_at=until)
        .returning(deliveries.c.id)
    )
    ids = tx.execute(taken).scalars().all()
    claims = _claims(tx, ids, lease)
    asleep = [claim.delivery_id for claim in claims if not claim.endpoint.enabled]
    if asleep:  # An event came while its endpoint was being disabled.
        tx.execute(deliveries.update().where(deliveries.c.id.in_(asleep)).values(**_CANCELLED))
    return [claim for claim in claims if claim.endpoint.enabled]


def cancel(tx: Tx, endpoint_id: str, now: datetime) -> None:
    """Give up what waits for an endpoint. What is being sent right now runs to its end."""
    idle = sa.or_(deliveries.c.lease.is_(None), deliveries.c.due_at <= now)
    tx.execute(
        deliveries.update()
        .where(deliveries.c.endpoint_id == endpoint_id, deliveries.c.due_at.is_not(None), idle)
        .values(**_CANCELLED)
    )


def _claims(tx: Tx, ids: Sequence[str], lease: str) -> list[Claim]:
    if not ids:
        return []
    columns = (deliveries.c.id, deliveries.c.tries, deliveries.c.endpoint_id, deliveries.c.event_id)
    told = (
        sa.select(*columns, events.c.type, events.c.body)
        .join(events, events.c.id == deliveries.c.event_id)
        .where(deliveries.c.id.in_(ids))
    )
    rows = tx.execute(told).all()
    theirs = sa.select(endpoints).where(endpoints.c.id.in_({row.endpoint_id for row in rows}))
    known = {row["id"]: endpoint_of(row) for row in tx.execute(theirs).mappings()}
    return [
        Claim(row.id, lease, row.event_id, row.type, row.body, row.tries, known[row.endpoint_id])
        for row in rows
        if row.endpoint_id in known
    ]
