"""An accepted order for speech and the credits behind it.

Credits are held before any work. The end, which comes exactly once, is one of: `complete` (all of
it is charged), `leave` (the client went: what it was sent is charged) and `fail` (nothing is). If
the process dies before, the hold's lease ends and the sweeper gives the credits back.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from charafy.credits.service import Credits, HoldEnded
from charafy.engines.voice import Language
from charafy.kernel.db import Database, Tx
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.idempotency import Idempotency, Ticket
from charafy.kernel.ids import new_id
from charafy.kernel.media.audio import AudioFormat
from charafy.kernel.observe import Metrics
from charafy.kernel.settings import Prices
from charafy.kernel.storage import CONTENT_TYPES, Storage
from charafy.kernel.stores import StorageUnavailable
from charafy.kernel.wording import counted
from charafy.speech.scheduler import Scheduler, Seat
from charafy.speech.synthesis import Synthesis

log = structlog.get_logger("charafy.speech")

LEASE_S = 120.0
"""How long credits stay held after the last sign of life."""
RENEW_S = 30.0


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be spoken."""

    text: str
    engine_voice: str
    language: Language
    speed: float
    audio_format: AudioFormat
    character_id: str | None = None
    """Who speaks; None for a voice of its own."""


def price(prices: Prices, chars: int) -> int:
    """Credits for so many characters (code points): per started hundred, at least one."""
    return prices.tts_per_100_chars * max(1, -(-chars // 100))


@dataclass(frozen=True, slots=True)
class Till:
    """What jobs settle with."""

    db: Database
    credits: Credits
    idempotency: Idempotency
    storage: Storage
    prices: Prices
    metrics: Metrics
    scheduler: Scheduler


@dataclass(frozen=True, slots=True)
class Held:
    """Credits set aside for one order."""

    hold_id: str
    amount: int
    remaining: int
    """What the account can spend besides."""


def hold(till: Till, caller: Caller, order: Order) -> Held:
    """Set the order's price aside; raises `InsufficientCredits`. Test keys hold nothing."""
    amount = 0 if caller.is_test else price(till.prices, len(order.text))
    with till.db.write() as tx:
        held = till.credits.hold(
            tx,
            caller.account_id,
            amount,
            kind="tts",
            reference=f"tts:{new_id()}",
            description=f"Text-to-speech, {counted(len(order.text), 'character')}",
            lease_s=LEASE_S,
            character_id=order.character_id,
        )
        remaining = till.credits.balance(tx, caller.account_id).available
    return Held(held.id, amount, remaining)


class Job:
    """One order under way. Its methods touch the database: call them from worker threads."""

    def __init__(
        self,
        till: Till,
        order: Order,
        *,
        held: Held,
        seat: Seat,
        ticket: Ticket,
        synthesis: Synthesis,
    ) -> None:
        self.order = order
        self.held = held
        self.synthesis = synthesis
        self._till = till
        self._seat = seat
        self._ticket = ticket
        self._lock = threading.Lock()
        self._over = False

    @property
    def is_kept(self) -> bool:
        """Whether the answer is kept for a client that asks again (it sent an Idempotency-Key).

        Then the work goes on although the client leaves: it will come back for it.
        """
        return bool(self._ticket.id)

    @property
    def headers(self) -> dict[str, str]:
        return {
            "X-Credits-Used": str(self.held.amount),
            "X-Credits-Remaining": str(self.held.remaining),
            "X-Character-Count": str(len(self.order.text)),
        }

    def wake(self) -> None:
        """Tell the scheduler that pieces were taken."""
        self._till.scheduler.wake()

    def renew(self) -> None:
        """Keep the hold and the claim on the Idempotency-Key for another lease."""
        with self._till.db.write() as tx:
            self._till.credits.renew(tx, self.held.hold_id, LEASE_S)
        if self.is_kept:
            self._till.idempotency.renew(self._ticket, LEASE_S)

    def complete(
        self, audio_s: float, answer: bytes, ending: str, headers: Mapping[str, str]
    ) -> None:
        """All of it was made: charge it, and keep the answer (a file of that ending) if asked.

        An answer that can't be kept is not charged: raises `StorageUnavailable`.
        """
        with self._lock:
            if self._over:
                return
            self._over = True
            try:
                self._charge_and_keep(answer, ending, headers)
            except StorageUnavailable:
                self._give_back()
                raise
            finally:
                self._end(audio_s)

    def leave(self, audio_s: float, chars_sent: int | None) -> None:
        """The client went away; `chars_sent`: what it got, None when no sound went out."""
        with self._lock:
            if self._over:
                return
            self._over = True
            try:
                if chars_sent is None:
                    self._give_back()
                    return
                with self._till.db.write() as tx:
                    amount = min(self.held.amount, price(self._till.prices, chars_sent))
                    self._capture(tx, amount)
                self._till.idempotency.abandon(self._ticket)
            finally:
                self._end(audio_s)

    def fail(self) -> None:
        """It could not be made, or not to its end: charge nothing."""
        self.leave(0.0, None)

    def _charge_and_keep(self, answer: bytes, ending: str, headers: Mapping[str, str]) -> None:
        key = f"speech/{self._ticket.token}.{ending}" if self.is_kept else None
        if key is not None:
            self._till.storage.put(key, answer, CONTENT_TYPES[ending])
        with self._till.db.write() as tx:
            self._capture(tx, self.held.amount)
            if key is None:
                return
            kept = self._till.idempotency.finish(self._ticket, 200, headers, storage_key=key, tx=tx)
        if not kept:
            self._till.storage.forget(key)

    def _give_back(self) -> None:
        with self._till.db.write() as tx:
            self._till.credits.release(tx, self.held.hold_id)
        self._till.idempotency.abandon(self._ticket)

    def _capture(self, tx: Tx, amount: int) -> None:
        try:
            self._till.credits.capture(tx, self.held.hold_id, amount)
        except HoldEnded:
            # The server stood still for longer than a lease: the credits went back already.
            log.warning("speech_not_charged", credits=amount)

    def _end(self, audio_s: float) -> None:
        self.synthesis.close()
        self._till.scheduler.wake()
        self._till.scheduler.leave(self._seat)
        self._till.metrics.speech_seconds.labels(self.order.language).inc(audio_s)
