"""What cloning a voice costs, and how many test keys get for nothing."""

from __future__ import annotations

from typing import Final

from charafy.credits.service import Credits, DailyAllowance, Till
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.errors import BadRequest, TooManyRequests
from charafy.kernel.settings import Settings

UNCLONABLE: Final = "unclonable"
"""The code of what the cloner itself refuses, when it has looked at it."""
LEASE_S: Final = 600.0
"""Of the held credits: longer than waiting, reading, cloning and writing may take together."""


def till_of(db: Database, clock: Clock, credits: Credits, settings: Settings) -> Till:
    return Till(
        db,
        credits,
        DailyAllowance(clock, "Test keys clone {limit:,} voices a day", shared=credits.shared),
        kind="voice_clone",
        price=settings.prices.voice_clone,
        lease_s=LEASE_S,
        test_per_day=lambda plan: settings.plan(plan).test_clones_per_day,
        unworked=is_uncloned,
    )


def is_uncloned(error: Exception) -> bool:
    """Whether nothing was cloned: others were before it, or no recording was worth it."""
    refused = isinstance(error, BadRequest) and error.code != UNCLONABLE
    return refused or isinstance(error, TooManyRequests)
