"""The conversations of a talk process: opened by an offer, taken up again, ended and settled."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import structlog

from charafy.conversations.models import Ending
from charafy.conversations.sessions import ROOM
from charafy.conversations.tokens import visitor_of
from charafy.kernel.errors import (
    BadRequest,
    CharafyError,
    Conflict,
    NotFound,
    TooManyRequests,
    UpstreamFailed,
)
from charafy.kernel.observe import describe
from charafy.talk.carrying import Carrier, carried
from charafy.talk.lead import Lead
from charafy.talk.line import Line
from charafy.talk.offers import Candidates, Offer, require_audio
from charafy.talk.session import Session

if TYPE_CHECKING:
    from charafy.conversations.livekit import LiveKit
    from charafy.conversations.models import Admitted
    from charafy.conversations.sessions import Sessions
    from charafy.conversations.succession import Lost, Succession
    from charafy.talk.dialogue import Dialogue
    from charafy.talk.film import Film, Films
    from charafy.talk.reply import Speaker
    from charafy.talk.transport import Connection
    from charafy.talk.turns import Spoken

__all__ = ["Candidates", "Makes", "Node", "Offer"]

log = structlog.get_logger("charafy.talk")

_NEGOTIATE_S: Final = 10.0
_BUSY_S: Final = 15
_MOST_CANDIDATES: Final = 256


@dataclass(slots=True)
class Live:
    """A session and what carries it."""

    session: Session
    task: asyncio.Task[None]
    connection: Connection | None = None
    """To its client; None in a room of LiveKit."""
    token: str = ""
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
        succession: Succession,
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
        self._succession = succession
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
    def has_room(self) -> bool:
        """Whether one more may come in."""
        return not self._draining and self.count < self.capacity

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
        with self._place():
            return await self._open(offer)

    async def join(self, conversation_id: str, livekit: LiveKit) -> asyncio.Task[None]:
        """Begin the conversation in its room; answers what runs until it is over.

        Raises what `Sessions.admit` raises, `TooManyRequests` when there is no room, and
        `UpstreamFailed` where LiveKit can't be joined: what was set aside comes back then.
        """
        with self._place():
            admitted = await asyncio.to_thread(
                self._sessions.admit_joined, conversation_id, self.name
            )
            return await self._enter(admitted, livekit)

    async def take_over(self, lost: Lost, livekit: LiveKit) -> bool:
        """Go on with a conversation whose process is lost; False: it isn't, or others do.

        Raises `TooManyRequests` when there is no room, and `UpstreamFailed` where LiveKit can't be
        joined: then it is settled as far as it came.
        """
        with self._place():
            admitted = await asyncio.to_thread(self._succession.take_over, lost, self.name)
            if admitted is None:
                return False
            log.info("taken_over", conversation_id=lost.conversation_id, term=admitted.term)
            await self._enter(admitted, livekit)
            return True

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        """Keep one for a conversation that is being opened. Raises `TooManyRequests`."""
        if not self.has_room:
            raise TooManyRequests(
                "Every line is taken at the moment; nothing was charged. Try again shortly.",
                retry_after_s=_BUSY_S,
                code="at_capacity",
            )
        self._opening += 1
        try:
            yield
        finally:
            self._opening -= 1

    async def trickle(self, more: Candidates) -> None:
        """Candidates that a client found after its offer. Raises `NotFound`, `BadRequest`."""
        from aiortc.sdp import candidate_from_sdp

        live = self._live.get(more.pc_id)
        if live is None or live.connection is None:
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

    def rest(self) -> None:
        """Take nobody new in from now on; those who are there go on."""
        self._draining = True

    async def drain(self, wait_s: float, *, to_others: bool = False) -> None:
        """Take nobody in and end who is there; they are settled. Bounded by `wait_s`.

        `to_others`: conversations in rooms of LiveKit go on in another process instead.
        """
        self._draining = True
        tasks = [live.task for live in self._live.values()]
        for live in self._live.values():
            if to_others and live.connection is None:
                live.session.hand_over()
            else:
                live.session.end("failed")
        if tasks:
            await asyncio.wait(tasks, timeout=wait_s)

    async def _again(self, offer: Offer, pc_id: str) -> dict[str, Any]:
        live = self._live.get(pc_id)
        if (
            live is None
            or live.connection is None
            or not hmac.compare_digest(live.token.encode(), offer.token.encode())
        ):
            raise NotFound("This conversation is over, or was never here.")
        async with live.negotiating:
            # Until the client is found over the new connection, it is waited for like any other.
            live.session.lost()
            connection = live.connection
            await self._negotiated(connection.renegotiate(offer.sdp, offer.type, restart_pc=True))
            require_audio(connection)
            # A restarted connection has another name; the client knows it by both.
            self._live[connection.pc_id] = live
            return self._answer(connection, live.session.admitted)

    async def _open(self, offer: Offer) -> dict[str, Any]:
        from charafy.talk.transport import Connection

        connection = Connection(self._ice_servers)
        admitted: Admitted | None = None
        try:
            await self._negotiated(connection.initialize(sdp=offer.sdp, type=offer.type))
            require_audio(connection)
            admitted = await asyncio.to_thread(self._sessions.admit, offer.token, self.name)
            answer = self._answer(connection, admitted)
            session, line = self._session(connection, connection.disconnect, admitted, offer.render)
        except BaseException:  # whatever stopped it: no connection stays open, no credits held
            await connection.disconnect()  # type: ignore[no-untyped-call]
            if admitted is not None:
                await self._give_back(admitted)
            raise
        task = asyncio.create_task(self._run(session, line, connection))
        self._live[connection.pc_id] = Live(session, task, connection, offer.token)
        return answer

    async def _enter(self, admitted: Admitted, livekit: LiveKit) -> asyncio.Task[None]:
        from charafy.talk.room import Room

        room_name = admitted.conversation_id
        room = Room(
            livekit.url,
            visitor_of(room_name),
            shows=admitted.mode == "video",
            close=lambda: asyncio.to_thread(self._close_if_over, room_name, livekit),
        )
        try:
            await room.join(livekit.character_token(room_name, admitted.character.name))
            traced = replace(admitted, trace=room.trace)
            session, line = self._session(room, room.disconnect, traced, None)
        except BaseException as error:  # whatever stopped it: no credits stay held
            await self._give_back(admitted)
            await room.disconnect()
            if not isinstance(error, Exception):
                raise
            log.warning("room_not_joined", **describe(error))
            raise UpstreamFailed(
                "LiveKit could not be joined.", code="livekit_unavailable"
            ) from None
        task = asyncio.create_task(self._run(session, line, room))
        self._live[f"{ROOM}{room_name}"] = Live(session, task)
        return task

    async def _give_back(self, admitted: Admitted) -> None:
        """What was set aside for a conversation that could not begin, or not go on."""
        before = admitted.before
        ending = Ending("failed", 0.0)
        if before is not None:
            ending = Ending("node_lost", before.seconds, before.video_seconds)
        await asyncio.to_thread(
            self._sessions.end, admitted.conversation_id, ending, term=admitted.term
        )

    def _close_if_over(self, conversation_id: str, livekit: LiveKit) -> None:
        if self._sessions.state(conversation_id)[0] == "ended":
            livekit.close_room(conversation_id)

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
        self,
        carrier: Carrier,
        hang_up: Callable[[], Awaitable[None]],
        admitted: Admitted,
        render: str | None,
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
            Lead(admitted, self._sessions, self._succession),
            now=time.monotonic,
            idle_s=self._idle_s,
            hang_up=hang_up,
            film=self._film(carrier, admitted, render, dialogue),
        )
        told.append(session.note)
        return session, line

    def _film(
        self, carrier: Carrier, admitted: Admitted, render: str | None, dialogue: Dialogue
    ) -> Film | None:
        """The face, where it is to be drawn here: who offers to take video wants some."""
        if self._films is None or render == "client" or not carrier.shows:
            return None
        return self._films.open(admitted, dialogue.stage) if admitted.mode == "video" else None

    async def _run(self, session: Session, line: Line, carrier: Carrier) -> None:
        try:
            reason = await carried(session, line, carrier, self._prepare)
            log.info(
                "conversation_left" if session.goes_on else "conversation_ended",
                conversation_id=session.admitted.conversation_id,
                reason=reason,
            )
        finally:
            if session.film is not None:
                session.film.close()
            for pc_id in [key for key, live in self._live.items() if live.session is session]:
                del self._live[pc_id]
