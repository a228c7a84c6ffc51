"""The ledger: what an account has, holds and spent.

Every method that takes `tx` is part of the caller's unit of work. References are unique in the
whole ledger, so a step that runs twice moves credits once: the second call answers with what the
first one wrote.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.sql.dml import UpdateBase

from charafy.credits import queries
from charafy.credits.allowance import DailyAllowance
from charafy.credits.books import Books, Line, OpenHold, Spent
from charafy.credits.counting import Counting
from charafy.credits.tables import accounts, entries, holds
from charafy.credits.till import Pay, Till
from charafy.credits.values import NOBODY, Balance, Entry, Hold, HoldEnded, HoldState, Mismatch
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import Conflict, InsufficientCredits, NotFound
from charafy.kernel.ids import is_id, new_id
from charafy.kernel.observe import Metrics
from charafy.kernel.shared import Shared
from charafy.kernel.wording import counted

__all__ = [
    "NOBODY",
    "Balance",
    "Books",
    "Credits",
    "DailyAllowance",
    "Entry",
    "Hold",
    "HoldEnded",
    "HoldState",
    "Line",
    "Mismatch",
    "OpenHold",
    "Pay",
    "Spent",
    "Till",
]

SWEEP_BATCH = 500


class Credits:
    """Amounts are whole credits. Amount 0 is allowed everywhere and leaves no trace."""

    def __init__(
        self, db: Database, clock: Clock, metrics: Metrics, shared: Shared | None = None
    ) -> None:
        self._db = db
        self.shared = shared
        self._clock = clock
        self._counting = Counting(metrics)

    def open(self, tx: Tx, account_id: str) -> None:
        """Make the account's balance of 0; does nothing when there is one."""
        queries.insert_new(tx, accounts, {"account_id": account_id, "balance": 0, "held": 0})

    def close(self, tx: Tx, account_id: str) -> None:
        """Release what is held, write off what is left and forget the balance.

        Its entries stay: they are the books. They name nobody once the account is gone.
        """
        for hold_id in tx.execute(queries.OPEN_HOLDS, {"account": account_id}).scalars().all():
            self.release(tx, hold_id)
        left = self.balance(tx, account_id).total
        self.charge(
            tx,
            account_id,
            left,
            kind="closed",
            reference=f"closed:{account_id}",
            description="Account closed",
        )
        tx.execute(queries.FORGET, {"account": account_id})

    def balance(self, tx: Tx, account_id: str) -> Balance:
        """Raises `NotFound` for an account that was never opened."""
        row = tx.execute(queries.BALANCE, {"account": account_id}).first()
        if row is None:
            raise NotFound("This account has no credits.")
        return Balance(row.balance, row.held)

    def grant(
        self,
        tx: Tx,
        account_id: str,
        amount: int,
        *,
        kind: str,
        reference: str,
        description: str,
        character_id: str | None = None,
    ) -> Entry:
        """Add `amount >= 0` credits; `character_id` of work that is given back."""
        entry = self._entry(
            account_id, _whole(amount), kind, reference, description, character_id=character_id
        )
        return self._move(tx, entry) if amount else entry

    def charge(
        self,
        tx: Tx,
        account_id: str,
        amount: int,
        *,
        kind: str,
        reference: str,
        description: str,
        character_id: str | None = None,
    ) -> Entry:
        """Take `amount >= 0` credits at once; raises `InsufficientCredits` and takes nothing.

        `character_id`: whose work is paid for, None when it is no character's.
        """
        entry = self._entry(
            account_id, -_whole(amount), kind, reference, description, character_id=character_id
        )
        return self._move(tx, entry) if amount else entry

    def adjust(
        self, tx: Tx, account_id: str, amount: int, *, reason: str, reference: str | None = None
    ) -> Entry:
        """The operator's hand: give (`amount > 0`) or take back (`amount < 0`), with a reason.

        Never takes more than is available: raises `InsufficientCredits`.
        """
        move = self.grant if amount >= 0 else self.charge
        return move(
            tx,
            account_id,
            abs(amount),
            kind="grant" if amount >= 0 else "adjustment",
            reference=reference or f"adjust:{new_id()}",
            description=reason,
        )

    def refund(self, tx: Tx, entry_reference: str, *, description: str) -> Entry | None:
        """Give back what the entry of this reference took, once.

        None when no credits were taken under this reference (a test key's work, for one).
        """
        row = tx.execute(queries.ENTRY_BY_REFERENCE, {"reference": entry_reference}).first()
        if row is None or row.amount > 0:
            return None
        return self.grant(
            tx,
            row.account_id,
            -row.amount,
            kind="refund",
            reference=f"refund:{entry_reference}",
            description=description,
            character_id=row.character_id,
        )

    def hold(
        self,
        tx: Tx,
        account_id: str,
        amount: int,
        *,
        kind: str,
        reference: str,
        description: str,
        lease_s: float,
        character_id: str | None = None,
    ) -> Hold:
        """Reserve `amount >= 0` credits for `lease_s` seconds or until renewed.

        `character_id`: whose work it is for, None when it is no character's.

        Raises `InsufficientCredits`; `HoldEnded` when this reference was held before and that
        hold is over (one that is still open is answered as it is).
        """
        now = self._clock.now()
        until = now + timedelta(seconds=lease_s)
        if not _whole(amount):
            return Hold("", account_id, 0, 0, "held", until)
        if not queries.reserve(tx, account_id, amount):
            return self._same_hold(tx, account_id, amount, reference)
        hold = Hold(new_id(), account_id, amount, 0, "held", until)
        row = queries.row_of(hold) | {
            "kind": kind,
            "reference": reference,
            "description": description,
            "created_at": now,
            "ended_at": None,
            "character_id": character_id,
        }
        if queries.insert_new(tx, holds, row):
            self._counting.held(tx, amount)
            return hold
        queries.settle(tx, account_id, amount, spent=0)
        return self._same_hold(tx, account_id, amount, reference)

    def renew(self, tx: Tx, hold_id: str, lease_s: float) -> None:
        """Let the hold live `lease_s` seconds from now; raises `HoldEnded` when it is over."""
        until = self._clock.now() + timedelta(seconds=lease_s)
        if hold_id and tx.execute(queries.RENEW, {"hold": hold_id, "until": until}).first() is None:
            raise HoldEnded("These held credits were already taken or released.")

    def capture(self, tx: Tx, hold_id: str, amount: int | None = None) -> int:
        """Take `amount` of the held credits (default: all) and release the rest, exactly once.

        Answers what was taken; a second call answers the same and takes nothing. Raises
        `HoldEnded` for a released hold and `ValueError` for more than was held.
        """
        if not hold_id:
            return 0
        now = self._clock.now()
        spent = None if amount is None else _whole(amount)
        row = tx.execute(queries.CAPTURE, {"hold": hold_id, "spent": spent, "now": now}).first()
        if row is None:
            return self._captured_before(tx, hold_id)
        queries.settle(tx, row.account_id, row.amount, spent=row.captured)
        self._counting.ended(tx, row.amount, captured=row.captured)
        if row.captured:
            entry = self._entry(
                row.account_id,
                -row.captured,
                row.kind,
                row.reference,
                row.description,
                character_id=row.character_id,
            )
            tx.execute(queries.NEW_ENTRY, queries.row_of(entry))
            self._counting.moved(tx, entry)
        return int(row.captured)

    def release(self, tx: Tx, hold_id: str) -> bool:
        """Give the held credits back, exactly once; False when the hold was over already."""
        if not hold_id:
            return False
        return self._release(tx, queries.RELEASE, hold_id)

    def release_expired(self) -> int:
        """Release every hold whose lease ended: its worker died. Answers how many there were.

        Safe to run at any time, in any number of processes.
        """
        count = 0
        while True:
            params = {"now": self._clock.now(), "count": SWEEP_BATCH}
            with self._db.read() as tx:
                expired = tx.execute(queries.EXPIRED, params).scalars().all()
            released = 0
            # One unit of work each: sweepers and captures can then never wait for each other
            # in a circle, and nobody waits long for the writer.
            for hold_id in expired:
                with self._db.write() as tx:
                    released += self._release(tx, queries.RELEASE_EXPIRED, hold_id)
            count += released
            if not released:
                return count

    def recent(
        self, tx: Tx, account_id: str, limit: int = 50, *, character_id: str | None = None
    ) -> list[Entry]:
        """The newest entries, newest first; those of one character alone if it is given."""
        return queries.found(tx, queries.RECENT, character_id, account=account_id, count=limit)

    def older(
        self, tx: Tx, account_id: str, before: str, limit: int, *, character_id: str | None = None
    ) -> list[Entry]:
        """As `recent`, before the entry of this id; none for an unknown id."""
        if not is_id(before):
            return []
        about = {"account": account_id, "before": before, "count": limit}
        return queries.found(tx, queries.OLDER_THAN, character_id, **about)

    def audit(self, tx: Tx) -> list[Mismatch]:
        """Accounts whose running sums differ from their rows; empty when the books are right."""
        found = [Mismatch(*row) for row in tx.execute(queries.MISMATCHES)]
        strays = tx.execute(queries.STRAYS)
        return found + [Mismatch(row.account_id, 0, row.total, 0, 0) for row in strays]

    def _entry(
        self,
        account_id: str,
        amount: int,
        kind: str,
        reference: str,
        description: str,
        *,
        character_id: str | None,
    ) -> Entry:
        now = self._clock.now()
        return Entry(new_id(), account_id, amount, kind, reference, description, now, character_id)

    def _move(self, tx: Tx, entry: Entry) -> Entry:
        """Sums first, then the row: a refused debit leaves nothing even if its caller goes on."""
        if not queries.move(tx, entry.account_id, entry.amount):
            return self._same_entry(tx, entry)
        if queries.insert_new(tx, entries, queries.row_of(entry)):
            self._counting.moved(tx, entry)
            return entry
        queries.undo(tx, entry.account_id, entry.amount)
        return self._same_entry(tx, entry)

    def _same_entry(self, tx: Tx, entry: Entry) -> Entry:
        """What was written under this reference before; refuses when there is none."""
        row = tx.execute(queries.ENTRY_BY_REFERENCE, {"reference": entry.reference}).first()
        if row is None:
            raise self._refusal(tx, entry.account_id, -entry.amount)
        before = Entry(*row)
        if (before.account_id, before.amount) != (entry.account_id, entry.amount):
            raise Conflict("This reference already stands for another movement of credits.")
        return before

    def _same_hold(self, tx: Tx, account_id: str, amount: int, reference: str) -> Hold:
        row = tx.execute(queries.HOLD_BY_REFERENCE, {"reference": reference}).first()
        if row is None:
            raise self._refusal(tx, account_id, amount)
        before = Hold(*row)
        if (before.account_id, before.amount) != (account_id, amount):
            raise Conflict("This reference already stands for another hold of credits.")
        if before.state != "held":
            raise HoldEnded("These held credits were already taken or released.")
        return before

    def _captured_before(self, tx: Tx, hold_id: str) -> int:
        row = tx.execute(queries.HOLD, {"hold": hold_id}).first()
        if row is None:
            raise NotFound("There is no such hold.")
        if row.state == "held":
            raise ValueError("more credits to capture than were held")
        if row.state == "released":
            raise HoldEnded("These held credits were released before they could be taken.")
        return int(row.captured)

    def _release(self, tx: Tx, statement: UpdateBase, hold_id: str) -> bool:
        row = tx.execute(statement, {"hold": hold_id, "now": self._clock.now()}).first()
        if row is None:
            return False
        queries.settle(tx, row.account_id, row.amount, spent=0)
        self._counting.ended(tx, row.amount, captured=0)
        return True

    def _refusal(self, tx: Tx, account_id: str, wanted: int) -> InsufficientCredits:
        available = self.balance(tx, account_id).available
        return InsufficientCredits(
            f"This needs {counted(wanted, 'credit')} and you have {available:,}. "
            "Buy credits or ask the operator for a grant."
        )


def _whole(amount: int) -> int:
    if amount < 0:
        raise ValueError("an amount of credits is never negative")
    return amount
