"""What making an avatar costs, and how many test keys get for nothing."""

from __future__ import annotations

from typing import Final

from charafy.credits.service import Credits, DailyAllowance, Till
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings

LEASE_S: Final = 180.0
"""Of the held credits: longer than fetching, waiting, baking and writing may take together."""


def till_of(db: Database, clock: Clock, credits: Credits, settings: Settings) -> Till:
    return Till(
        db,
        credits,
        DailyAllowance(clock, "Test keys make {limit:,} avatars a day", shared=credits.shared),
        kind="avatar",
        price=settings.prices.avatar,
        lease_s=LEASE_S,
        test_per_day=lambda plan: settings.plan(plan).test_avatars_per_day,
    )
