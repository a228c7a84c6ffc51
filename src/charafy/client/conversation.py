"""A live conversation from Python: offers, speaks, listens, and tells what happens.

    async with Conversation(Ticket(token, connect_url)) as talk:
        talk.microphone.say(pcm)
        reply = await talk.wait_for("bot-stopped-speaking", timeout_s=30)

The messages are those of docs/conversation-protocol.md.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType, TracebackType
from typing import Any, Final, Literal, Self

import httpx
from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamTrack

from charafy.client.sight import Eyes, Rgb
from charafy.client.sound import Ears, Microphone
from charafy.client.ticket import Ticket

LABEL: Final = "rtvi-ai"
VERSION: Final = "1.2.0"
PATIENCE_S: Final = 15.0
"""For the answer to the offer, for the connection, and for the character to be there, each."""

_PING_S: Final = 1.0
_FAREWELL_S: Final = 0.25

Data = Mapping[str, Any]


class ConversationFailed(RuntimeError):
    """It did not come to a conversation, or it broke. `code` as in the browser's module."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class Told:
    """One message of the server; our own are named "server-message/" and the topic."""

    at: float
    """`time.monotonic()`."""
    name: str
    data: Data


@dataclass(slots=True)
class _Line:
    """One connection."""

    pc: RTCPeerConnection
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.ensure_future(work))


