"""How a talk process gets its conversations where LiveKit carries them.

It offers itself to LiveKit's server over one WebSocket, as LiveKit's agents do. When a visitor
joins the room of a conversation, the server asks one process after the other, the idler more
likely first, until one takes it. Nothing has to reach a process from outside.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import aiohttp
import httpx
import structlog
from google.protobuf.message import DecodeError
from livekit.protocol import agent as wire
from livekit.protocol import models

from charafy.conversations.livekit import CHARACTER
from charafy.conversations.tokens import visitor_of
from charafy.kernel.errors import CharafyError
from charafy.kernel.ids import is_id
from charafy.kernel.observe import describe
from charafy.talk import events

if TYPE_CHECKING:
    from charafy.conversations.livekit import LiveKit
    from charafy.conversations.nodes import Nodes
    from charafy.conversations.sessions import Sessions
    from charafy.talk.node import Node

log = structlog.get_logger("charafy.talk")

_PROTOCOL: Final = 1
_CONNECT_S: Final = 10.0
_STATUS_S: Final = 2.5
_RETRY_S: Final = (0.5, 1.0, 2.0)
_HEARTBEAT_S: Final = 10.0
"""Between pings of the WebSocket; who does not answer in half of it is gone."""
_MOST_BYTES: Final = 1024 * 1024
_SETTLE_IN_S: Final = 1.5
"""Who is asked for as a visitor joins can't be told anything yet."""
_READ_S: Final = 0.5
_ANSWER_S: Final = 8.0
"""LiveKit asks another after ten."""
_MOST_WAITING: Final = 200
"""Conversations to come that are looked for in rooms, newest first."""


