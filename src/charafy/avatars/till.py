"""What making an avatar costs, and how many test keys get for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from charafy.avatars.making import Pay
from charafy.avatars.models import Wanted
from charafy.credits.service import Credits
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.http.caller import Caller
from charafy.kernel.ids import new_id
from charafy.speech.service import DailyAllowance

LEASE_S: Final = 180.0
"""Of the held credits: longer than fetching, waiting, baking and writing may take together."""


class Till:
    """Thread-safe."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        credits: Credits,
        *,
        price: int,
        test_avatars_per_day: Callable[[str], int],
    ) -> None:
        """`price`: credits for an avatar; `test_avatars_per_day`: by the name of a plan."""
        self._db = db
        self._credits = credits
        self._price = price
        self._per_day = test_avatars_per_day
        self._allowance = DailyAllowance(clock, "Test keys make {limit:,} avatars a day")

    @contextmanager
    def paying(self, caller: Caller, wanted: Wanted) -> Iterator[Pay]:
        """Hold the price (nothing of a test key); released unless the block paid.

        Raises `InsufficientCredits`; `TooManyRequests` when test keys had enough for today.
        """
        if caller.is_test:
            # What fails counts as well: it takes the same work.
            self._allowance.spend(caller.account_id, 1, self._per_day(caller.plan))
        with self._db.write() as tx:
            hold = self._credits.hold(
                tx,
                caller.account_id,
                0 if caller.is_test else self._price,
                kind="avatar",
                reference=f"avatar:{new_id()}",
                description=f"Avatar ({wanted})",
                lease_s=LEASE_S,
            )
        try:
            yield lambda tx: self._credits.capture(tx, hold.id)
        except BaseException:  # whatever failed is not to be paid
            with self._db.write() as tx:
                self._credits.release(tx, hold.id)
            raise
