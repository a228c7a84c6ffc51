"""What must happen to videos although nobody asks: leases, old files, strays."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from charafy.credits.service import Credits, HoldEnded
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.storage import Storage
from charafy.videos import queries
from charafy.videos.endings import EndedMeanwhile, Endings
from charafy.videos.models import Failure

log = structlog.get_logger("charafy.videos")

LEASE: Final = timedelta(hours=24)
"""How long a video may go without a worker that looks after it."""
HOLD_LEASE: Final = LEASE + timedelta(hours=1)
"""Longer, so that a video is ended with its reason before its credits go back by themselves."""
RENEW: Final = timedelta(hours=1)
"""Leases are renewed this long after they began."""
ORPHAN_AGE: Final = timedelta(hours=1)
_BATCH: Final = 100


class Chores:
    """Each is safe to run at any time, in any number of processes."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        credits: Credits,
        storage: Storage,
        endings: Endings,
        workshops: Path,
    ) -> None:
        """`workshops`: in whose folders the workers here leave what is unfinished."""
        self._db = db
        self._clock = clock
        self._credits = credits
        self._storage = storage
        self._endings = endings
        self._workshops = workshops

    def renew_leases(self, mine: Collection[str]) -> int:
        """A worker is there: what waits, and what it is making (`mine`), keeps its credits.

        What another worker was making is left to that one: it may be gone for good.
        """
        now = self._clock.now()
        with self._db.read() as tx:
            old = queries.leases_before(tx, now + LEASE - RENEW)
        due = [video for video in old if video.started_at is None or video.video_id in mine]
        for video in due:
            with self._db.write() as tx:
                if not queries.update_processing(tx, video.video_id, lease_until=now + LEASE):
                    continue
                try:
                    self._credits.renew(tx, video.hold_id, HOLD_LEASE.total_seconds())
                except HoldEnded:
                    self._endings.fail(tx, video.video_id, Failure("expired"))
        return len(due)

    def end_abandoned(self) -> int:
        """Give up what no worker has looked after for `LEASE`."""
        with self._db.read() as tx:
            abandoned = queries.leases_before(tx, self._clock.now())
        for video in abandoned:
            try:
                with self._db.write() as tx:
                    self._endings.fail(tx, video.video_id, Failure("expired"))
            except EndedMeanwhile:
                continue
        return len(abandoned)

    def remove_expired(self) -> int:
        """Forget videos that ended longer ago than they are kept, with their files."""
        keep = self._endings.keep
        if keep is None:
            return 0
        with self._db.read() as tx:
            expired = queries.ended_before(tx, self._clock.now() - keep, _BATCH)
        for video in expired:
            # Files first: if this process dies in between, the row brings another one here.
            self._storage.delete_prefix(video.folder)
            with self._db.write() as tx:
                queries.delete(tx, video.video_id)
        return len(expired)

    def remove_orphans(self) -> int:
        """Delete files that no row needs, and what a killed worker left; how many.

        Lists every file of every video: a chore for the start, not for every minute.
        """
        old = self._storage.keys("videos/", older_than=self._clock.now() - ORPHAN_AGE)
        owners = sorted({key.split("/")[1] for key in old})
        kept: dict[str, frozenset[str] | None] = {}
        with self._db.read() as tx:
            for start in range(0, len(owners), _BATCH):
                kept |= queries.kept_files(tx, owners[start : start + _BATCH])

        def needed(key: str) -> bool:
            files = kept.get(key.split("/")[1], frozenset())
            return files is None or key in files

        # Of a video that is over as well: whoever was killed or frozen when it ended, or couldn't
        # reach the storage, left what it had made until then.
        orphans = [key for key in old if not needed(key)]
        for key in orphans:
            self._storage.delete(key)
        return len(orphans) + self._clear_workshops()

    def _clear_workshops(self) -> int:
        folders = list(self._workshops.glob("*/*"))
        names = sorted({path.name for path in folders})
        with self._db.read() as tx:
            rows = queries.known(tx, names) if names else {}
        done = [path for path in folders if rows.get(path.name) != "processing"]
        for path in done:
            shutil.rmtree(path, ignore_errors=True)
        return len(done)
