"""A session over its transport: the same for a peer connection and for a room of LiveKit."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from charafy.kernel.observe import describe
from charafy.talk.line import Line, carry
from charafy.talk.session import UNNOTICED_S, Session

if TYPE_CHECKING:
    from pipecat.pipeline.worker import PipelineWorker
    from pipecat.transports.base_transport import BaseTransport

    from charafy.talk.film import FilmTrack
    from charafy.talk.reply import Speaker

log = structlog.get_logger("charafy.talk")

_STOP_S: Final = 10.0
_AFTER_GREETING_S: Final = 0.5


class Carrier(Protocol):
    """What one conversation's media goes over."""

    @property
    def shows(self) -> bool:
        """Whether the client takes a picture that we can send."""

    def transport(self) -> BaseTransport:
        """What the pipeline has at both its ends.

        It calls `on_client_connected` and `on_client_disconnected`; where the carrier can tell,
        also `on_client_vanished` (disconnected, told `UNNOTICED_S` late), `on_client_left` (for
        good), `on_client_gone` (nothing can be carried any more) and `on_replaced` (another
        process carries it).
        """

    def replace_video_track(self, track: FilmTrack) -> None:
        """Show it instead of what was shown."""


async def carried(
    session: Session,
    line: Line,
    carrier: Carrier,
    prepare: Callable[[Speaker], Awaitable[None]],
) -> str:
    """Run the session to its end; answers why it ended."""
    transport = carrier.transport()
    if (film := session.film) is not None:
        transport.add_event_handler("on_client_connected", _calling(lambda: film.attach(carrier)))
    for event, work in {
        "on_client_connected": session.found,
        "on_client_disconnected": session.lost,
        "on_client_vanished": lambda: session.lost(UNNOTICED_S),
        "on_client_left": lambda: session.end("hang_up"),
        "on_client_gone": lambda: session.end("disconnected"),
        # By who leads it now. If that is still ourselves, it was one that had lost it: go round it.
        "on_replaced": session.hand_over,
    }.items():
        transport.add_event_handler(event, _calling(work))
    preparing = asyncio.create_task(_ready(session, prepare))
    workers: list[PipelineWorker] = []
    carrying = asyncio.create_task(carry(transport, line, workers.append))
    carrying.add_done_callback(lambda task: _line_ended(session, task))
    try:
        return await session.run()
    finally:
        preparing.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_S):
                for worker in workers:
                    await worker.cancel()
                await asyncio.wait([carrying])
        carrying.cancel()


async def _ready(session: Session, prepare: Callable[[Speaker], Awaitable[None]]) -> None:
    """Let the persona be read and what is said at once be made, once the greeting began."""
    from charafy.talk.reply import Speaker

    await asyncio.sleep(_AFTER_GREETING_S)
    who = session.admitted.character
    try:
        await session.dialogue.wake()
        await prepare(Speaker(who.engine_voice, who.language))
    except Exception as error:  # noqa: BLE001 - without openers a conversation goes on
        log.warning("not_prepared", **describe(error))


def _line_ended(session: Session, task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("line_failed", **describe(error))
        session.end("failed")
    session.end("disconnected")


def _calling(work: Callable[[], None]) -> Callable[..., Awaitable[None]]:
    async def handler(*_: object) -> None:
        work()

    return handler
