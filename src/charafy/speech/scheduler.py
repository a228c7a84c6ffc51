"""Who speaks next: many syntheses share few threads, a chunk (a fraction of a second) at a time.

Each worker takes the synthesis whose listener would be without sound first; those whose listeners
wait already take turns. So a new request gets its first sound soon although long texts are under
way, streams that are well ahead of their players yield to those that are not, too many share what
there is, and a client that reads slowly occupies no thread at all. Voices of other services have
threads of their own: waiting for them takes no core from anybody.
See docs/decisions/speech-streaming.md.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from charafy.kernel.errors import TooManyRequests
from charafy.kernel.leases import Leases
from charafy.kernel.media.audio import Encoder
from charafy.kernel.shared import SharedAway, uncounted
from charafy.kernel.wording import counted
from charafy.speech.synthesis import Start, Synthesis

log = structlog.get_logger("charafy.speech")

MAX_OPEN = 64
"""Speeches being made or sent at once; what is beyond is told to come back."""

PATIENCE_S = 0.5
"""How much later an account's next speech is served for each one that it has open already."""

MAX_WAITING_FOR_OTHERS = 16
"""Syntheses that may wait for other services at the same time."""

_IDLE_S = 60.0
_STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class Seat:
    """Leave to have one speech made and sent; given back with `Scheduler.leave`."""

    account_id: str
    rank: int
    """How many others the account had open here when it took this one."""
    lease: int | None = None
    """Of the place that all processes count, where they do."""


class Scheduler:
    """Thread-safe. Its threads start with the first synthesis and end with `close`."""

    def __init__(
        self,
        threads: int,
        monotonic: Callable[[], float],
        *,
        max_open: int = MAX_OPEN,
        leases: Leases | None = None,
    ) -> None:
        """With `leases`, which it closes, all processes count an account's seats together."""
        self._threads = {False: threads, True: MAX_WAITING_FOR_OTHERS}
        """By whether they are for what waits for other services."""
        self._now_s = monotonic
        self._max_open = max_open
        self._leases = leases
        self._changed = threading.Condition()
        self._seats: Counter[str] = Counter()
        self._waiting: list[Synthesis] = []
        self._workers: dict[bool, list[threading.Thread]] = {False: [], True: []}
        self._closing = False

    @property
    def open_seats(self) -> int:
        with self._changed:
            return self._seats.total()

    def admit(self, account_id: str, limit: int) -> Seat:
        """Take a seat; `TooManyRequests` when the account has `limit` or the house is full.

        Raises `Unavailable` while seats are counted together and can't be.
        """
        with self._changed:
            mine = self._seats[account_id]
            if mine >= limit:
                raise _too_many(limit)
            if self._seats.total() >= self._max_open:
                raise at_capacity()
            self._seats[account_id] += 1
        try:
            return Seat(account_id, mine, self._leased(account_id, limit))
        except BaseException:  # refused or failed: the seat must not stay taken
            self._free(account_id)
            raise

    def leave(self, seat: Seat) -> None:
        self._free(seat.account_id)
        if self._leases is not None and seat.lease is not None:
            self._leases.give_back(seat.lease)

    def _leased(self, account_id: str, limit: int) -> int | None:
        if self._leases is None:
            return None
        try:
            lease = self._leases.take(account_id, limit)
        except SharedAway:
            raise uncounted() from None
        if lease is None:
            raise _too_many(limit)
        return lease

    def _free(self, account_id: str) -> None:
        with self._changed:
            self._seats[account_id] -= 1
            if not self._seats[account_id]:
                del self._seats[account_id]

    def submit(
        self, start: Start, encoder: Encoder, rank: int = 0, *, waits: bool = False
    ) -> Synthesis:
        """Have it made as soon as it is due; the caller takes its pieces and closes it.

        `waits`: whether making it is mostly waiting for another service.
        """
        due_s = self._now_s() + rank * PATIENCE_S
        synthesis = Synthesis(start, encoder, due_s, waits=waits)
        with self._changed:
            if self._closing:
                raise at_capacity()
            self._start_workers(waits)
            self._waiting.append(synthesis)
            self._changed.notify_all()
        return synthesis

    def wake(self) -> None:
        """A listener took or left: a synthesis that had paused may go on, or must be ended."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """End every synthesis after its chunk under way, and the threads."""
        with self._changed:
            self._closing = True
            for synthesis in self._waiting:
                synthesis.close()
            self._changed.notify_all()
            workers = [worker for pool in self._workers.values() for worker in pool]
            self._workers = {False: [], True: []}
        for worker in workers:
            worker.join(_STOP_S)
        if self._leases is not None:
            self._leases.close()

    def _start_workers(self, waits: bool) -> None:
        pool = self._workers[waits]
        while len(pool) < self._threads[waits]:
            name = f"speech-{'waiting-' if waits else ''}{len(pool)}"
            # Daemon: an engine stuck in native code must not keep the process from ending.
            worker = threading.Thread(target=self._work, args=(waits,), name=name, daemon=True)
            pool.append(worker)
            worker.start()

    def _work(self, waits: bool) -> None:
        while (synthesis := self._next(waits)) is not None:
            if synthesis.step(self._now_s):
                with self._changed:
                    if self._closing:
                        synthesis.close()
                    self._waiting.append(synthesis)
                    self._changed.notify_all()

    def _next(self, waits: bool) -> Synthesis | None:
        """The most urgent synthesis, taken out so that no other worker has it; None to stop."""
        with self._changed:
            while True:
                ready = [s for s in self._waiting if s.waits == waits and s.is_runnable]
                if ready:
                    now_s = self._now_s()
                    urgent = min(ready, key=lambda synthesis: synthesis.urgency(now_s))
                    self._waiting.remove(urgent)
                    return urgent
                if self._closing:
                    return None
                self._changed.wait(_IDLE_S)


def _too_many(limit: int) -> TooManyRequests:
    return TooManyRequests(
        f"Your plan allows {counted(limit, 'speech request')} at the same time: "
        "wait until one of them has ended.",
        retry_after_s=1,
        code="concurrency_limited",
    )


def at_capacity() -> TooManyRequests:
    return TooManyRequests(
        "All voices are busy right now. You were not charged: try again in a few seconds.",
        retry_after_s=3,
        code="at_capacity",
    )
