"""The demo as a whole: its parts, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from charafy.accounts.service import Accounts
from charafy.characters.service import Characters
from charafy.credits.service import Credits
from charafy.demo.account import DemoAccount
from charafy.demo.lines import Lines
from charafy.demo.recordings import Recordings
from charafy.demo.sayings import Sayings
from charafy.embed.service import Embeds
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage
from charafy.speech.service import Speech
from charafy.voices.service import Voices


@dataclass(frozen=True, slots=True)
class DemoRoom:
    """What the pages, the start and the sweeper need of it."""

    account: DemoAccount
    lines: Lines
    sayings: Sayings

    @classmethod
    def build(
        cls,
        db: Database,
        clock: Clock,
        settings: Settings,
        secret: bytes,
        *,
        accounts: Accounts,
        credits: Credits,
        characters: Characters,
        voices: Voices,
        embeds: Embeds,
        speech: Speech,
        storage: Storage,
    ) -> DemoRoom:
        account = DemoAccount(
            db,
            clock,
            settings,
            secret,
            accounts=accounts,
            credits=credits,
            characters=characters,
            embeds=embeds,
        )
        # One for both: strangers keep the voice busy with one thing at a time.
        recordings = Recordings(storage, speech, settings.voice_engine)
        sayings = Sayings(
            db,
            clock,
            settings,
            account=account,
            credits=credits,
            voices=voices,
            recordings=recordings,
            storage=storage,
        )
        return cls(account, Lines(recordings), sayings)

    def chores(self) -> dict[str, Callable[[], object]]:
        """For every half minute, in every process."""
        return {"demo allowance": self.account.refill, "demo lines": self.sayings.forget_old}
