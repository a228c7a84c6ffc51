"""The conversations of a talk process: opened by an offer, taken up again, ended and settled."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import structlog
from pydantic import BaseModel, ConfigDict, Field

from charafy.conversations.models import Ending
from charafy.kernel.errors import BadRequest, CharafyError, Conflict, NotFound, TooManyRequests
from charafy.kernel.observe import describe
from charafy.talk.line import Line, carry
from charafy.talk.session import Session

if TYPE_CHECKING:
    from pipecat.pipeline.worker import PipelineWorker

    from charafy.conversations.models import Admitted
    from charafy.conversations.sessions import Sessions
    from charafy.talk.dialogue import Dialogue, Spoken
    from charafy.talk.film import Film, Films
    from charafy.talk.reply import Speaker
    from charafy.talk.transport import Connection

log = structlog.get_logger("charafy.talk")

_NEGOTIATE_S: Final = 10.0
_BUSY_S: Final = 15
_AFTER_GREETING_S: Final = 0.5
_MOST_CANDIDATES: Final = 256


class Offer(BaseModel):
    """A client's offer, as the API passes it on."""

    model_config = ConfigDict(extra="ignore")

    token: str = Field(max_length=8192)
    sdp: str = Field(max_length=65_536)
    type: str = Field("offer", pattern="^offer$")
    render: str | None = None
    pc_id: str | None = Field(None, max_length=200)


class Candidate(BaseModel):
    candidate: str = Field(max_length=2048)
    sdp_mid: str | None = Field(None, max_length=64)
    sdp_mline_index: int | None = None


class Candidates(BaseModel):
    pc_id: str = Field(max_length=200)
    candidates: list[Candidate] = Field(max_length=64)


@dataclass(slots=True)
class Live:
    """A session and what carries it."""

    session: Session
    connection: Connection
    token: str
    task: asyncio.Task[None]
    candidates: int = 0
    negotiating: asyncio.Lock = field(default_factory=asyncio.Lock)


Makes = Callable[["Admitted", Line, Callable[["Spoken"], None]], "Dialogue"]
"""A dialogue for who was admitted, over a line, whose turns are told to the last."""


