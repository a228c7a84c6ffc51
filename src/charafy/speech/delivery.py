"""From the worker threads to the client: pieces as they become ready, every wait bounded.

Handing a finished piece to the network is all that the event loop does here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from functools import partial
from typing import Any, TypeVar

import structlog
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from charafy.kernel.errors import BadRequest, CharafyError, UpstreamFailed
from charafy.kernel.observe import Metrics
from charafy.speech.jobs import RENEW_S, Job
from charafy.speech.recording import Gathering, Recording
from charafy.speech.scheduler import at_capacity
from charafy.speech.synthesis import Piece

log = structlog.get_logger("charafy.speech")

QUEUE_S = 15.0
"""How long a request may wait for a voice to turn to it."""
CHUNK_S = 60.0
"""How long one chunk may take; the first may have to load the model."""
STALL_S = 30.0
"""How long a client may take to read `_SLICE_BYTES`."""
BEHIND_S = 60.0
"""How much longer we may wait for a client in all than twice the sound that it was sent. A player
reads as fast as it plays; who reads slower only keeps a seat from others."""
LIMIT_S = 3_600.0
"""How long any delivery may take."""
MAX_COLLECTED_BYTES = 24 * 1024 * 1024
_SLICE_BYTES = 64 * 1024
_LOOK_S = 5.0

T = TypeVar("T")


class Lease:
    """Keeps a job's credits held for as long as someone looks after it."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._renewed_s = asyncio.get_running_loop().time()

    async def keep(self) -> None:
        """Renew it when that is due. To be called at least every `LEASE_S - RENEW_S` seconds."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._renewed_s >= RENEW_S:
            await asyncio.to_thread(self._job.renew)
            self._renewed_s = now_s


async def pieces(job: Job, lease: Lease) -> AsyncGenerator[Piece, None]:
    """The job's pieces in order, the last one marked; keeps its lease alive meanwhile.

    Raises `TooManyRequests` when no voice gets to it in time, else what the synthesis raises.
    """
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    job.synthesis.subscribe(partial(_tell, loop, ready))
    waiting_since = loop.time()
    while True:
        await lease.keep()
        ready.clear()
        piece = job.synthesis.take()
        if piece is None:
            await _wait(ready, job, waiting_since)
            continue
        job.wake()
        yield piece
        if piece.last:
            return
        waiting_since = loop.time()


async def _wait(ready: asyncio.Event, job: Job, since: float) -> None:
    """Until something happens, for a few seconds at most; raises when it has taken too long."""
    waited = asyncio.get_running_loop().time() - since
    if waited > QUEUE_S and not job.synthesis.has_begun:
        raise at_capacity()
    if waited > QUEUE_S + CHUNK_S:
        raise UpstreamFailed("The voice engine took too long. You were not charged: try again.")
    with suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_S):
            await ready.wait()


def _tell(loop: asyncio.AbstractEventLoop, ready: asyncio.Event) -> None:
    with suppress(RuntimeError):  # the loop was closed: there is nobody left to tell
        loop.call_soon_threadsafe(ready.set)


async def collect(job: Job) -> Recording:
    """Everything, for an answer in one piece. Raises as `pieces`, `BadRequest` when too large."""
    gathering = Gathering()
    async with aclosing(pieces(job, Lease(job))) as ready:
        async for piece in ready:
            gathering.add(piece)
            if len(gathering.data) > MAX_COLLECTED_BYTES:
                raise BadRequest(
                    f"The audio is larger than {MAX_COLLECTED_BYTES // 1024**2} MB: "
                    "choose mp3 or opus, or send a shorter text.",
                    code="audio_too_large",
                    param="format",
                )
    return gathering.recording(job.order.audio_format)


async def attend(receive: Receive, work: Coroutine[Any, Any, T], *, to_the_end: bool) -> T | None:
    """Do the work while watching the client; None when it left first.

    The work is then cancelled, or with `to_the_end` finished all the same.
    """
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_until_gone(receive))
    try:
        async with asyncio.timeout(LIMIT_S):
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            if task.done() or to_the_end:
                return await task
            return None
    finally:
        for each in (task, gone):
            each.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


class Delivery(Response):
    """Streams a job's audio. Until its first piece is there, errors are ordinary answers."""

    def __init__(self, job: Job, metrics: Metrics) -> None:
        self.status_code = 200
        self.media_type = job.synthesis.content_type
        self.background = None
        self.init_headers(job.headers | {"Cache-Control": "no-store"})
        self._job = job
        self._metrics = metrics
        self._kept = bytearray()
        self._audio_s = 0.0
        self._chars_sent: int | None = None
        self._begun = False
        self._unread = False
        self._waited_s = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await attend(receive, self._stream(scope, send), to_the_end=self._job.is_kept)
        except TimeoutError:
            log.info("speech_client_too_slow")
        except BaseException as error:  # whatever happened: what has no end isn't charged
            await settle(self._job.fail)
            if self._begun and isinstance(error, CharafyError):
                raise ConnectionAbortedError("speech broken off") from None
            raise
        # The client left, or all is well: then this does nothing.
        await settle(partial(self._job.leave, self._audio_s, self._chars_sent))

    async def _stream(self, scope: Scope, send: Send) -> None:
        lease = Lease(self._job)
        async with aclosing(pieces(self._job, lease)) as ready:
            async for piece in ready:
                if not self._begun:
                    await self._begin(scope, send)
                await self._send(send, piece, lease)
        await asyncio.to_thread(
            self._job.complete,
            self._audio_s,
            bytes(self._kept),
            self._job.order.audio_format,
            dict(self.headers),
        )
        await self._hand_over(send, b"", more=False)

    async def _begin(self, scope: Scope, send: Send) -> None:
        self._begun = True
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        started = scope.get("state", {}).get("started")
        if started is not None:
            self._metrics.first_audio_seconds.observe(time.perf_counter() - started)

    async def _send(self, send: Send, piece: Piece, lease: Lease) -> None:
        """In slices, so that what is counted as sent is not far ahead of what was read.

        A piece may take minutes to read and hold a minute of speech: its credits stay held
        meanwhile, and who leaves within it pays for its share.
        """
        self._audio_s = piece.audio_s
        if self._job.is_kept:
            self._kept += piece.data
        before, size = self._chars_sent or 0, len(piece.data)
        for start in range(0, size, _SLICE_BYTES):
            end = min(size, start + _SLICE_BYTES)
            await lease.keep()
            await self._hand_over(send, piece.data[start:end])
            self._chars_sent = before + (piece.chars_done - before) * end // size

    async def _hand_over(self, send: Send, data: bytes, *, more: bool = True) -> None:
        """Raises `TimeoutError` for a client that hardly reads, unless its answer is kept."""
        if self._unread:
            return
        patience_s = min(STALL_S, BEHIND_S + 2 * self._audio_s - self._waited_s)
        since_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(patience_s):
                await send({"type": "http.response.body", "body": data, "more_body": more})
            self._waited_s += asyncio.get_running_loop().time() - since_s
        except TimeoutError:
            if not self._job.is_kept:
                raise
            self._unread = True


async def settle(how: Callable[[], None]) -> None:
    """Settle a job in a thread, even while this task is being cancelled."""
    await asyncio.shield(asyncio.to_thread(how))
