"""Which workers there are, and which of them died: so that others go on with what they had begun.

A worker beats. Whoever sees that one did not beat for `SILENCE_S` strikes it off, and only then
takes over its work. Silence is measured by who watches, with a clock that never jumps and only
while the database answers: neither clocks that differ nor a database that was away make anybody
lost. Who was struck off finds out at its next beat and has to end at once.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, one_at_a_time
from charafy.kernel.ids import new_id
from charafy.kernel.refused import StartRefused
from charafy.kernel.roll_tables import workers

BEAT_S: Final = 5.0
SILENCE_S: Final = 30.0
"""How long a worker may give no sign of life."""


class NameTaken(StartRefused):
    """Another worker of this name works elsewhere; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One run of a worker."""

    run: str
    name: str
    seen_at: datetime


def place_of(home: Path) -> str:
    """Where a lock keeps two workers from having one name: this machine's data folder."""
    return hashlib.sha256(f"{socket.gethostname()}:{home.resolve()}".encode()).hexdigest()


class Roll:
    """Thread-safe; safe from many processes."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def enter(self, name: str, place: str) -> str:
        """A worker starts, which holds the lock on `name` at `place`; the id of its run.

        Earlier runs of that name there are over, and lost. Raises `NameTaken` when one of that
        name gave a sign of life from another place lately.
        """
        run, now = new_id(), self._clock.now()
        mine = sa.and_(workers.c.name == name, workers.c.place == place)
        elsewhere = sa.select(workers.c.run).where(
            workers.c.name == name,
            workers.c.place != place,
            workers.c.lost_at.is_(None),
            workers.c.seen_at > now - timedelta(seconds=SILENCE_S),
        )
        with self._db.write() as tx:
            one_at_a_time(tx, "workers")
            if tx.execute(elsewhere).first() is not None:
                raise NameTaken(
                    f"A worker named {name} works on another machine or data folder: give each its "
                    f"own CHARAFY_WORKER_NAME, or wait {SILENCE_S:.0f} s after it was killed."
                )
            tx.execute(workers.update().where(mine, workers.c.lost_at.is_(None)), {"lost_at": now})
            row = {"run": run, "name": name, "place": place, "seen_at": now}
            tx.execute(workers.insert(), row)
        return run

    def beat(self, run: str) -> bool:
        """It is still there: to be said every `BEAT_S`. False: struck off, its work is others'."""
        beats = (
            workers.update()
            .where(workers.c.run == run, workers.c.lost_at.is_(None))
            .values(seen_at=self._clock.now())
            .returning(workers.c.run)
        )
        with self._db.write() as tx:
            return tx.execute(beats).first() is not None

    def leave(self, run: str) -> None:
        """It stops on purpose; what it put down may be taken over at once."""
        with self._db.write() as tx:
            tx.execute(
                workers.update().where(workers.c.run == run).values(lost_at=self._clock.now())
            )

    def entries(self) -> tuple[list[Entry], list[Entry]]:
        """Those that are there as far as is known, and those that are lost."""
        with self._db.read() as tx:
            rows = tx.execute(sa.select(workers)).all()
        entries = [(Entry(row.run, row.name, row.seen_at), row.lost_at) for row in rows]
        there = [entry for entry, lost_at in entries if lost_at is None]
        return there, [entry for entry, lost_at in entries if lost_at is not None]

    def strike(self, entry: Entry) -> bool:
        """Declare it lost; False when it gave a sign of life since `entry` was read."""
        struck = (
            workers.update()
            .where(
                workers.c.run == entry.run,
                workers.c.seen_at == entry.seen_at,
                workers.c.lost_at.is_(None),
            )
            .values(lost_at=self._clock.now())
            .returning(workers.c.run)
        )
        with self._db.write() as tx:
            return tx.execute(struck).first() is not None

    def forget(self, run: str) -> None:
        """Nothing of it is left to be taken over."""
        with self._db.write() as tx:
            tx.execute(workers.delete().where(workers.c.run == run))


class Watch:
    """One worker's eye on the others. Used by one thread."""

    def __init__(
        self, roll: Roll, run: str, clock: Clock, take_over: Callable[[Entry], object]
    ) -> None:
        """`take_over` makes a lost worker's work anybody's; called again if it raised, perhaps
        by two workers at once, and must bear both.
        """
        self._roll = roll
        self._run = run
        self._clock = clock
        self._take_over = take_over
        self._seen: dict[str, tuple[datetime, float]] = {}
        """By run: the last sign of life, and when it was seen first by our own clock."""

    def round(self) -> bool:
        """Beat, and take over the work of who is lost; False when we are.

        Raises what the database raises: silence then counts from the next round on.
        """
        seen, self._seen = self._seen, {}
        if not self._roll.beat(self._run):
            return False
        now_s = self._clock.monotonic()
        there, lost = self._roll.entries()
        for entry in there:
            last, since_s = seen.get(entry.run, (entry.seen_at, now_s))
            if last != entry.seen_at:
                since_s = now_s
            if now_s - since_s >= SILENCE_S and entry.run != self._run:
                if self._roll.strike(entry):
                    lost.append(entry)
            else:
                self._seen[entry.run] = (entry.seen_at, since_s)
        for entry in lost:
            self._take_over(entry)
            self._roll.forget(entry.run)
        return True
