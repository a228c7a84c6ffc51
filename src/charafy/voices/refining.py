"""Looking for a better clone of the same recording, in the worker's process, behind the videos.

A refinement is one computation that ends in one file and one change of a row, so there are no steps
whose results a job system would have to remember (videos have four, see `videos/jobs.py`). What it
takes is a lease in the row: who holds it looks for the better clone and renews it meanwhile, and
what a killed worker held is taken up again, by a worker of its name at once, by any other when the
lease ends. The row's state decides: a clone is only swapped by who still holds the lease of a voice
that is still there. Two workers on one voice would cost time, never a wrong result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import structlog

from charafy.engines.voice.cloning import Clone, Cloner, Progress, Reference
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx
from charafy.kernel.ids import new_id
from charafy.kernel.media.recordings import read_recording
from charafy.kernel.observe import describe
from charafy.kernel.storage import Storage
from charafy.kernel.stores import StorageUnavailable
from charafy.voices import queries
from charafy.voices.catalogue import Voices
from charafy.voices.making import clone_key, forget_samples, nobody
from charafy.voices.models import Refinement
from charafy.voices.queries import Row
from charafy.voices.schemas import OneVoiceAnswer

log = structlog.get_logger("charafy.voices")

LEASE: Final = timedelta(minutes=10)
"""How long a refinement may give no sign of life."""
RENEW_S: Final = 5.0
"""How often its lease is renewed, and whether it is still wanted is looked for."""
RETRY: Final = timedelta(minutes=1)
MAX_ATTEMPTS: Final = 2
"""Times that a refinement may fail, or take its worker down with it."""

Emit = Callable[[Tx, str, str, Mapping[str, object]], None]


class PutDown(Exception):
    """The worker stops: somebody else goes on with it. What a progress callback may raise."""


class _Unwanted(Exception):
    """The voice is gone, or somebody else refines it now."""


@dataclass(frozen=True, slots=True)
class Job:
    """A refinement that is ours to do."""

    voice: Row
    claim: str
    """Names this attempt: who lost the lease can't end what another took over."""


class Refinery:
    """Safe from many threads and processes."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        voices: Voices,
        storage: Storage,
        cloner: Cloner,
        emit: Emit,
    ) -> None:
        self._db = db
        self._clock = clock
        self._voices = voices
        self._storage = storage
        self._cloner = cloner
        self._emit = emit

    @property
    def refines(self) -> bool:
        """Whether there is a point in looking for something to refine."""
        return self._cloner.refines

    def claim(self, refiner: str, voice_id: str | None = None) -> Job | None:
        """Take up the one that waits longest, or that of one voice; None when there is none."""
        now, claim = self._clock.now(), new_id()
        with self._db.write() as tx:
            row = queries.claim(
                tx, now, refiner=refiner, claim=claim, until=now + LEASE, voice_id=voice_id
            )
        if row is None:
            return None
        job = Job(row, claim)
        if row.attempts > MAX_ATTEMPTS:
            log.error("refinement_given_up", voice_id=row.voice_id, attempts=row.attempts)
            self._end(job, "failed")
            return None
        return job

    def reclaim(self, refiner: str) -> int:
        """Let what a killed process of this name held be taken up at once; how many there were."""
        with self._db.write() as tx:
            return queries.unclaim(tx, refiner)

    def refine(self, job: Job, progress: Progress = nobody) -> Refinement | None:
        """Do it, to whatever end; None when it was put down or is not wanted any more.

        `progress` may raise `PutDown`. Never raises what the cloner raises.
        """
        try:
            better = self._better(job, self._watched(job, progress))
            if better is not None:
                self._storage.put(_key(job, better), better.data, "application/json")
        except PutDown:
            self.put_down(job)
            return None
        except _Unwanted:
            return None
        except Exception as error:  # noqa: BLE001 - one refinement must not stop the others
            log.error("refinement_failed", voice_id=job.voice.voice_id, **describe(error))
            return self._fail(job)
        if better is None:
            return self._end(job, "not_better")
        return self._swap(job, better)

    def _better(self, job: Job, progress: Progress) -> Clone | None:
        voice = job.voice
        assert voice.reference_key is not None
        reference = read_recording(self._storage.get(voice.reference_key)[0])
        before = Clone(
            self._storage.get(voice.engine_voice)[0], voice.clone.method, voice.clone.similarity
        )
        better = self._cloner.refine(Reference(reference, voice.language), before, progress)
        return None if better is None or better.data == before.data else better

    def _watched(self, job: Job, progress: Progress) -> Progress:
        renewed_s = self._clock.monotonic()

        def tick(done: float) -> None:
            nonlocal renewed_s
            progress(done)
            if self._clock.monotonic() - renewed_s >= RENEW_S:
                renewed_s = self._clock.monotonic()
                self.renew(job)

        return tick

    def renew(self, job: Job) -> None:
        """Keep it for another lease. Raises to stop whoever does it when it is not wanted."""
        until = self._clock.now() + LEASE
        with self._db.write() as tx:
            if not queries.renew(tx, job.voice.voice_id, job.claim, until):
                raise _Unwanted

    def _swap(self, job: Job, better: Clone) -> Refinement | None:
        """Give the voice its better clone, whose file is written.

        The old one stays for who speaks with it right now.
        """
        key = _key(job, better)
        ended = self._end(
            job,
            "kept",
            engine_voice=key,
            retired_voice=job.voice.engine_voice,
            similarity=better.similarity,
            method=better.method,
        )
        if ended is None:  # deleted meanwhile, perhaps with its folder
            self._storage.forget(key)
        else:
            forget_samples(self._storage, job.voice.voice_id)
        return ended

    def _end(self, job: Job, refinement: Refinement, **values: Any) -> Refinement | None:
        """The end of it, and of the recording; None when it was not ours to end any more."""
        voice_id, now = job.voice.voice_id, self._clock.now()
        with self._db.write() as tx:
            ended = queries.end_refinement(
                tx, voice_id, job.claim, refinement=refinement, updated_at=now, **values
            )
            if ended is None:
                return None
            tell_refined(tx, self._emit, self._voices, ended)
        if ended.reference_key:
            try:
                self._storage.delete(ended.reference_key)
            except StorageUnavailable:
                return refinement  # its row still names it: `Chores` removes both
            with self._db.write() as tx:
                queries.update(tx, voice_id, reference_key=None)
        return refinement

    def _fail(self, job: Job) -> Refinement | None:
        if job.voice.attempts >= MAX_ATTEMPTS:
            return self._end(job, "failed")
        with self._db.write() as tx:
            queries.put_down(
                tx, job.voice.voice_id, job.claim, not_before=self._clock.now() + RETRY
            )
        return None

    def put_down(self, job: Job) -> None:
        """The worker stops on purpose: this attempt does not count."""
        with self._db.write() as tx:
            queries.put_down(tx, job.voice.voice_id, job.claim, counts=False)


def tell_refined(tx: Tx, emit: Emit, voices: Voices, row: Row) -> None:
    """Tell the account's webhooks that a refinement ended, however it did."""
    answer = OneVoiceAnswer.whole(voices.of(row), queries.consent_to(tx, row.voice_id))
    emit(tx, row.clone.account_id, "voice.refined", answer.model_dump(mode="json"))


def _key(job: Job, better: Clone) -> str:
    return clone_key(job.voice.voice_id, better.data)
