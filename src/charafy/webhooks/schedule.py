"""When to try again."""

from __future__ import annotations

from datetime import timedelta

DELAYS_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Between attempts: the schedule of the Standard Webhooks specification, 75 hours in all."""
JITTER = 0.1
"""At most this share is added, so that what failed together does not come back together."""
LONGEST_S = DELAYS_S[-1]
FAILING_FOR = timedelta(days=5)
"""An endpoint that lets nothing through for so long is disabled when its next event is given up."""


def next_delay(tries: int, *, jitter: float, retry_after_s: int = 0) -> timedelta | None:
    """How long to wait after attempt number `tries` (from 1) failed; None: no more attempts.

    `jitter` is in 0..1. What the endpoint asks for by `Retry-After` is heeded up to a day.
    """
    if tries > len(DELAYS_S):
        return None
    delay = DELAYS_S[tries - 1] * (1 + JITTER * jitter)
    return timedelta(seconds=max(delay, min(retry_after_s, LONGEST_S)))
