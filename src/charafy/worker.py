"""The process that makes videos and refines voices: the composition root, part three."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import structlog

from charafy.engines.portrait import Renderer
from charafy.engines.portrait.motion import Timed
from charafy.engines.voice import SAMPLE_RATE, Pcm
from charafy.house import House
from charafy.kernel.observe import describe
from charafy.kernel.settings import Settings
from charafy.supervisor import when_parent_ends
from charafy.videos.jobs import Jobs
from charafy.videos.making import Maker
from charafy.videos.still import StillFaces
from charafy.videos.studio import AvatarFaces, Faces, HouseStudio
from charafy.voices.attending import Attendant

log = structlog.get_logger("charafy.worker")

NICENESS: Final = 5
"""The API's requests go first: whoever waits for an answer waits less than for a video."""
DRAIN_S: Final = 12.0
_SWEEP_S: Final = 30.0


def run(house: House, *, supervised: bool) -> None:
    """Make videos and refine voices until SIGTERM or, `supervised`, until standard input ends.

    Does not return: what is under way keeps its threads, so the process is ended under them.
    """
    stop = _stop_signal(supervised)
    _be_modest()
    with _only_one(house.settings):
        jobs = Jobs(house.settings, house.video_room.work, _maker(house))
        jobs.start()
        attendant = _attendant(house, jobs)
        attendant.start()
        log.info("worker_ready", pid=os.getpid())
        _keep_house(house, jobs, stop)
        attendant.stop()
        log.info("worker_stops", put_down=jobs.drain(DRAIN_S), voice=attendant.gone(DRAIN_S))
        house.avatars.close()
        house.keys.flush_last_used(now=True)
        sys.stderr.flush()
        os._exit(0)


def _attendant(house: House, jobs: Jobs) -> Attendant:
    """Videos go first: somebody pays for them by the second and waits."""
    work = house.video_room.work
    return Attendant(
        house.voice_room.refinery,
        house.settings.worker_name,
        busy=lambda: bool(jobs.under_way or work.waiting()),
        prepare=house.voice.load,
    )


def studio_of(house: House) -> HouseStudio:
    """Where this house's films are made, for whoever has a process to make them in."""
    return HouseStudio(house.speech, house.storage, _faces(house), listen=_listen)


def _maker(house: House) -> Maker:
    work, storage = house.video_room.work, house.storage
    return Maker(work, studio_of(house), storage, house.settings.workshop)


def _faces(house: House) -> Faces:
    if house.settings.portrait_engine == "still":
        log.warning("still_faces", why="CHARAFY_PORTRAIT_ENGINE is still: nobody will move.")
        return StillFaces(house.characters, house.storage)
    return AvatarFaces(house.avatars, _renderer)


def _renderer() -> Renderer:
    from charafy.engines.portrait.rendering import RigRenderer

    return RigRenderer()


def _listen(pcm: Pcm) -> tuple[Timed, ...]:
    from charafy.engines.voice.heard import heard

    return heard(pcm, SAMPLE_RATE)


def _keep_house(house: House, jobs: Jobs, stop: threading.Event) -> None:
    """Chores, now and every `_SWEEP_S`, until told to stop."""
    chores = {
        "leases": lambda: house.video_room.chores.renew_leases(jobs.under_way),
        "stranded": jobs.end_stranded,
        "records": jobs.forget_ended,
    }
    while True:
        for name, chore in chores.items():
            try:
                chore()
            except Exception as error:  # noqa: BLE001 - one failing chore must not stop the others
                log.error("chore_failed", chore=name, **describe(error))
        if stop.wait(_SWEEP_S):
            return


def _stop_signal(supervised: bool) -> threading.Event:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    # Ctrl-C reaches every process of a terminal: a supervised worker leaves it to its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN if supervised else lambda *_: stop.set())
    if supervised:
        when_parent_ends(stop.set)
    return stop


def _be_modest() -> None:
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    import cv2

    cv2.setNumThreads(1)


@contextlib.contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """Wait until no other worker of this name runs here: one that is ending puts down its work."""
    path: Path = settings.home / f"{settings.worker_name}.lock"
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.2)
        yield
