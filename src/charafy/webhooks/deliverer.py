"""Sends what waits in the outbox, with a few threads that it owns.

Many processes may run one each: the database says who sends what. An endpoint gets one request
at a time from each of them and an account's endpoints a few, so that slow ones keep nobody else
waiting.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta

import structlog

from charafy.kernel.bell import Bell
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.observe import Metrics, describe
from charafy.webhooks import outbox
from charafy.webhooks.outbox import Claim, Due
from charafy.webhooks.recording import record
from charafy.webhooks.sending import Sender

log = structlog.get_logger("charafy.webhooks")

WORKERS = 16
"""Threads that wait for endpoints; they cost memory, hardly time."""
PER_ACCOUNT = 4
POLL_S = 1.0
"""How often to look for what is to be tried again, and for what nobody rang for."""
LEASE = timedelta(seconds=60)
"""Longer than an attempt may take: only a process that died leaves one to run out."""
LOOK_AHEAD = 64


class Deliverer:
    """`start()` and `stop()` its loop, or `run_once()` by hand; `close()` when done."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        sender: Sender,
        metrics: Metrics,
        *,
        bell: Bell,
        jitter: Callable[[], float] = random.random,
        poll_s: float = POLL_S,
    ) -> None:
        """`bell` wakes the loop; `jitter` gives a number in 0..1 for each retry."""
        self._db = db
        self._clock = clock
        self._sender = sender
        self._attempts = metrics.webhook_attempts
        self._bell = bell
        self._jitter = jitter
        self._poll_s = poll_s
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="charafy-webhook")
        self._lock = threading.Lock()
        self._under_way: dict[str, str] = {}
        self._stopping = threading.Event()
        self._loop: threading.Thread | None = None

    def run_once(self) -> int:
        """Send everything that is due once and wait for it; how many attempts that were."""
        sent = 0
        while started := self._start_due():
            wait(started)
            sent += len(started)
        return sent

    def start(self) -> None:
        """Send from now on, in a thread of its own. Does nothing when started already."""
        if self._loop is None:
            self._stopping.clear()
            self._bell.start()
            self._loop = threading.Thread(
                target=self._forever, name="charafy-webhooks", daemon=True
            )
            self._loop.start()

    def stop(self) -> None:
        """End the loop; what is under way goes on until `close`."""
        if self._loop is not None:
            self._stopping.set()
            self._bell.wake()
            self._loop.join()
            self._loop = None
            self._bell.stop()

    def close(self) -> None:
        """Stop, and wait for the attempts under way: each is bounded."""
        self.stop()
        self._pool.shutdown(wait=True)

    def _forever(self) -> None:
        while not self._stopping.is_set():
            self._bell.clear()
            try:
                started = self._start_due()
            except Exception as error:  # noqa: BLE001 - a database that is away comes back
                log.error("webhooks_not_read", **describe(error))
                started = []
            if not started:
                self._bell.wait(self._poll_s)

    def _start_due(self) -> list[Future[None]]:
        with self._lock:
            chosen = self._choose()
            if not chosen:
                return []
            now = self._clock.now()
            with self._db.write() as tx:
                ids = [due.delivery_id for due in chosen]
                claims = outbox.claim(tx, ids, now, now + LEASE)
            for claim in claims:
                self._under_way[claim.endpoint.endpoint_id] = claim.endpoint.account_id
            return [self._pool.submit(self._deliver, claim) for claim in claims]

    def _choose(self) -> Sequence[Due]:
        """What to send next, as far as there are threads and every limit holds."""
        free = WORKERS - len(self._under_way)
        if free <= 0:
            return ()
        with self._db.read() as tx:
            waiting = outbox.due(tx, self._clock.now(), LOOK_AHEAD, without=list(self._under_way))
        busy = Counter(self._under_way.values())
        chosen: list[Due] = []
        for due in waiting:
            if busy[due.account_id] < PER_ACCOUNT and len(chosen) < free:
                busy[due.account_id] += 1
                chosen.append(due)
        return chosen

    def _deliver(self, claim: Claim) -> None:
        try:
            at = self._clock.now()
            outcome = self._sender.send(claim)
            self._attempts.labels("delivered" if outcome.is_delivered else "failed").inc()
            with self._db.write() as tx:
                now = self._clock.now()
                record(tx, claim, outcome, at=at, now=now, jitter=self._jitter())
        except Exception as error:  # noqa: BLE001 - its lease runs out, then it is tried again
            log.error("webhook_attempt_lost", **describe(error))
        finally:
            with self._lock:
                self._under_way.pop(claim.endpoint.endpoint_id, None)
            self._bell.wake()
