"""What must happen to cloned voices although nobody asks: files that have had their time.

A file is only ever removed while a row still names it, so a process that dies in between leaves
the row, and the next one goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final

import structlog

from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.observe import describe
from charafy.kernel.storage import Storage
from charafy.voices import queries
from charafy.voices.catalogue import Voices
from charafy.voices.making import CLONE, SAMPLE, Making
from charafy.voices.models import folder
from charafy.voices.queries import Row
from charafy.voices.refining import Emit, tell_refined

log = structlog.get_logger("charafy.voices")

ORPHAN_AGE: Final = timedelta(hours=1)
RETIRED_AGE: Final = timedelta(hours=1)
"""How long a clone that was replaced can be spoken with: what was begun before may go on."""
REFINE_WITHIN: Final = timedelta(days=7)
"""How long a recording waits for a worker that looks for a better clone of it."""
FORGET_FOR: Final = timedelta(days=7)
"""How long a service that keeps a copy of a deleted voice is asked to remove it."""
CONSENT_DAYS: Final = 30
"""How long the consent to a voice is kept after the voice was deleted."""
SWEEP_S: Final = 20.0
"""Of one sweep, after which no further voice is turned to: other chores wait meanwhile, and a
service that doesn't answer takes its time with every voice."""
ORPHANS_S: Final = 3_600.0
"""How often it is looked for files that no row names."""
_BATCH: Final = 100


