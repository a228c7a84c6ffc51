"""What the ledger tells operators: only what was committed."""

from __future__ import annotations

from charafy.credits.values import Entry
from charafy.kernel.db import Tx, after_commit
from charafy.kernel.observe import Metrics


class Counting:
    """Counts credits, each once its unit of work is committed."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def moved(self, tx: Tx, entry: Entry) -> None:
        count = self._metrics.credits
        after_commit(tx, lambda: count.labels(entry.kind).inc(abs(entry.amount)))

    def held(self, tx: Tx, amount: int) -> None:
        self._hold(tx, "held", amount)

    def ended(self, tx: Tx, held: int, *, captured: int) -> None:
        """A hold of `held` credits is over; what was not captured went back."""
        self._hold(tx, "captured", captured)
        self._hold(tx, "released", held - captured)

    def _hold(self, tx: Tx, outcome: str, amount: int) -> None:
        count = self._metrics.holds
        after_commit(tx, lambda: count.labels(outcome).inc(amount))
