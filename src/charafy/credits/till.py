"""Paying for work of one price: held before it begins, taken with its result, else given back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from charafy.credits.allowance import DailyAllowance
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import TooManyRequests
from charafy.kernel.http.caller import Caller
from charafy.kernel.ids import new_id

if TYPE_CHECKING:  # the ledger's door hands this out
    from charafy.credits.service import Credits

Pay = Callable[[Tx], int]
"""Takes the held credits within a unit of work; answers how many."""


def is_busy(error: Exception) -> bool:
    """Whether somebody was told to come back: nothing was begun."""
    return isinstance(error, TooManyRequests)


class Till:
    """For one kind of work, whose price test keys don't pay a few times a day. Thread-safe."""

    def __init__(
        self,
        db: Database,
        credits: Credits,
        allowance: DailyAllowance,
        *,
        kind: str,
        price: int,
        lease_s: float,
        test_per_day: Callable[[str], int],
        unworked: Callable[[Exception], bool] = is_busy,
    ) -> None:
        """`kind`: of the ledger's entries; `lease_s`: of the held credits, longer than the work may
        take; `test_per_day`: by the name of a plan; `unworked` tells what work ended with before
        it was begun: that doesn't count.
        """
        self._db = db
        self._credits = credits
        self._allowance = allowance
        self._kind = kind
        self._price = price
        self._lease_s = lease_s
        self._test_per_day = test_per_day
        self._unworked = unworked

    @contextmanager
    def paying(
        self, caller: Caller, description: str, character_id: str | None = None
    ) -> Iterator[Pay]:
        """Hold the price (nothing of a test key); released unless the block paid.

        `character_id`: whose work it is, None when it is no character's.

        Raises `InsufficientCredits`; `TooManyRequests` when test keys had enough for today.
        """
        with self._allowed(caller), self._held(caller, description, character_id) as pay:
            yield pay

    @contextmanager
    def _allowed(self, caller: Caller) -> Iterator[None]:
        """Count it for a test key. What fails counts as well when it took the same work."""
        if not caller.is_test:
            yield
            return
        day = self._allowance.spend(caller.account_id, 1, self._test_per_day(caller.plan))
        try:
            yield
        except Exception as error:
            if self._unworked(error):
                self._allowance.give_back(caller.account_id, 1, day)
            raise

    @contextmanager
    def _held(self, caller: Caller, description: str, character_id: str | None) -> Iterator[Pay]:
        with self._db.write() as tx:
            hold = self._credits.hold(
                tx,
                caller.account_id,
                0 if caller.is_test else self._price,
                kind=self._kind,
                reference=f"{self._kind}:{new_id()}",
                description=description,
                lease_s=self._lease_s,
                character_id=character_id,
            )
        try:
            yield lambda tx: self._credits.capture(tx, hold.id)
        except BaseException:  # whatever failed is not to be paid
            with self._db.write() as tx:
                self._credits.release(tx, hold.id)
            raise
