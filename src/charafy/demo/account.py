"""The house's own account: its characters greet strangers, and it pays for what they try.

A day's allowance is credits like all others: given at midnight (UTC), what was left of the day
before taken back. So no race of strangers can use more of it, and the ledger tells who used what.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Final

import structlog

from charafy.accounts.service import Account, Accounts
from charafy.characters.service import Character, Characters
from charafy.credits.service import Books, Credits
from charafy.demo.world import create_demo_world, demo_characters
from charafy.embed.frames import origin_of
from charafy.embed.service import EmbedChanges, Embeds
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx, one_at_a_time
from charafy.kernel.errors import CharafyError
from charafy.kernel.settings import Settings

log = structlog.get_logger("charafy.demo")

NAME: Final = "Demo"
PLAN: Final = "standard"


class DemoAccount:
    """Thread-safe; safe from many processes."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: Settings,
        secret: bytes,
        *,
        accounts: Accounts,
        credits: Credits,
        characters: Characters,
        embeds: Embeds,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._accounts = accounts
        self._credits = credits
        self._characters = characters
        self._embeds = embeds
        # Nobody can have signed up with it before: it can't be guessed, and stays the same.
        name = hmac.digest(secret, b"charafy demo account", "sha256").hex()[:16]
        self._email = f"demo-{name}@localhost"

    def open(self) -> None:
        """Make everything as the settings say; for every start."""
        try:
            if self._settings.demo_is_open:
                self._furnish(self.account() or self._create())
                self.refill()
            for person in self.cast():
                self._embeds.update(person.account_id, person.character_id, self._bounds())
        except CharafyError as error:  # the server is as good without
            log.error("demo_not_opened", code=error.code, error=str(error))

    def account(self) -> Account | None:
        """None where there never was one, or its operator has suspended it."""
        account = self._accounts.demo()
        return account if account and account.status == "active" else None

    def cast(self) -> Sequence[Character]:
        """Its characters: those of the beginning that are still there, then what was added."""
        account = self.account()
        if account is None:
            return ()
        first = demo_characters(self._characters, account.account_id)
        added = reversed(self._characters.list(account.account_id))
        return (*first, *(person for person in added if person not in first))

    def is_open(self) -> bool:
        """Whether strangers may have anything spoken."""
        return self._settings.demo_is_open and self.account() is not None

    def refill(self) -> bool:
        """Give today's allowance if that has not been done: a chore. Tells whether it was."""
        account = self.account()
        if account is None or not self._settings.demo_is_open:
            return False
        today = f"demo:{account.account_id}:{self._clock.now().date()}"
        with self._db.read() as tx:
            if Books.has(tx, today):
                return False
        with self._db.write() as tx:
            one_at_a_time(tx, today)
            if Books.has(tx, today):
                return False
            self._give(tx, account.account_id, today)
        return True

    def _give(self, tx: Tx, account_id: str, today: str) -> None:
        left = self._credits.balance(tx, account_id).available
        self._credits.charge(
            tx,
            account_id,
            left,
            kind="adjustment",
            reference=f"{today}:left",
            description="Left of the day before",
        )
        self._credits.grant(
            tx,
            account_id,
            self._settings.demo_credits_per_day,
            kind="grant",
            reference=today,
            description="What strangers may use today",
        )

    def _create(self) -> Account:
        if found := self._accounts.demo():
            return found  # suspended: its operator's wish
        return self._accounts.create(self._email, name=NAME, role="demo", plan=PLAN, credits=0)

    def _furnish(self, account: Account) -> None:
        """Characters to begin with; what its operator has changed since stays."""
        if account.status == "active" and not self._characters.list(account.account_id):
            create_demo_world(self._characters, account.account_id)

    def _bounds(self) -> EmbedChanges:
        """Of conversations: on our own pages alone, and not for long."""
        settings = self._settings
        wanted = settings.demo_talk
        talks = settings.talk if wanted == "auto" else wanted == "on"
        return {
            "embed_enabled": talks and settings.demo_is_open,
            "allowed_origins": (origin_of(settings.base_url),),
            "session_limit_s": settings.demo_talk_session_s,
            "daily_limit_s": settings.demo_talk_day_s,
        }