class Chores:
    """Each is safe to run at any time, in any number of processes."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        voices: Voices,
        storage: Storage,
        making: Making,
        emit: Emit,
    ) -> None:
        self._db = db
        self._clock = clock
        self._voices = voices
        self._storage = storage
        self._making = making
        self._emit = emit
        self._orphans_due_s = clock.monotonic() + ORPHANS_S
        self._asked_last = ""

    def clear(self, voice_id: str) -> None:
        """Remove what a voice that was just deleted leaves; what can't be now is later.

        Never raises for that: the voice is gone already.
        """
        with self._db.read() as tx:
            row = queries.known(tx, [voice_id]).get(voice_id)
        if row is not None and row.deleted_at is not None:
            self._kept_on(self._end, row)

    def clear_leftovers(self) -> int:
        """Remove the files that had their time; answers how many voices had some."""
        now = self._clock.now()
        with self._db.read() as tx:
            rows = queries.leftovers(tx)
        if any(row.clone.created_at < now - REFINE_WITHIN for row in rows if row.reference_key):
            with self._db.write() as tx:
                for row in queries.expire_refinements(tx, now, now - REFINE_WITHIN):
                    tell_refined(tx, self._emit, self._voices, row)
            with self._db.read() as tx:
                rows = queries.leftovers(tx)
        until_s, tidied = self._clock.monotonic() + SWEEP_S, 0
        for row in rows:
            if self._clock.monotonic() >= until_s:
                break
            tidied += self._kept_on(self._tidy, row)
        return tidied

    def forget_consents(self) -> int:
        """Forget the consents to voices that were deleted `CONSENT_DAYS` ago."""
        before = self._clock.now() - timedelta(days=CONSENT_DAYS)
        with self._db.write() as tx:
            return queries.forget_consents(tx, before)

    def clear_account(self, account_id: str) -> None:
        """Remove the files of an account that is being deleted; its rows go next.

        The clones that no service forgot within `SWEEP_S` stay behind as orphans, for
        `remove_orphans` to have forgotten: who goes doesn't wait for services, nor is kept by them.
        """
        with self._db.read() as tx:
            rows = queries.belonging_to(tx, account_id)
        until_s = self._clock.monotonic() + SWEEP_S
        for key in (key for row in rows for key in self._storage.keys(folder(row.voice_id))):
            in_time = self._clock.monotonic() < until_s
            if f"/{CLONE}" not in key or (in_time and self._making.forget(key)):
                self._storage.delete(key)
            else:
                self._renew(key)

    def remove_orphans(self) -> int:
        """Delete the files that no row names: a process died before it came to be, or the account
        is gone and a service could not be asked. How many.

        A clone stays for `FORGET_FOR` while a service that keeps a copy of it can't be asked; after
        `SWEEP_S` the others are left to the next call. Lists every file of every voice: a chore for
        the start and the hour, not for every minute.
        """
        now = self._clock.now()
        old = self._storage.keys("voices/", older_than=now - ORPHAN_AGE)
        expired = frozenset(self._storage.keys("voices/", older_than=now - FORGET_FOR))
        rows = self._known({key.split("/")[1] for key in old})
        orphans = [key for key in old if self._is_orphan(key, rows)]
        clones = [key for key in orphans if f"/{CLONE}" in key]
        for key in orphans:
            if f"/{CLONE}" not in key:
                self._storage.delete(key)
        removed = len(orphans) - len(clones)
        until_s = self._clock.monotonic() + SWEEP_S
        # Behind the one that was asked about last: a service that is silent keeps no other's turn.
        for key in sorted(clones, key=lambda key: (key <= self._asked_last, key)):
            if self._clock.monotonic() >= until_s:
                break
            self._asked_last = key
            removed += self._orphan_ended(key, is_last=key in expired)
        return removed

    def remove_orphans_hourly(self) -> None:
        """As `remove_orphans`, unless that was less than an hour ago."""
        if self._clock.monotonic() >= self._orphans_due_s:
            self._orphans_due_s = self._clock.monotonic() + ORPHANS_S
            self.remove_orphans()

    def _orphan_ended(self, key: str, *, is_last: bool) -> bool:
        """`is_last`: nobody asks again."""
        forgotten = self._making.forget(key)
        if not forgotten and not is_last:
            return False
        if not forgotten:
            log.error("clone_never_forgotten", voice=key)
        self._storage.delete(key)
        return True

    def _renew(self, key: str) -> None:
        """Let the time in which it may be an orphan begin now."""
        data, content_type = self._storage.get(key)
        self._storage.put(key, data, content_type)

    def _kept_on(self, work: Callable[[Row], bool], row: Row) -> bool:
        """Whether it could be done."""
        try:
            return work(row)
        except Exception as error:  # noqa: BLE001 - one voice must not keep the others from it
            log.error("voice_not_tidied", voice_id=row.voice_id, **describe(error))
            return False

    def _tidy(self, row: Row) -> bool:
        if row.deleted_at is not None:
            return self._end(row)
        done = False
        if row.reference_key and row.clone.refinement not in ("waiting", "running"):
            self._storage.delete(row.reference_key)
            self._set(row.voice_id, reference_key=None)
            done = True
        old = row.clone.updated_at < self._clock.now() - RETIRED_AGE
        if row.retired_voice and old:
            self._making.forget(row.retired_voice)
            self._storage.delete(row.retired_voice)
            self._set(row.voice_id, retired_voice=None)
            done = True
        return done

    def _end(self, row: Row) -> bool:
        """The end of a deletion; False when a service has to be asked again."""
        assert row.deleted_at is not None
        forgotten = all(self._making.forget(key) for key in row.files if f"/{CLONE}" in key)
        if not forgotten and self._clock.now() < row.deleted_at + FORGET_FOR:
            # Behind those that nobody has turned to yet.
            self._set(row.voice_id, updated_at=self._clock.now())
            return False
        if not forgotten:
            log.error("clone_never_forgotten", voice_id=row.voice_id)
        self._storage.delete_prefix(folder(row.voice_id))
        with self._db.write() as tx:
            queries.delete(tx, row.voice_id)
        return True

    def _set(self, voice_id: str, **values: object) -> None:
        with self._db.write() as tx:
            queries.update(tx, voice_id, **values)

    def _known(self, voice_ids: Iterable[str]) -> dict[str, Row]:
        ids, rows = sorted(voice_ids), dict[str, Row]()
        with self._db.read() as tx:
            for start in range(0, len(ids), _BATCH):
                rows |= queries.known(tx, ids[start : start + _BATCH])
        return rows

    def _is_orphan(self, key: str, rows: dict[str, Row]) -> bool:
        voice_id = key.split("/")[1]
        if self._voices.is_preset(voice_id):
            return False
        row = rows.get(voice_id)
        return row is None or (f"/{SAMPLE}" not in key and key not in row.files)
