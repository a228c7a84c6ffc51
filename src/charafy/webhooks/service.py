"""The door to the webhooks feature: endpoints, what they are told of, and how that went."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from charafy.kernel.bell import Bell
from charafy.kernel.clock import Clock, iso
from charafy.kernel.cursors import cursor_after
from charafy.kernel.db import Database, Tx, after_commit, one_at_a_time
from charafy.kernel.endpoints import checked_url
from charafy.kernel.errors import Conflict, Forbidden, NotFound
from charafy.kernel.ids import new_id
from charafy.kernel.outside import Outside
from charafy.webhooks import outbox, queries
from charafy.webhooks.models import (
    EVENT_TYPES,
    MAX_OLD_SECRETS,
    OLD_SECRET_LIFE,
    TEST_EVENT,
    Attempt,
    Delivery,
    DeliveryPage,
    Endpoint,
    EndpointChanges,
    EndpointPage,
    OldSecret,
)
from charafy.webhooks.signing import Secrets
from charafy.webhooks.tables import deliveries, endpoints, events

__all__ = ["EVENT_TYPES", "Attempt", "Delivery", "Endpoint", "EndpointChanges", "Webhooks"]

SWEEP_AT_ONCE = 500
"""Events forgotten in one short transaction; the next sweep takes the next ones."""


class Webhooks:
    """Endpoints and their delivery log, of all accounts. Thread-safe."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        secrets: Secrets,
        outside: Outside,
        *,
        bell: Bell,
        per_account: int,
        log_days: int,
    ) -> None:
        """`bell` is rung when there is something to send."""
        self._db = db
        self._clock = clock
        self._secrets = secrets
        self._outside = outside
        self._bell = bell
        self._per_account = per_account
        self._log_life = timedelta(days=log_days)

    def emit(self, tx: Tx, account_id: str, event_type: str, data: Mapping[str, object]) -> None:
        """Tell the account's endpoints of an event, if and only if `tx` commits.

        `data` is JSON, best under 20 KB, and goes out as it is now. Raises `ValueError` for an
        unknown event type or for what is not JSON.
        """
        if event_type not in EVENT_TYPES:
            raise ValueError(f"{event_type!r} is no event type")
        told = queries.listening(tx, account_id, event_type)
        if told:
            self._queue(tx, account_id, event_type, data, told)

    def add(
        self,
        tx: Tx,
        account_id: str,
        url: str,
        *,
        events: tuple[str, ...] | None = None,
        description: str = "",
    ) -> Endpoint:
        """Make an endpoint; `events` None: all.

        Raises `BadRequest` for a URL that events are never sent to, `Forbidden`
        (`webhook_limit_reached`).
        """
        url = checked_url(self._outside, url)
        one_at_a_time(tx, f"webhooks of {account_id}")
        if queries.count(tx, account_id) >= self._per_account:
            raise Forbidden(
                f"An account can have {self._per_account} webhook endpoints.",
                code="webhook_limit_reached",
            )
        now, endpoint_id = self._clock.now(), new_id()
        row = {
            "id": endpoint_id,
            "account_id": account_id,
            "url": url,
            "description": description,
            "events": None if events is None else list(events),
            "enabled": True,
            "generation": 1,
            "retiring": [],
            "created_at": now,
            "updated_at": now,
        }
        tx.execute(endpoints.insert(), row)
        return self._owned(tx, account_id, endpoint_id)

    def secret(self, endpoint: Endpoint) -> str:
        """The newest secret, to be shown when it is made and never again."""
        return self._secrets.shown(endpoint.endpoint_id, endpoint.generation)

    def get(self, account_id: str, endpoint_id: str) -> Endpoint:
        """Raises `NotFound`."""
        with self._db.read() as tx:
            return self._owned(tx, account_id, endpoint_id)

    def page(self, account_id: str, limit: int, cursor: str | None) -> EndpointPage:
        """At most `limit` endpoints, newest first, from where `cursor` (an earlier page) ended."""
        with self._db.read() as tx:
            found = queries.newest_first(tx, account_id, limit + 1, cursor)
        page = found[:limit]
        more = len(found) > limit
        last = page[-1] if more else None
        return EndpointPage(page, cursor_after(last.created_at, last.endpoint_id) if last else None)

    def update(self, account_id: str, endpoint_id: str, changes: EndpointChanges) -> Endpoint:
        """Set what `changes` holds. Disabling cancels what waits. Raises as `add`, `NotFound`."""
        values: dict[str, Any] = {**changes, "updated_at": self._clock.now()}
        if "url" in changes:
            values["url"] = checked_url(self._outside, changes["url"])
            values["failing_since"] = None
        if changes.get("events") is not None:
            values["events"] = list(changes["events"] or ())
        with self._db.write() as tx:
            before = self._owned(tx, account_id, endpoint_id, to_change=True)
            if "enabled" in changes and changes["enabled"] != before.enabled:
                values |= self._switched(tx, before, on=changes["enabled"])
            mine = endpoints.c.id == before.endpoint_id
            tx.execute(endpoints.update().where(mine).values(**values))
            return self._owned(tx, account_id, endpoint_id)

    def delete(self, account_id: str, endpoint_id: str) -> None:
        """Remove an endpoint and its log. Raises `NotFound`."""
        with self._db.write() as tx:
            endpoint = self._owned(tx, account_id, endpoint_id)
            tx.execute(endpoints.delete().where(endpoints.c.id == endpoint.endpoint_id))

    def rotate(self, tx: Tx, account_id: str, endpoint_id: str) -> Endpoint:
        """Give an endpoint a new secret; the old one signs beside it for `OLD_SECRET_LIFE`.

        Raises `NotFound`, `Conflict` (`too_many_secrets`).
        """
        now = self._clock.now()
        endpoint = self._owned(tx, account_id, endpoint_id, to_change=True)
        old = [secret for secret in endpoint.retiring if secret.until > now]
        if len(old) >= MAX_OLD_SECRETS:
            raise Conflict(
                f"{MAX_OLD_SECRETS} old secrets are signing still: rotate again after "
                f"{iso(min(secret.until for secret in old))}.",
                code="too_many_secrets",
            )
        old.append(OldSecret(endpoint.generation, now + OLD_SECRET_LIFE))
        values = {
            "generation": endpoint.generation + 1,
            "retiring": queries.stored_retiring(old),
            "updated_at": now,
        }
        mine = endpoints.c.id == endpoint.endpoint_id
        tx.execute(endpoints.update().where(mine).values(**values))
        return self._owned(tx, account_id, endpoint_id)

    def test(self, tx: Tx, account_id: str, endpoint_id: str) -> Delivery:
        """Send a `webhook.test` event to one endpoint, once. Raises `NotFound`, `Conflict`."""
        endpoint = self._owned(tx, account_id, endpoint_id, to_change=True)
        _require_enabled(endpoint)
        data = {"endpoint_id": endpoint.endpoint_id}
        made = self._queue(tx, account_id, TEST_EVENT, data, [endpoint.endpoint_id])
        return self._delivery(tx, account_id, made[0])

    def deliveries(
        self, account_id: str, endpoint_id: str, limit: int, cursor: str | None
    ) -> DeliveryPage:
        """An endpoint's log, newest first, page by page. Raises `NotFound`."""
        with self._db.read() as tx:
            endpoint = self._owned(tx, account_id, endpoint_id)
            found = queries.deliveries_newest_first(tx, endpoint.endpoint_id, limit + 1, cursor)
        page = found[:limit]
        last = page[-1] if len(found) > limit else None
        return DeliveryPage(page, cursor_after(last.created_at, last.delivery_id) if last else None)

    def redeliver(self, tx: Tx, account_id: str, delivery_id: str) -> Delivery:
        """Send again at once, whatever became of it, and begin the schedule of retries anew.

        The event keeps its id. Raises `NotFound`, `Conflict` for a disabled endpoint.
        """
        delivery = self._delivery(tx, account_id, delivery_id)
        _require_enabled(self._owned(tx, account_id, delivery.endpoint_id))
        now = self._clock.now()
        idle = sa.or_(deliveries.c.lease.is_(None), deliveries.c.due_at <= now)
        tx.execute(
            deliveries.update()
            .where(deliveries.c.id == delivery.delivery_id, idle)
            .values(status="pending", tries=0, due_at=now, lease=None)
        )
        after_commit(tx, self._bell.ring)
        return self._delivery(tx, account_id, delivery_id)

    def sweep(self) -> int:
        """Forget old events with their deliveries: a chore. Returns how many there were."""
        old = (
            sa.select(events.c.id)
            .where(events.c.created_at < self._clock.now() - self._log_life)
            .limit(SWEEP_AT_ONCE)
        )
        with self._db.read() as tx:
            ids = tx.execute(old).scalars().all()
        if ids:
            with self._db.write() as tx:
                tx.execute(events.delete().where(events.c.id.in_(ids)))
        return len(ids)

    def erase(self, tx: Tx, account_id: str) -> None:
        """Delete all that is kept of an account."""
        # In this order: an event that is being written holds on to its endpoints.
        mine = endpoints.c.account_id == account_id
        tx.execute(sa.select(endpoints.c.id).where(mine).order_by(endpoints.c.id).with_for_update())
        tx.execute(endpoints.delete().where(mine))
        tx.execute(events.delete().where(events.c.account_id == account_id))

    def _queue(
        self,
        tx: Tx,
        account_id: str,
        event_type: str,
        data: Mapping[str, object],
        endpoint_ids: list[str],
    ) -> list[str]:
        now = self._clock.now()
        content = {"type": event_type, "timestamp": iso(now), "data": data}
        # ASCII alone: a lone surrogate in a text must not keep an event from its way.
        body = json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")
        made = outbox.add(tx, account_id, event_type, body=body, endpoint_ids=endpoint_ids, now=now)
        after_commit(tx, self._bell.ring)
        return made

    def _switched(self, tx: Tx, endpoint: Endpoint, *, on: bool) -> dict[str, Any]:
        if on:
            return {"disabled_reason": None, "disabled_at": None, "failing_since": None}
        now = self._clock.now()
        outbox.cancel(tx, endpoint.endpoint_id, now)
        return {"disabled_reason": "owner", "disabled_at": now}

    def _owned(
        self, tx: Tx, account_id: str, endpoint_id: str, *, to_change: bool = False
    ) -> Endpoint:
        endpoint = queries.find(tx, account_id, endpoint_id, to_change=to_change)
        if endpoint is None:
            raise NotFound("There is no such webhook endpoint.")
        return endpoint

    def _delivery(self, tx: Tx, account_id: str, delivery_id: str) -> Delivery:
        delivery = queries.delivery(tx, account_id, delivery_id)
        if delivery is None:
            raise NotFound("There is no such webhook delivery.")
        return delivery


def _require_enabled(endpoint: Endpoint) -> None:
    if not endpoint.enabled:
        raise Conflict("This webhook endpoint is disabled: enable it first.", code="disabled")