class Node:
    """The sessions of this process. Belongs to one event loop."""

    def __init__(
        self,
        name: str,
        sessions: Sessions,
        make: Makes,
        *,
        capacity: int,
        idle_s: float,
        prepare: Callable[[Speaker], Awaitable[None]],
        films: Films | None = None,
        ice_servers: list[Any] | None = None,
    ) -> None:
        """`films` draws the faces of who asks for video; None: nobody's."""
        self.name = name
        self.capacity = capacity
        self._sessions = sessions
        self._make = make
        self._idle_s = idle_s
        self._prepare = prepare
        self._films = films
        self._ice_servers = ice_servers
        self._live: dict[str, Live] = {}
        self._draining = False
        self._opening = 0

    @property
    def count(self) -> int:
        """Sessions that run or are being opened."""
        return len({id(live) for live in self._live.values()}) + self._opening

    @property
    def connections(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._live)

    async def connect(self, offer: Offer) -> dict[str, Any]:
        """Answer an offer; a session runs once its client connects.

        Raises `BadRequest` for an offer that can't be answered (the token stays good), what
        `Sessions.admit` raises, and `TooManyRequests` when there is no room.
        """
        if offer.pc_id is not None:
            return await self._again(offer, offer.pc_id)
        if self._draining or self.count >= self.capacity:
            raise TooManyRequests(
                "Every line is taken at the moment; nothing was charged. Try again shortly.",
                retry_after_s=_BUSY_S,
                code="at_capacity",
            )
        self._opening += 1
        try:
            return await self._open(offer)
        finally:
            self._opening -= 1

    async def trickle(self, more: Candidates) -> None:
        """Candidates that a client found after its offer. Raises `NotFound`, `BadRequest`."""
        from aiortc.sdp import candidate_from_sdp

        live = self._live.get(more.pc_id)
        if live is None:
            raise NotFound("There is no such connection.")
        for one in more.candidates:
            if not one.candidate:
                continue
            live.candidates += 1
            if live.candidates > _MOST_CANDIDATES:
                raise BadRequest("These are too many candidates.", param="candidates")
            try:
                candidate = candidate_from_sdp(one.candidate.removeprefix("candidate:"))
                candidate.sdpMid, candidate.sdpMLineIndex = one.sdp_mid, one.sdp_mline_index
                await live.connection.add_ice_candidate(candidate)  # type: ignore[no-untyped-call]
            except (ValueError, AssertionError, IndexError) as error:
                raise BadRequest("That is no ICE candidate.", param="candidates") from error

    async def drain(self, wait_s: float) -> None:
        """Take nobody in and end who is there; they are settled. Bounded by `wait_s`."""
        self._draining = True
        tasks = [live.task for live in self._live.values()]
        for live in self._live.values():
            live.session.end("failed")
        if tasks:
            await asyncio.wait(tasks, timeout=wait_s)

    async def _again(self, offer: Offer, pc_id: str) -> dict[str, Any]:
        live = self._live.get(pc_id)
        if live is None or not hmac.compare_digest(live.token, offer.token):
            raise NotFound("This conversation is over, or was never here.")
        async with live.negotiating:
            # Until the client is found over the new connection, it is waited for like any other.
            live.session.lost()
            connection = live.connection
            await self._negotiated(connection.renegotiate(offer.sdp, offer.type, restart_pc=True))
            _require_audio(connection)
            # A restarted connection has another name; the client knows it by both.
            self._live[connection.pc_id] = live
            return self._answer(connection, live.session.admitted)

    async def _open(self, offer: Offer) -> dict[str, Any]:
        from charafy.talk.transport import Connection

        connection = Connection(self._ice_servers)
        admitted: Admitted | None = None
        try:
            await self._negotiated(connection.initialize(sdp=offer.sdp, type=offer.type))
            _require_audio(connection)
            admitted = await asyncio.to_thread(self._sessions.admit, offer.token, self.name)
            answer = self._answer(connection, admitted)
            session, line = self._session(connection, admitted, offer.render)
        except BaseException:  # whatever stopped it: no connection stays open, no credits held
            await connection.disconnect()  # type: ignore[no-untyped-call]
            if admitted is not None:
                await asyncio.to_thread(
                    self._sessions.end, admitted.conversation_id, Ending("failed", 0.0)
                )
            raise
        task = asyncio.create_task(self._run(session, line, connection))
        self._live[connection.pc_id] = Live(session, connection, offer.token, task)
        return answer

    async def _negotiated(self, negotiation: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(_NEGOTIATE_S):
                await negotiation
        except TimeoutError as error:
            raise BadRequest("The offer could not be answered in time.", code="bad_sdp") from error
        except CharafyError:
            raise
        except Exception as error:
            # aiortc tells a bad offer by whatever its parser stumbles over.
            log.info("bad_offer", **describe(error))
            raise BadRequest(
                "`sdp` is not an offer that can be answered.", code="bad_sdp", param="sdp"
            ) from error

    def _answer(self, connection: Connection, admitted: Admitted) -> dict[str, Any]:
        answer = connection.get_answer()  # type: ignore[no-untyped-call]
        if answer is None:
            raise Conflict("The connection is being negotiated already.", code="negotiating")
        return {**answer, "conversation_id": admitted.conversation_id}

    def _session(
        self, connection: Connection, admitted: Admitted, render: str | None
    ) -> tuple[Session, Line]:
        line = Line()
        told: list[Callable[[Spoken], None]] = []

        def note(spoken: Spoken) -> None:
            told[0](spoken)

        dialogue = self._make(admitted, line, note)
        session = Session(
            admitted,
            line,
            dialogue,
            self._sessions,
            now=time.monotonic,
            idle_s=self._idle_s,
            hang_up=connection.disconnect,
            film=self._film(connection, admitted, render, dialogue),
        )
        told.append(session.note)
        return session, line

    def _film(
        self, connection: Connection, admitted: Admitted, render: str | None, dialogue: Dialogue
    ) -> Film | None:
        """The face, where it is to be drawn here: who offers to take video wants some."""
        if self._films is None or render == "client" or not connection.shows:
            return None
        return self._films.open(admitted, dialogue.stage) if admitted.mode == "video" else None

    async def _run(self, session: Session, line: Line, connection: Connection) -> None:
        try:
            reason = await self._carried(session, line, connection)
            log.info(
                "conversation_ended",
                conversation_id=session.admitted.conversation_id,
                reason=reason,
            )
        finally:
            if session.film is not None:
                session.film.close()
            for pc_id in [key for key, live in self._live.items() if live.session is session]:
                del self._live[pc_id]

    async def _carried(self, session: Session, line: Line, connection: Connection) -> str:
        """Run the session over its transport, to its end."""
        from pipecat.transports.base_transport import TransportParams

        from charafy.talk.transport import Transport

        transport = Transport(
            connection,
            TransportParams(audio_in_enabled=True, audio_out_enabled=True, audio_out_10ms_chunks=2),
        )
        if (film := session.film) is not None:
            transport.add_event_handler(
                "on_client_connected", _calling(lambda: film.attach(connection))
            )
        transport.add_event_handler("on_client_connected", _calling(session.found))
        transport.add_event_handler("on_client_disconnected", _calling(session.lost))
        preparing = asyncio.create_task(self._ready(session))
        workers: list[PipelineWorker] = []
        carrying = asyncio.create_task(carry(transport, line, workers.append))
        carrying.add_done_callback(lambda task: _line_ended(session, task))
        try:
            return await session.run()
        finally:
            preparing.cancel()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_NEGOTIATE_S):
                    for worker in workers:
                        await worker.cancel()
                    await asyncio.wait([carrying])
            carrying.cancel()

    async def _ready(self, session: Session) -> None:
        """Let the persona be read and what is said at once be made, once the greeting began."""
        from charafy.talk.reply import Speaker

        await asyncio.sleep(_AFTER_GREETING_S)
        who = session.admitted.character
        try:
            await session.dialogue.wake()
            await self._prepare(Speaker(who.engine_voice, who.language))
        except Exception as error:  # noqa: BLE001 - without openers a conversation goes on
            log.warning("not_prepared", **describe(error))


def _require_audio(connection: Connection) -> None:
    """pipecat takes the first for the microphone; whatever nobody reads would fill the memory."""
    kinds = [transceiver.kind for transceiver in connection.pc.getTransceivers()]
    if kinds[:1] != ["audio"] or len(kinds) > 2 or "audio" in kinds[1:]:
        raise BadRequest(
            "`sdp` must offer audio first, and one video at most.", code="bad_sdp", param="sdp"
        )


def _line_ended(session: Session, task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("line_failed", **describe(error))
        session.end("failed")
    session.end("disconnected")


def _calling(work: Callable[[], None]) -> Callable[..., Awaitable[None]]:
    async def handler(*_: object) -> None:
        work()

    return handler
