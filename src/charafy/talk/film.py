"""The face of a conversation as a video track, for who can't draw it or doesn't want to.

A picture is drawn when the connection asks for one, for the moment at which it asks: nothing waits
in a queue, a machine that is too busy shows fewer pictures, and sound is never held up. Drawing is
done on one thread for all conversations of a process, whose number is bounded.
"""

from __future__ import annotations

import asyncio
import fractions
import time
import zlib
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import structlog
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import VideoFrame

from charafy.kernel.observe import describe
from charafy.talk.lips import Lips

if TYPE_CHECKING:
    from charafy.conversations.models import Admitted
    from charafy.talk.carrying import Carrier
    from charafy.talk.faces import Face
    from charafy.talk.stage import Stage

log = structlog.get_logger("charafy.talk")

FPS: Final = 25
_CLOCK_RATE: Final = 90_000
"""Of video in RTP."""
_LOAD_S: Final = 90.0
"""A face that was never drawn before has to be made from its photo first."""
_DRAW_S: Final = 5.0
_BEHIND_S: Final = 0.03
"""Sound leaves in pieces of 20 ms that are encoded when they are whole, a picture at once."""
_FROZEN_S: Final = 1.0
"""Longer without a new picture is no video, and costs none."""

NO_FACE: Final = "no_face"
FAILED: Final = "failed"
"""Why there is no picture any more: nothing can be drawn from the photo; drawing it failed."""


class Films:
    """Who draws for the conversations of this process. Belongs to one event loop."""

    def __init__(
        self,
        load: Callable[[Admitted], Face],
        *,
        capacity: int,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`load` may take seconds and raise whatever keeps a character from having a face.

        `now`: the clock of the stages.
        """
        self._load = load
        self._capacity = capacity
        self._now = now
        # One drawer is good for one thread, and short turns of one thread leave the cores to
        # those who speak.
        self._drawing = ThreadPoolExecutor(1, thread_name_prefix="draw")
        self._loading = ThreadPoolExecutor(1, thread_name_prefix="face")
        self._films: set[Film] = set()

    @property
    def count(self) -> int:
        """Faces that are drawn now."""
        return len(self._films)

    def open(self, admitted: Admitted, stage: Stage) -> Film | None:
        """A film of what `stage` plays, or None when as many are made as there may be."""
        if len(self._films) >= self._capacity:
            log.info("no_room_to_draw", conversation_id=admitted.conversation_id)
            return None
        lips = Lips(
            self._now,
            seed=zlib.crc32(admitted.conversation_id.encode()),
            language=admitted.character.language,
        )
        loading = asyncio.get_running_loop().run_in_executor(self._loading, self._load, admitted)
        film = Film(stage, lips, loading, self._drawing, now=self._now, over=self._films.discard)
        self._films.add(film)
        return film

    def close(self) -> None:
        """Draw nothing more."""
        for film in list(self._films):
            film.close()
        for pool in (self._drawing, self._loading):
            pool.shutdown(wait=False, cancel_futures=True)


class Film:
    """One conversation's. It is over when drawing fails, or closed with the conversation."""

    def __init__(
        self,
        stage: Stage,
        lips: Lips,
        face: asyncio.Future[Face],
        drawing: ThreadPoolExecutor,
        *,
        now: Callable[[], float],
        over: Callable[[Film], None],
    ) -> None:
        self._stage = stage
        self._lips = lips
        self._face = face
        self._drawing = drawing
        self._now = now
        self._over = over
        self._why: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._shown_s: float | None = None
        self.seconds = 0.0
        """In which there was a picture, so far."""
        face.add_done_callback(self._loaded)

    @property
    def running(self) -> bool:
        return not self._why.done()

    async def stopped(self) -> str | None:
        """Wait until it is over: why, or None when the conversation is."""
        return await asyncio.shield(self._why)

    def attach(self, carrier: Carrier) -> None:
        """Show it to who came over this; the connection before may be gone."""
        if self.running and carrier.shows:
            carrier.replace_video_track(FilmTrack(self.shot, self._now))

    async def shot(self) -> VideoFrame:
        """The face at this moment. Raises `MediaStreamError` when the film is over."""
        if not self.running:
            raise MediaStreamError
        why = NO_FACE
        try:
            async with asyncio.timeout(_LOAD_S):
                face = await asyncio.shield(self._face)
            why = FAILED
            self._lips.follow(self._stage.playing)
            async with asyncio.timeout(_DRAW_S):
                frame = await asyncio.get_running_loop().run_in_executor(
                    self._drawing, self._draw, face
                )
        except Exception as error:
            # Whatever a picture does to whoever draws it: the voice goes on.
            self._stop(why, error)
            raise MediaStreamError from error
        self._count()
        return frame

    def close(self) -> None:
        """It was long enough."""
        self._end(None)

    def _loaded(self, face: asyncio.Future[Face]) -> None:
        """Say at once that there will be no picture, though nobody may have asked for one yet."""
        if not face.cancelled() and (error := face.exception()) is not None:
            self._stop(NO_FACE, error)

    def _draw(self, face: Face) -> VideoFrame:
        picture = face.yuv(self._lips.pose(self._now() - _BEHIND_S))
        return VideoFrame.from_ndarray(picture, format="yuv420p")

    def _count(self) -> None:
        now = self._now()
        if self._shown_s is not None:
            self.seconds += min(now - self._shown_s, _FROZEN_S)
        self._shown_s = now

    def _stop(self, why: str, error: BaseException) -> None:
        if self.running:
            log.warning("video_stopped", reason=why, **describe(error))
        self._end(why)

    def _end(self, why: str | None) -> None:
        if self.running:
            self._why.set_result(why)
            self._face.cancel()
            self._over(self)


class FilmTrack(MediaStreamTrack):
    """A film over one connection: its timestamps are the clock's, so they never drift from sound's.

    A picture is numbered by when it is shown: what comes late is late, and the next is on time.
    """

    kind = "video"

    def __init__(self, shot: Callable[[], Awaitable[VideoFrame]], now: Callable[[], float]) -> None:
        super().__init__()
        self._shot = shot
        self._now = now
        self._began_s = now()
        self._number = -1

    async def recv(self) -> VideoFrame:
        """The next picture, when it is due. Raises `MediaStreamError` when there are no more."""
        if self.readyState != "live":
            raise MediaStreamError
        passed_s = self._now() - self._began_s
        self._number = max(self._number + 1, int(passed_s * FPS))
        await asyncio.sleep(max(0.0, self._number / FPS - passed_s))
        at_s = self._now() - self._began_s
        frame = await self._shot()
        frame.pts = round(at_s * _CLOCK_RATE)
        frame.time_base = fractions.Fraction(1, _CLOCK_RATE)
        return frame
