"""What leaves the ledger: plain values, in credits (1 credit = $0.01)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from charafy.kernel.errors import Conflict

HoldState = Literal["held", "captured", "released"]
NOBODY: Final = "none"
"""Stands where a character is asked for: what belongs to no character."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Of one account at one moment; `total >= held >= 0` always."""

    total: int
    held: int
    """Reserved by work under way: still owned, not spendable."""

    @property
    def available(self) -> int:
        return self.total - self.held


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement of credits; positive came in, negative went out. Never changes."""

    id: str
    account_id: str
    amount: int
    kind: str
    reference: str
    description: str
    created_at: datetime
    character_id: str | None = None
    """Whose work it was; it may have been deleted since. None for what belongs to no character."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Credits reserved for one piece of work, until captured, released or its lease ends."""

    id: str
    """Empty for a hold of nothing: capturing or releasing it does nothing."""
    account_id: str
    amount: int
    captured: int
    state: HoldState
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An account whose running sums differ from its rows: the ledger is broken there."""

    account_id: str
    balance: int
    sum_of_entries: int
    held: int
    sum_of_holds: int


class HoldEnded(Conflict):
    """The hold was released (by its owner or because its lease ended): nothing was taken."""

    code = "hold_ended"
