"""A worker's view of the videos: what to make, whether it is still wanted, what became of it."""

from __future__ import annotations

import structlog

from charafy.characters.service import Characters
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.errors import NotFound
from charafy.videos import queries
from charafy.videos.endings import EndedMeanwhile, Endings, Made
from charafy.videos.models import Failure, Video

log = structlog.get_logger("charafy.videos")

MAX_ATTEMPTS = 3
"""Times that a video may take its worker down with it before it is given up."""


class Unwanted(Exception):
    """The video is over or gone: stop, and leave nothing behind."""


class Work:
    """Thread-safe; safe from many processes."""

    def __init__(
        self, db: Database, clock: Clock, *, characters: Characters, endings: Endings
    ) -> None:
        self._db = db
        self._clock = clock
        self._characters = characters
        self._endings = endings

    def waiting(self) -> dict[str, int]:
        """All that wait or are being made, by id: their turns, in the order in which they stand."""
        with self._db.read() as tx:
            return queries.processing(tx)

    def find(self, video_id: str) -> Video | None:
        """The video as it is now; None when it is gone."""
        with self._db.read() as tx:
            return queries.find(tx, video_id)

    def begin(self, video_id: str) -> Video:
        """Take it up. Raises `Unwanted`; `Failure` when it took too many workers down."""
        with self._db.write() as tx:
            attempts = queries.begin(tx, video_id, self._clock.now())
            video = queries.find(tx, video_id)
        if attempts is None or video is None:
            raise Unwanted
        if attempts > MAX_ATTEMPTS:
            log.error("video_given_up", video_id=video_id, attempts=attempts)
            raise Failure("internal")
        return video

    def put_down(self, video_id: str) -> None:
        """The worker stops on purpose: this attempt does not count."""
        with self._db.write() as tx:
            queries.put_down(tx, video_id)

    def require_wanted(self, video: Video) -> None:
        """Raises `Unwanted`, or `Failure` when the character is gone."""
        with self._db.read() as tx:
            now = queries.find(tx, video.video_id)
            if now is None or now.status != "processing":
                raise Unwanted
            try:
                self._characters.owned(tx, video.account_id, video.character_id)
            except NotFound:
                raise Failure("character_deleted") from None

    def report(self, video_id: str, progress: float) -> None:
        """Let the customer see how much is done, 0..1."""
        with self._db.write() as tx:
            queries.update_processing(tx, video_id, progress=progress)

    def complete(self, video_id: str, made: Made) -> None:
        """Raises `Unwanted` when it was ended or deleted meanwhile."""
        try:
            done = self._endings.complete(video_id, made) or self._is_completed(video_id, made)
        except EndedMeanwhile:
            done = False
        if not done:
            raise Unwanted

    def fail(self, video_id: str, failure: Failure) -> None:
        """Does nothing when it is over."""
        try:
            with self._db.write() as tx:
                self._endings.fail(tx, video_id, failure)
        except EndedMeanwhile:
            return

    def _is_completed(self, video_id: str, made: Made) -> bool:
        """Whether this very work was completed before, by a worker that died right after."""
        with self._db.read() as tx:
            video = queries.find(tx, video_id)
        return (
            video is not None
            and video.status == "completed"
            and video.output_key == made.output_key
        )
