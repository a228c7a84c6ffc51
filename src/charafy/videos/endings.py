"""How a video ends: completed and paid, or failed and free; exactly once, whoever comes first.

The row's status decides: what changes it from "processing" also settles the credits and writes
the webhook event, in one unit of work. Everybody else finds the video over and does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from charafy.credits.service import Credits, HoldEnded
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx
from charafy.kernel.settings import Prices
from charafy.kernel.storage import Storage
from charafy.videos import queries
from charafy.videos.estimate import price
from charafy.videos.models import Failure, Video
from charafy.videos.schemas import VideoAnswer

log = structlog.get_logger("charafy.videos")

Emit = Callable[[Tx, str, str, Mapping[str, object]], None]
"""Account, type of event, data: tells the account's webhooks once the unit of work commits."""


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of an order."""

    duration_s: float
    output_key: str
    srt_key: str | None
    vtt_key: str | None


class Endings:
    """Thread-safe; used by the API (cancel) and by workers."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        credits: Credits,
        storage: Storage,
        emit: Emit,
        prices: Prices,
        keep_days: int,
    ) -> None:
        self._db = db
        self._clock = clock
        self._credits = credits
        self._storage = storage
        self._emit = emit
        self._prices = prices
        self._keep_days = keep_days

    @property
    def keep(self) -> timedelta | None:
        """How long a video stays once it ended; None: for ever."""
        return timedelta(days=self._keep_days) if self._keep_days else None

    def complete(self, video_id: str, made: Made) -> bool:
        """Charge for what was made and say that it is there; False when the video is over."""
        with self._db.write() as tx:
            video = queries.find(tx, video_id)
            if video is None or video.status != "processing":
                return False
            owed = 0 if video.is_test else price(self._prices, made.duration_s)
            charged = self._capture(tx, video, min(owed, video.held))
            return self._end(
                tx,
                video_id,
                "video.completed",
                status="completed",
                progress=1.0,
                charged=charged,
                duration_s=round(made.duration_s, 3),
                output_key=made.output_key,
                srt_key=made.srt_key,
                vtt_key=made.vtt_key,
            )

    def fail(self, tx: Tx, video_id: str, failure: Failure) -> bool:
        """Give the credits back and say why; False when the video is over."""
        video = queries.find(tx, video_id)
        if video is None or video.status != "processing":
            return False
        self._credits.release(tx, video.hold_id)
        return self._end(
            tx,
            video_id,
            "video.failed",
            status="failed",
            error_code=failure.code,
            error=failure.message,
        )

    def _capture(self, tx: Tx, video: Video, amount: int) -> int:
        try:
            return self._credits.capture(tx, video.hold_id, amount)
        except HoldEnded:
            # Nobody renewed it for a day and the sweeper was quicker than we: ours to bear.
            log.warning("video_not_charged", video_id=video.video_id, credits=amount)
            return 0

    def _end(self, tx: Tx, video_id: str, event: str, **values: Any) -> bool:
        now = self._clock.now()
        if not queries.update_processing(tx, video_id, completed_at=now, **values):
            # On PostgreSQL someone else ended it after it was read: nothing of ours may stay.
            raise EndedMeanwhile(video_id)
        ended = queries.find(tx, video_id)
        assert ended is not None
        answer = VideoAnswer.of(ended, self._storage.url, keep=self.keep)
        self._emit(tx, ended.account_id, event, answer.model_dump(mode="json"))
        return True


class EndedMeanwhile(Exception):
    """Two came to end the same video at the same moment: this one rolls back."""
