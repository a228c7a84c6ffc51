"""The worker's part of refining voices: one at a time, while nothing more urgent is to be done."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from charafy.engines.voice.cloning import Progress
from charafy.kernel.observe import describe
from charafy.voices.refining import Job, PutDown, Refinery

log = structlog.get_logger("charafy.voices")

POLL_S: Final = 2.0
LOOK_S: Final = 1.0
"""How often it is looked whether something more urgent came."""
LONGEST_PAUSE_S: Final = 1_800.0
"""Of one refinement: where videos never end, it goes on beside them."""
_NICENESS: Final = 19


class Attendant:
    """A thread that refines what waits. Started once, stopped once."""

    def __init__(
        self,
        refinery: Refinery,
        name: str,
        *,
        busy: Callable[[], bool],
        prepare: Callable[[], object] = lambda: None,
        tell: Callable[[str, float], object] = lambda _outcome, _s: None,
        poll_s: float = POLL_S,
        look_s: float = LOOK_S,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        """`name`: this worker's, under which it takes up again what it was killed over; `busy`
        tells that something more urgent is to be done; `prepare` loads, before the first, what
        that shares with refinements: threads that a refinement begins give way for ever; `tell`
        learns how each ended, and how many seconds it took in one go.
        """
        self._refinery = refinery
        self._name = name
        self._busy = busy
        self._prepare = prepare
        self._prepared = False
        self._tell = tell
        self._poll_s = poll_s
        self._look_s = look_s
        self._longest_pause_s = longest_pause_s
        self._stopping = threading.Event()
        self._job: Job | None = None
        self._thread = threading.Thread(target=self._attend, name="refinements", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take up nothing more and put down what is under way at its next sign of progress."""
        self._stopping.set()

    def gone(self, patience_s: float) -> bool:
        """Whether it has stopped, after waiting for that so long.

        What it would not let go of is put down all the same: a process that is ended on purpose
        has not been taken down by its refinement.
        """
        self._thread.join(patience_s)
        job = self._job
        if job is not None and self._stopping.is_set():
            self._try(lambda: self._refinery.put_down(job))
        return not self._thread.is_alive()

    def _attend(self) -> None:
        if not self._refinery.refines:
            return
        self._try(lambda: self._refinery.reclaim(self._name))
        while not self._stopping.is_set():
            # At once when there was one: another may wait.
            if not self._try(self._next):
                self._stopping.wait(self._poll_s)

    def _next(self) -> bool:
        """Refine one; False when there was nothing to do."""
        if self._busy():
            return False
        job = self._refinery.claim(self._name)
        if job is None:
            return False
        self._job, began_s = job, time.monotonic()
        try:
            self._ready()
            ended = self._refinery.refine(job, self._pausing(job))
        finally:
            self._job = None
        self._tell(ended or "put_down", time.monotonic() - began_s)
        log.info("voice_refined", voice_id=job.voice.voice_id, outcome=ended or "put down")
        return True

    def _ready(self) -> None:
        if not self._prepared:
            self._try(self._prepare)
            _give_way()
            self._prepared = True

    def _pausing(self, job: Job) -> Progress:
        """Lets more urgent work go first, and the worker stop."""
        looked_s, paused_s = time.monotonic(), 0.0

        def tick(_done: float) -> None:
            nonlocal looked_s, paused_s
            if self._stopping.is_set():
                raise PutDown
            if time.monotonic() - looked_s < self._look_s:
                return
            while paused_s < self._longest_pause_s and self._busy():
                self._refinery.renew(job)
                if self._stopping.wait(self._look_s):
                    raise PutDown
                paused_s += self._look_s
            looked_s = time.monotonic()

        return tick

    def _try(self, work: Callable[[], object]) -> bool:
        try:
            return bool(work())
        except Exception as error:  # noqa: BLE001 - a busy database now is none in a moment
            log.error("refinement_not_begun", **describe(error))
            return False


def _give_way() -> None:
    """This thread, and those that it starts, only get what nobody else wants (on Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
