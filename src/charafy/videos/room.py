"""The videos feature as a whole: its parts, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from charafy.characters.service import Characters
from charafy.credits.service import Credits
from charafy.engines.voice import FrontEnd
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.fetch import Fetcher
from charafy.kernel.http.idempotency import Idempotency
from charafy.kernel.media.images import PhotoReader
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage
from charafy.kernel.traces import OFF, Traces
from charafy.speech.service import Speech
from charafy.videos.chores import Chores
from charafy.videos.drafting import Drafting
from charafy.videos.endings import Emit, Endings
from charafy.videos.inputs import Inputs
from charafy.videos.service import Videos
from charafy.videos.work import Work


@dataclass(frozen=True, slots=True)
class VideoRoom:
    """What the API, the sweeper and the worker need of videos."""

    videos: Videos
    work: Work
    chores: Chores

    @classmethod
    def build(
        cls,
        db: Database,
        clock: Clock,
        settings: Settings,
        *,
        characters: Characters,
        speech: Speech,
        front_end: FrontEnd,
        credits: Credits,
        idempotency: Idempotency,
        storage: Storage,
        fetcher: Fetcher,
        emit: Emit,
        traces: Traces = OFF,
    ) -> VideoRoom:
        endings = Endings(
            db,
            clock,
            credits=credits,
            storage=storage,
            emit=emit,
            prices=settings.prices,
            keep_days=settings.video_days,
        )
        videos = Videos(
            db,
            clock,
            characters=characters,
            drafting=Drafting(speech, front_end, storage, Inputs(fetcher, PhotoReader())),
            credits=credits,
            idempotency=idempotency,
            storage=storage,
            endings=endings,
            settings=settings,
            traces=traces,
        )
        chores = Chores(
            db,
            clock,
            credits=credits,
            storage=storage,
            endings=endings,
            workshops=settings.workshops,
        )
        return cls(videos, Work(db, clock, characters=characters, endings=endings), chores)

    def sweeps(self) -> dict[str, Callable[[], object]]:
        """For every minute, in every process."""
        return {
            "abandoned videos": self.chores.end_abandoned,
            "expired videos": self.chores.remove_expired,
        }
