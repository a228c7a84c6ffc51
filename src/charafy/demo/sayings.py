"""What strangers have the demo characters say: bounded, paid by the house, spoken once."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from charafy.characters.service import Character
from charafy.credits.allowance import until_midnight_s
from charafy.credits.service import Credits, DailyAllowance
from charafy.demo.account import DemoAccount
from charafy.demo.recordings import Recordings
from charafy.engines.voice import NothingToSay
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.errors import BadRequest, Forbidden, InsufficientCredits, TooManyRequests
from charafy.kernel.ids import new_id
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage
from charafy.speech.service import Speaker
from charafy.voices.service import Voices

LEASE_S: Final = 120.0
"""Longer than any line takes, waiting included."""
KEPT: Final = timedelta(days=7)
TIDY_EVERY_S: Final = 3_600.0
_FOLDER: Final = "demo/"


@dataclass(frozen=True, slots=True)
class Said:
    """One line as it was spoken."""

    sound: bytes
    """MP3."""
    about: bytes
    """JSON: duration_s, words, visemes."""


class Sayings:
    """Thread-safe."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: Settings,
        *,
        account: DemoAccount,
        credits: Credits,
        voices: Voices,
        recordings: Recordings,
        storage: Storage,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._account = account
        self._credits = credits
        self._voices = voices
        self._recordings = recordings
        self._storage = storage
        self._tidied_s = -math.inf
        self._share = DailyAllowance(
            clock,
            "One visitor may hear {limit:,} new lines a day",
            advice="come back tomorrow, or sign up",
            code="demo_enough",
            shared=credits.shared,
        )

    def say(self, character: Character, text: str, address: str) -> Said:
        """Seconds, unless somebody has had the same said before: that costs nothing.

        `address`: whose share of the day it is. Raises `Forbidden` (`demo_closed`), `BadRequest`
        (`too_long`, `nothing_to_say`) before any work; `TooManyRequests` (`lines_busy`,
        `demo_enough`, `demo_used_up`) and what the voice raises.
        """
        text = self._checked(text)
        voice = self._voices.get(character.account_id, character.voice_id)
        speaker = Speaker(voice.engine_voice, character.language)
        paying = partial(self._paying, character, text, address)
        try:
            recording = self._recordings.ready(f"{_FOLDER}said", text, speaker, paying)
        except NothingToSay:
            raise _nothing() from None
        return Said(self._recordings.sound(recording), self._recordings.about(recording))

    def forget_old(self) -> int:
        """Remove what was said some time ago; returns how many files. A chore, done hourly."""
        now_s = self._clock.monotonic()
        if now_s - self._tidied_s < TIDY_EVERY_S:
            return 0
        self._tidied_s = now_s
        old = self._storage.keys(_FOLDER, older_than=self._clock.now() - KEPT)
        for key in old:
            self._storage.delete(key)
        return len(old)

    def _checked(self, text: str) -> str:
        if not self._account.is_open():
            raise Forbidden("Nobody may try that on this server.", code="demo_closed")
        text = " ".join(unicodedata.normalize("NFC", text).split())
        if len(text) > self._settings.demo_chars:
            raise BadRequest(
                f"text: at most {self._settings.demo_chars:,} characters here.",
                code="too_long",
                param="text",
            )
        if not text:
            raise _nothing()
        return text

    @contextmanager
    def _paying(self, character: Character, text: str, address: str) -> Iterator[None]:
        """Of the house's allowance, and of the visitor's share of it; nothing if it fails."""
        price = -(-len(text) // 100) * self._settings.prices.tts_per_100_chars
        self._account.refill()  # the day may be younger than the last chore
        try:
            with self._db.write() as tx:
                hold = self._credits.hold(
                    tx,
                    character.account_id,
                    price,
                    kind="tts",
                    reference=f"demo-line:{new_id()}",
                    description=f"A visitor heard {character.name}: {len(text):,} characters",
                    lease_s=LEASE_S,
                )
        except InsufficientCredits:
            raise self._used_up() from None
        day = None
        try:
            day = self._share.spend(address, 1, self._settings.demo_lines_per_day)
            yield
            with self._db.write() as tx:
                self._credits.capture(tx, hold.id)
        except BaseException:  # whatever failed is not to be paid
            if day:
                self._share.give_back(address, 1, day)
            with self._db.write() as tx:
                self._credits.release(tx, hold.id)
            raise

    def _used_up(self) -> TooManyRequests:
        return TooManyRequests(
            "Visitors have heard all that this server gives away today: come back tomorrow.",
            retry_after_s=until_midnight_s(self._clock.now()),
            code="demo_used_up",
        )


def _nothing() -> BadRequest:
    return BadRequest("text: there is nothing to say in it.", code="nothing_to_say", param="text")
