"""What an attempt changes: its log, the delivery's next step, the endpoint's standing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog

from charafy.kernel.db import Tx
from charafy.webhooks import outbox
from charafy.webhooks.models import TEST_EVENT, DisabledReason
from charafy.webhooks.outbox import Claim
from charafy.webhooks.schedule import FAILING_FOR, next_delay
from charafy.webhooks.sending import Outcome
from charafy.webhooks.tables import attempts, deliveries, endpoints

log = structlog.get_logger("charafy.webhooks")

ATTEMPTS_KEPT = 30
"""Of one delivery; the schedule makes ten, redelivering by hand may make more."""


def record(
    tx: Tx, claim: Claim, outcome: Outcome, *, at: datetime, now: datetime, jitter: float
) -> bool:
    """Keep what came of an attempt that began `at`; False when the delivery isn't ours any more."""
    next_step = _next_step(claim, outcome, now, jitter)
    ours = (deliveries.c.id == claim.delivery_id, deliveries.c.lease == claim.lease)
    changed = deliveries.update().where(*ours).values(**next_step).returning(deliveries.c.id)
    if tx.execute(changed).first() is None:
        return False
    _log(tx, claim, outcome, at)
    if outcome.is_delivered:
        _is_well(tx, claim)
    else:
        _has_failed(tx, claim, outcome, now, is_given_up=next_step["due_at"] is None)
    return True


def _next_step(claim: Claim, outcome: Outcome, now: datetime, jitter: float) -> dict[str, Any]:
    tries = claim.tries + 1
    step: dict[str, Any] = {"tries": tries, "lease": None, "due_at": None}
    if outcome.is_delivered:
        return step | {"status": "delivered"}
    delay = next_delay(tries, jitter=jitter, retry_after_s=outcome.retry_after_s)
    if delay is None or outcome.is_gone or claim.event_type == TEST_EVENT:
        return step | {"status": "failed"}
    return step | {"status": "pending", "due_at": now + delay}


def _log(tx: Tx, claim: Claim, outcome: Outcome, at: datetime) -> None:
    row = {
        "delivery_id": claim.delivery_id,
        "at": at,
        "duration_ms": outcome.duration_ms,
        "response_status": outcome.response_status,
        "response_body": outcome.response_body,
        "error": outcome.error,
    }
    tx.execute(attempts.insert(), row)
    mine = attempts.c.delivery_id == claim.delivery_id
    newest = sa.select(attempts.c.seq).where(mine).order_by(attempts.c.seq.desc())
    tx.execute(attempts.delete().where(mine, attempts.c.seq.not_in(newest.limit(ATTEMPTS_KEPT))))


def _is_well(tx: Tx, claim: Claim) -> None:
    was_failing = (
        endpoints.c.id == claim.endpoint.endpoint_id,
        endpoints.c.failing_since.is_not(None),
    )
    tx.execute(endpoints.update().where(*was_failing).values(failing_since=None))


def _has_failed(
    tx: Tx, claim: Claim, outcome: Outcome, now: datetime, *, is_given_up: bool
) -> None:
    endpoint_id = claim.endpoint.endpoint_id
    wanted = sa.select(endpoints.c.enabled, endpoints.c.failing_since)
    mine = endpoints.c.id == endpoint_id
    row = tx.execute(wanted.where(mine).with_for_update(key_share=True)).one()
    if not row.enabled:  # It was disabled while this was on its way.
        outbox.cancel(tx, endpoint_id, now)
    elif outcome.is_gone:
        _disable(tx, endpoint_id, "gone", now)
    elif claim.event_type == TEST_EVENT:  # Trying things out is no sign of being broken.
        return
    elif row.failing_since is None:
        tx.execute(endpoints.update().where(mine).values(failing_since=now))
    elif is_given_up and now - row.failing_since >= FAILING_FOR:
        _disable(tx, endpoint_id, "failing", now)


def _disable(tx: Tx, endpoint_id: str, reason: DisabledReason, now: datetime) -> None:
    values = {"enabled": False, "disabled_reason": reason, "disabled_at": now, "updated_at": now}
    tx.execute(endpoints.update().where(endpoints.c.id == endpoint_id).values(**values))
    outbox.cancel(tx, endpoint_id, now)
    log.info("webhook_disabled", endpoint_id=endpoint_id, reason=reason)
