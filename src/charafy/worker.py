"""The process that makes videos and refines voices: the composition root, part three."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

import structlog

from charafy.engines.portrait import Renderer
from charafy.engines.portrait.motion import Timed
from charafy.engines.voice import SAMPLE_RATE, Pcm
from charafy.house import House
from charafy.kernel.metrics_door import metrics_door
from charafy.kernel.observe import describe
from charafy.kernel.roll import BEAT_S, Entry, Roll, Watch, place_of
from charafy.kernel.seats import names_here, seat
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
_PATIENCE_S: Final = 2 * DRAIN_S + 6.0
"""Longer than another worker takes to end."""


def run(house: House, *, supervised: bool) -> None:
    """Make videos and refine voices until SIGTERM or, `supervised`, until standard input ends.

    Does not return: what is under way keeps its threads, so the process is ended under them.
    Raises `SeatTaken` and `NameTaken` where another worker has its name.
    """
    stop = _stop_signal(supervised)
    _be_modest()
    with (
        _named(house.settings) as name,
        metrics_door(house.metrics, house.settings, "worker"),
    ):
        roll = Roll(house.db, house.clock)
        this = roll.enter(name, place_of(house.settings.home))
        work, maker = house.video_room.work, _maker(house, name)
        jobs = Jobs(house.settings, work, maker, this, metrics=house.metrics, traces=house.traces)
        jobs.start()
        jobs.take_over([name])  # by which versions before this one knew a worker
        watch = Watch(roll, this, house.clock, lambda lost: _take_over(house, jobs, lost))
        watching = threading.Thread(
            target=_keep_watch, args=(watch, stop), name="roll", daemon=True
        )
        watching.start()
        attendant = _attendant(house, jobs, this)
        attendant.start()
        log.info("worker_ready", pid=os.getpid(), name=name)
        _keep_house(house, jobs, stop)
        attendant.stop()
        log.info("worker_stops", put_down=jobs.drain(DRAIN_S), voice=attendant.gone(DRAIN_S))
        house.avatars.close()
        _last(house.keys.flush_last_used, now=True)
        _last(roll.leave, this)
        house.traces.close()
        sys.stderr.flush()
        os._exit(0)


def _last(work: Callable[..., object], *given: object, **more: object) -> None:
    try:
        work(*given, **more)
    except Exception as error:  # noqa: BLE001 - the process ends all the same, and is missed later
        log.warning("not_said_goodbye", **describe(error))


def _attendant(house: House, jobs: Jobs, this: str) -> Attendant:
    """Videos go first: somebody pays for them by the second and waits."""
    work = house.video_room.work
    return Attendant(
        house.voice_room.refinery,
        this,
        busy=lambda: bool(jobs.under_way or work.waiting()),
        prepare=house.voice.load,
        tell=lambda outcome, seconds: _count_refinement(house, outcome, seconds),
    )


def _take_over(house: House, jobs: Jobs, lost: Entry) -> None:
    log.warning("worker_lost", name=lost.name)
    jobs.take_over([lost.run])
    house.voice_room.refinery.reclaim(lost.run)


def _keep_watch(watch: Watch, stop: threading.Event) -> None:
    """Be heard of, and look after the others, until told to stop; end when given up by them."""
    while True:
        try:
            if not watch.round():
                break
        except Exception as error:  # noqa: BLE001 - a database that is away now is back in a moment
            log.error("worker_not_heard", **describe(error))
        if stop.wait(BEAT_S):
            return
    # Frozen, or cut off: another worker goes on with all of it, and nothing may be done twice.
    log.error("worker_given_up_by_others", pid=os.getpid())
    sys.stderr.flush()
    os._exit(1)


def _count_refinement(house: House, outcome: str, seconds: float) -> None:
    house.metrics.job_seconds.labels("refinement").observe(seconds)
    house.metrics.jobs.labels("refinement", outcome).inc()


def studio_of(house: House) -> HouseStudio:
    """Where this house's films are made, for whoever has a process to make them in."""
    return HouseStudio(house.speech, house.storage, _faces(house), listen=_listen)


def _maker(house: House, name: str) -> Maker:
    work, storage = house.video_room.work, house.storage
    return Maker(work, studio_of(house), storage, house.settings.workshops / name)


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


def _named(settings: Settings) -> AbstractContextManager[str]:
    """This process's name, by which no other works at the same time."""
    if settings.many_workers:
        names, taken = names_here(), "As many workers run on this data folder as may."
    else:
        names = (settings.worker_name or "worker",)
        taken = (
            f"Another worker named {names[0]} runs on this data folder: give each its own "
            "CHARAFY_WORKER_NAME; beside SQLite one is enough."
        )
    # One that is ending puts down its work first.
    return seat(settings.home, "worker", names, patience_s=_PATIENCE_S, taken=taken)
