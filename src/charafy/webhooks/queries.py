"""The SQL of endpoints and of the delivery log. Reads start from the account that asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from charafy.kernel.cursors import is_behind
from charafy.kernel.db import Tx
from charafy.kernel.ids import is_id
from charafy.webhooks.models import Attempt, Delivery, Endpoint, OldSecret
from charafy.webhooks.tables import attempts, deliveries, endpoints, events

_DELIVERIES = (
    sa.select(deliveries, events.c.type)
    .join(events, events.c.id == deliveries.c.event_id)
    .join(endpoints, endpoints.c.id == deliveries.c.endpoint_id)
)


def count(tx: Tx, account_id: str) -> int:
    mine = endpoints.c.account_id == account_id
    return tx.execute(sa.select(sa.func.count()).where(mine)).scalar_one()


def find(tx: Tx, account_id: str, endpoint_id: str, *, to_change: bool = False) -> Endpoint | None:
    """The account's own endpoint of this id, if there is one.

    `to_change` keeps others from changing it until `tx` ends.
    """
    if not is_id(endpoint_id):
        return None
    wanted = sa.select(endpoints).where(
        endpoints.c.id == endpoint_id.lower(), endpoints.c.account_id == account_id
    )
    if to_change:
        wanted = wanted.with_for_update(key_share=True)
    row = tx.execute(wanted).mappings().first()
    return endpoint_of(row) if row else None


def newest_first(tx: Tx, account_id: str, limit: int, cursor: str | None) -> list[Endpoint]:
    wanted = sa.select(endpoints).where(endpoints.c.account_id == account_id)
    if cursor is not None:
        wanted = wanted.where(is_behind(endpoints.c.created_at, endpoints.c.id, cursor))
    order = (endpoints.c.created_at.desc(), endpoints.c.id.desc())
    return [endpoint_of(row) for row in tx.execute(wanted.order_by(*order).limit(limit)).mappings()]


def listening(tx: Tx, account_id: str, event_type: str) -> list[str]:
    """Ids of the enabled endpoints that want this event; none is deleted before `tx` ends."""
    wanted = sa.select(endpoints.c.id, endpoints.c.events).where(
        endpoints.c.account_id == account_id, endpoints.c.enabled
    )
    locked = wanted.order_by(endpoints.c.id).with_for_update(read=True, key_share=True)
    rows = tx.execute(locked)
    return [row.id for row in rows if row.events is None or event_type in row.events]


def endpoint_of(row: sa.RowMapping) -> Endpoint:
    return Endpoint(
        endpoint_id=row["id"],
        account_id=row["account_id"],
        url=row["url"],
        description=row["description"],
        events=None if row["events"] is None else tuple(row["events"]),
        enabled=row["enabled"],
        disabled_reason=row["disabled_reason"],
        disabled_at=row["disabled_at"],
        generation=row["generation"],
        retiring=retiring_of(row["retiring"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def retiring_of(stored: Iterable[Any]) -> tuple[OldSecret, ...]:
    return tuple(OldSecret(number, datetime.fromisoformat(until)) for number, until in stored)


def stored_retiring(secrets: Iterable[OldSecret]) -> list[Any]:
    return [[secret.generation, secret.until.isoformat()] for secret in secrets]


def delivery(tx: Tx, account_id: str, delivery_id: str) -> Delivery | None:
    """The account's own delivery of this id, if there is one."""
    if not is_id(delivery_id):
        return None
    wanted = _DELIVERIES.where(
        deliveries.c.id == delivery_id.lower(), endpoints.c.account_id == account_id
    )
    found = _with_attempts(tx, tx.execute(wanted).mappings().all())
    return found[0] if found else None


def deliveries_newest_first(
    tx: Tx, endpoint_id: str, limit: int, cursor: str | None
) -> list[Delivery]:
    wanted = _DELIVERIES.where(deliveries.c.endpoint_id == endpoint_id)
    if cursor is not None:
        wanted = wanted.where(is_behind(deliveries.c.created_at, deliveries.c.id, cursor))
    order = (deliveries.c.created_at.desc(), deliveries.c.id.desc())
    return _with_attempts(tx, tx.execute(wanted.order_by(*order).limit(limit)).mappings().all())


def _with_attempts(tx: Tx, rows: Sequence[sa.RowMapping]) -> list[Delivery]:
    made: defaultdict[str, list[Attempt]] = defaultdict(list)
    wanted = sa.select(attempts).where(attempts.c.delivery_id.in_([row["id"] for row in rows]))
    for row in tx.execute(wanted.order_by(attempts.c.seq)):
        made[row.delivery_id].append(
            Attempt(row.at, row.duration_ms, row.response_status, row.response_body, row.error)
        )
    return [
        Delivery(
            delivery_id=row["id"],
            endpoint_id=row["endpoint_id"],
            event_id=row["event_id"],
            event_type=row["type"],
            status=row["status"],
            attempts=tuple(made[row["id"]]),
            next_attempt_at=None if row["lease"] else row["due_at"],
            created_at=row["created_at"],
        )
        for row in rows
    ]