class Conversation:
    """One conversation, on the event loop that it is entered on."""

    def __init__(
        self,
        ticket: Ticket,
        *,
        http: httpx.AsyncClient | None = None,
        on_told: Callable[[Told], None] | None = None,
        render: Literal["client", "server"] = "client",
        on_picture: Callable[[float, Rgb], None] | None = None,
    ) -> None:
        """`http`: for a client with rules of its own, as certificates; left open.

        `render="server"`: the server draws the face, and `eyes` see it, where the conversation
        has one and `about` says so. `on_picture` is told of each picture and its moment.
        """
        self.microphone = Microphone()
        self.ears = Ears()
        self.eyes = Eyes(on_picture)
        self.told: list[Told] = []
        self.about: Data = {}
        """Of `bot-ready`."""
        self.pc_id = ""
        self._ticket = ticket
        self._http = http
        self._on_told = on_told
        self._render = render
        self._news = asyncio.Event()
        self._count = 0
        servers = [RTCIceServer(**server) for server in ticket.ice_servers]
        # None at all would mean a public STUN server.
        self._line = _Line(RTCPeerConnection(RTCConfiguration(iceServers=servers)))
        self._channel = self._line.pc.createDataChannel("chat", ordered=True)

    async def __aenter__(self) -> Self:
        try:
            await self._connect()
        except BaseException:
            await self._shut()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._channel.readyState == "open":
            self._send("disconnect-bot")
            await asyncio.sleep(_FAREWELL_S)
        await self._shut()

    # What the user does

    def send_text(self, content: str) -> None:
        """Say something by keyboard."""
        self._send("send-text", content=content)

    def say(self, text: str) -> None:
        """Have the character say exactly this."""
        self.ask("say", text=text)

    def interrupt(self) -> None:
        """Have the character stop."""
        self.ask("interrupt")

    def push_to_talk(self, on: bool) -> None:
        """Be listened to only while `hold(True)`."""
        self.ask("mode", push_to_talk=on)

    def hold(self, on: bool) -> None:
        """With push to talk: what is said from True to False is one turn."""
        self.ask("push-to-talk", on=on)

    def set_name(self, name: str) -> None:
        """What the character calls the visitor."""
        self.ask("name", name=name)

    def ask(self, topic: str, **data: Any) -> None:
        """Any message of the client, by its topic."""
        self._send("client-message", t=topic, d=data)

    # What the character does

    async def wait_for(
        self,
        name: str,
        *,
        timeout_s: float,
        since: int = 0,
        where: Callable[[Data], bool] = lambda _data: True,
    ) -> Told:
        """The first message of that name, from the `since`-th of `told` on.

        Raises `ConversationFailed`: `silent` after `timeout_s`, `ended` when it is over before, or
        what a fatal error said.
        """

        def found() -> Told | None:
            for told in self.told[since:]:
                if told.name == name and where(told.data):
                    return told
                _raise_at_end(told)
            return None

        try:
            async with asyncio.timeout(timeout_s):
                while (seen := found()) is None:
                    await self._news.wait()
                return seen
        except TimeoutError:
            raise ConversationFailed("silent", f"No {name} within {timeout_s:g} s.") from None

    async def statistics(self) -> list[dict[str, Any]]:
        """Of the connection, as W3C's webrtc-stats names them: bytes, packets, losses."""
        report = await self._line.pc.getStats()
        return [asdict(one) for one in report.values()]

    # Inside

    async def _connect(self) -> None:
        pc, opened = self._line.pc, asyncio.Event()

        @pc.on("track")
        def on_track(track: MediaStreamTrack) -> None:
            if track.kind == "audio":
                self._line.spawn(self.ears.listen(track))
            else:
                self._line.spawn(self.eyes.watch(track))

        @self._channel.on("open")
        def on_open() -> None:
            opened.set()

        @self._channel.on("message")
        def on_message(message: str | bytes) -> None:
            self._hear(message)

        pc.addTransceiver(self.microphone, direction="sendrecv")
        if self._render == "server":
            pc.addTransceiver("video", direction="recvonly")
        await pc.setLocalDescription(await pc.createOffer())
        answer = await self._post()
        self.pc_id = answer["pc_id"]
        await pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        try:
            await asyncio.wait_for(opened.wait(), PATIENCE_S)
        except TimeoutError:
            raise ConversationFailed("no_route", "The two ends can't reach each other.") from None
        self._line.spawn(self._ping())
        self._send("client-ready", version=VERSION, about={"library": "charafy.client"})
        self.about = (await self.wait_for("bot-ready", timeout_s=PATIENCE_S)).data

    async def _post(self) -> dict[str, Any]:
        local = self._line.pc.localDescription
        client = self._http or httpx.AsyncClient(timeout=PATIENCE_S)
        try:
            answer = await client.post(
                self._ticket.connect_url,
                json={"sdp": local.sdp, "type": local.type, "render": self._render},
                headers={"authorization": f"Bearer {self._ticket.token}"},
            )
        except httpx.HTTPError as error:
            raise ConversationFailed("unreachable", "The server can't be reached.") from error
        finally:
            if client is not self._http:
                await client.aclose()
        body = _json(answer.text)
        if answer.is_success and {"sdp", "type", "pc_id"} <= body.keys():
            return body
        message = str(body.get("error", f"The server answered {answer.status_code}."))
        raise ConversationFailed(str(body.get("code", "refused")), message, answer.status_code)

    def _hear(self, message: str | bytes) -> None:
        said = _json(message)
        data = said.get("data") or {}
        if said.get("label") != LABEL or not isinstance(data, dict):
            return  # none of ours: newer servers may say more
        name = str(said.get("type"))
        topic = f"{name}/{data.get('t')}" if name == "server-message" else name
        told = Told(time.monotonic(), topic, data)
        self.told.append(told)
        self._news.set()
        self._news = asyncio.Event()  # whoever waited looks again, then waits for the next
        if self._on_told:
            self._on_told(told)

    async def _ping(self) -> None:
        while self._channel.readyState == "open":
            self._channel.send(f"ping: {round(time.time() * 1000)}")
            await asyncio.sleep(_PING_S)

    def _send(self, kind: str, **data: Any) -> None:
        if self._channel.readyState != "open":
            raise ConversationFailed("ended", "The conversation is over.")
        self._count += 1
        message = {"label": LABEL, "type": kind, "id": str(self._count), "data": data}
        self._channel.send(json.dumps(message, ensure_ascii=False))

    async def _shut(self) -> None:
        await self._line.pc.close()
        self.microphone.stop()
        for task in self._line.tasks:
            task.cancel()
        await asyncio.gather(*self._line.tasks, return_exceptions=True)


_ENDS: Final = MappingProxyType(
    {
        "limit": "its time was over (limit)",
        "idle": "nobody said anything for long (idle)",
        "disconnected": "the connection broke (disconnected)",
        "failed": "something went wrong on the server (failed)",
        "node_lost": "the process that led it is gone (node_lost)",
        "credits": "the credits are used up (credits)",
        "deleted": "it was deleted (deleted)",
    }
)
"""By its reason. What else the server may say stands as it is."""


def _raise_at_end(told: Told) -> None:
    if told.name == "server-message/ended":
        reason = str(told.data.get("reason"))
        raise ConversationFailed("ended", f"The conversation ended: {_ENDS.get(reason, reason)}.")
    if told.name == "error" and told.data.get("fatal"):
        raise ConversationFailed(str(told.data.get("code")), str(told.data.get("message")))


def _json(text: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
