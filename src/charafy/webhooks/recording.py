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
    # The endpoint first and its deliveries then, as everyone does: else two wait for each other.
    standing = _standing(tx, claim)
    if standing is None:
        return False
    next_step = _next_step(claim, outcome, now, jitter)
    ours = (deliveries.c.id == claim.delivery_id, deliveries.c.lease == claim.lease)
    changed = deliveries.update().where(*ours).values(**next_step).returning(deliveries.c.id)
    if tx.execute(changed).first() is None:
        return False
    _log(tx, claim, outcome, at)
    if not outcome.is_delivered:
        _has_failed(tx, claim, outcome, standing, now, is_given_up=next_step["due_at"] is None)
    elif standing.failing_since is not None:
        _set(tx, claim, failing_since=None)
    return True


def _standing(tx: Tx, claim: Claim) -> sa.Row[bool, datetime | None] | None:
    """`enabled` and `failing_since` of the endpoint, which nobody else changes until `tx` ends."""
    wanted = sa.select(endpoints.c.enabled, endpoints.c.failing_since).where(
        endpoints.c.id == claim.endpoint.endpoint_id
    )
    return tx.execute(wanted.with_for_update(key_share=True)).first()


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


def _has_failed(
    tx: Tx,
    claim: Claim,
    outcome: Outcome,
    standing: sa.Row[bool, datetime | None],
    now: datetime,
    *,
    is_given_up: bool,
) -> None:
    if not standing.enabled:  # It was disabled while this was on its way.
        outbox.cancel(tx, claim.endpoint.endpoint_id, now)
    elif outcome.is_gone:
        _disable(tx, claim, "gone", now)
    elif claim.event_type == TEST_EVENT:  # Trying things out is no sign of being broken.
        return
    elif standing.failing_since is None:
        _set(tx, claim, failing_since=now)
    elif is_given_up and now - standing.failing_since >= FAILING_FOR:
        _disable(tx, claim, "failing", now)


def _disable(tx: Tx, claim: Claim, reason: DisabledReason, now: datetime) -> None:
    _set(tx, claim, enabled=False, disabled_reason=reason, disabled_at=now, updated_at=now)
    outbox.cancel(tx, claim.endpoint.endpoint_id, now)
    log.info("webhook_disabled", endpoint_id=claim.endpoint.endpoint_id, reason=reason)


def _set(tx: Tx, claim: Claim, **values: Any) -> None:
    mine = endpoints.c.id == claim.endpoint.endpoint_id
    tx.execute(endpoints.update().where(mine).values(**values))