class Dispatch:
    """Of one process. `run` until cancelled."""

    def __init__(self, livekit: LiveKit, node: Node, sessions: Sessions, nodes: Nodes) -> None:
        self._livekit = livekit
        self._node = node
        self._sessions = sessions
        self._nodes = nodes
        self._work: set[asyncio.Task[None]] = set()
        self.ready = asyncio.Event()
        """Set while LiveKit knows of this process."""

    async def run(self) -> None:
        """Be there for LiveKit, however often the line to it breaks."""
        failed = 0
        try:
            while True:
                try:
                    await self._serve()
                    failed = 0
                except (aiohttp.ClientError, TimeoutError, OSError, DecodeError) as error:
                    failed += 1
                    log.warning("livekit_lost", **describe(error))
                finally:
                    self.ready.clear()
                await asyncio.sleep(_RETRY_S[min(failed, len(_RETRY_S) - 1)])
        finally:
            for task in list(self._work):
                task.cancel()
            await asyncio.gather(*self._work, return_exceptions=True)

    async def _serve(self) -> None:
        """One line to LiveKit, until it ends."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.ws_connect(
                f"{self._livekit.http_url}/agent",
                params={"protocol": str(_PROTOCOL)},
                headers={"Authorization": f"Bearer {self._livekit.agent_token()}"},
                heartbeat=_HEARTBEAT_S,
                max_msg_size=_MOST_BYTES,
            ) as line,
        ):
            await line.send_bytes(self._introduction())
            telling = asyncio.create_task(self._tell_load(line))
            try:
                async for message in line:
                    if message.type is aiohttp.WSMsgType.BINARY:
                        self._take(line, wire.ServerMessage.FromString(message.data))
            finally:
                telling.cancel()

    def _introduction(self) -> bytes:
        return _packed(
            wire.WorkerMessage(
                register=wire.RegisterWorkerRequest(
                    type=wire.JobType.JT_PARTICIPANT,
                    agent_name=self._livekit.agents,
                    version="charafy",
                    allowed_permissions=models.ParticipantPermission(
                        can_publish=True, can_subscribe=True, can_publish_data=True
                    ),
                )
            )
        )

    async def _tell_load(self, line: aiohttp.ClientWebSocketResponse) -> None:
        """Say how busy we are. Who is full is asked all the same: it tells the visitor."""
        await self.ready.wait()
        while True:
            # Nobody is asked whose load is 1.
            load = min(0.99, self._node.count / self._node.capacity)
            status = wire.UpdateWorkerStatus(status=wire.WorkerStatus.WS_AVAILABLE, load=load)
            await line.send_bytes(_packed(wire.WorkerMessage(update_worker=status)))
            await asyncio.sleep(_STATUS_S)

    def _take(self, line: aiohttp.ClientWebSocketResponse, said: wire.ServerMessage) -> None:
        match said.WhichOneof("message"):
            case "register":
                log.info("livekit_ready", worker=said.register.worker_id)
                self.ready.set()
                self._own(self._meet())
            case "availability":
                self._own(self._offered(line, said.availability.job))
            case "assignment":
                self._own(self._assigned(line, said.assignment.job))

    async def _meet(self) -> None:
        """Join who came while LiveKit knew no process: it asks once, as somebody comes."""
        try:
            waiting = await asyncio.to_thread(self._waiting)
        except httpx.HTTPError as error:
            log.warning("waiting_not_found", **describe(error))
            return
        for conversation_id in waiting:
            if not self._node.has_room:
                return
            try:
                await self._node.join(conversation_id, self._livekit)
            except CharafyError as error:  # another process that looked as well was faster
                log.info("not_met", conversation_id=conversation_id, **describe(error))

    def _waiting(self) -> list[str]:
        to_come = self._sessions.to_come(_MOST_WAITING)
        return self._livekit.waited_in(to_come) if to_come else []

    async def _offered(self, line: aiohttp.ClientWebSocketResponse, job: wire.Job) -> None:
        """Take the conversation, leave it to another process, or tell LiveKit to drop it."""
        answer = wire.AvailabilityResponse(job_id=job.id, participant_identity=CHARACTER)
        async with asyncio.timeout(_ANSWER_S):
            wanted = await self._wanted(job)
        if wanted is None:
            answer.terminate = True
        else:
            answer.available = wanted
        await line.send_bytes(_packed(wire.WorkerMessage(availability=answer)))

    async def _wanted(self, job: wire.Job) -> bool | None:
        """Whether we lead it; False: another may; None: nobody should."""
        name = job.room.name
        if not is_id(name) or job.participant.identity != visitor_of(name):
            return None
        state, _ = await asyncio.to_thread(self._sessions.state, name)
        if state == "live":
            return None  # its visitor comes back to the node that leads it
        if state == "ended":
            log.info("token_used_again", conversation_id=name)
            await asyncio.to_thread(self._livekit.close_room, name)
            return None
        return self._node.has_room or await self._someone_else(name)

    async def _someone_else(self, conversation_id: str) -> bool | None:
        """Whether another process has room; None: the visitor will be told that none has."""
        try:
            await asyncio.to_thread(self._nodes.choose)
        except CharafyError as full:
            self._own(self._turn_away(conversation_id, full))
            return None
        return False

    async def _turn_away(self, conversation_id: str, why: CharafyError) -> None:
        """The token stays good: who comes a little later may find room."""
        log.info("no_room", conversation_id=conversation_id)
        await asyncio.sleep(_SETTLE_IN_S)
        said = events.event("error", message=why.message, code=why.code, fatal=True)
        await asyncio.to_thread(self._livekit.tell, conversation_id, said)
        await asyncio.sleep(_READ_S)
        await asyncio.to_thread(self._livekit.close_room, conversation_id)

    async def _assigned(self, line: aiohttp.ClientWebSocketResponse, job: wire.Job) -> None:
        status = wire.JobStatus.JS_FAILED
        try:
            talking = await self._node.join(job.room.name, self._livekit)
            await asyncio.shield(talking)  # a line to LiveKit that breaks ends no conversation
            status = wire.JobStatus.JS_SUCCESS
        except CharafyError as error:
            log.warning("not_joined", conversation_id=job.room.name, **describe(error))
        finally:
            if not line.closed:
                update = wire.UpdateJobStatus(job_id=job.id, status=status)
                await line.send_bytes(_packed(wire.WorkerMessage(update_job=update)))

    def _own(self, work: object) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._work.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("dispatch_failed", **describe(error))


def _packed(message: wire.WorkerMessage) -> bytes:
    return message.SerializeToString()
