"""The character's end of a room of LiveKit: what `transport.Connection` is to a peer connection.

Only the visitor is heard, and only the visitor is told anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog
from aiortc.mediastreams import MediaStreamError
from livekit import rtc
from livekit.rtc.participant import PublishDataError

from charafy.engines.hearing import SAMPLE_RATE as HEARING_RATE
from charafy.engines.voice import SAMPLE_RATE
from charafy.kernel.observe import describe

if TYPE_CHECKING:
    from pipecat.transports.base_transport import BaseTransport

    from charafy.talk.film import FilmTrack

log = structlog.get_logger("charafy.talk")

_CONNECT_S: Final = 10.0
_LEAVE_S: Final = 5.0
_TELL_S: Final = 5.0
_QUEUE_MS: Final = 400
"""Of sound that waits to be sent: the stage hands on 60 ms ahead, a busy loop may hand on more."""
_FRAME_MS: Final = 20
_MOST_FRAMES: Final = 100
"""Two seconds of a microphone that nobody could listen to; the oldest go first."""
_MOST_WORDS: Final = 100
_MOST_BYTES: Final = 64 * 1024
_UNHEARD_S: Final = 3.0
"""A visitor who takes no sound at all is greeted after it all the same."""
_VIDEO_BITS: Final = 800_000


class Ends(Protocol):
    """What a room tells of its visitor."""

    async def hear(self, pcm: bytes) -> None:
        """20 ms of the microphone: mono, 16 bit, at `HEARING_RATE`."""

    async def read(self, message: Any) -> None:
        """A message on the data channel: any JSON."""

    async def came(self) -> None:
        """The visitor is there (again)."""

    async def lost(self) -> None:
        """The visitor can't be reached, and may come back."""

    async def vanished(self) -> None:
        """As `lost`, and told of `session.UNNOTICED_S` late."""

    async def left(self) -> None:
        """The visitor hung up."""

    async def closed(self) -> None:
        """The room is gone, or we were sent out."""

    async def replaced(self) -> None:
        """Somebody else joined as the character."""


class Room:
    """One conversation's; made in the event loop that it belongs to. `join` first."""

    def __init__(
        self, url: str, visitor: str, *, shows: bool, close: Callable[[], Awaitable[None]]
    ) -> None:
        """`visitor`: their identity. `shows`: whether a picture is wanted.

        `close` closes the room for everybody, unless the conversation goes on in it.
        """
        self.shows = shows
        self._url = url
        self._visitor = visitor
        self._close = close
        self._room = rtc.Room()
        self._voice = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=_QUEUE_MS)
        self._heard: asyncio.Event = asyncio.Event()
        self._ends: Ends | None = None
        self._events: asyncio.Queue[Callable[[Ends], Awaitable[None]]] = asyncio.Queue(_MOST_WORDS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._film: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._listen_to_room()

    async def join(self, token: str) -> None:
        """Enter and publish the voice. Raises `rtc.ConnectError`, `TimeoutError` and the like."""
        async with asyncio.timeout(_CONNECT_S):
            await self._room.connect(
                self._url, token, rtc.RoomOptions(auto_subscribe=False, connect_timeout=5.0)
            )
            track = rtc.LocalAudioTrack.create_audio_track("voice", self._voice)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            published = await self._room.local_participant.publish_track(track, options)
        self._own(self._wait_for_ear(published))

    @property
    def trace(self) -> str | None:
        """The span that made the visitor's token, where that was traced."""
        return self._room.metadata or None

    def transport(self) -> BaseTransport:
        from charafy.talk.room_transport import RoomTransport

        return RoomTransport(self)

    def begin(self, ends: Ends) -> None:
        """Tell `ends` of all that was and will be."""
        if self._ends is None:
            self._ends = ends
            self._own(self._deliver(ends))
            visitor = self._room.remote_participants.get(self._visitor)
            if visitor is not None:
                self._arrived(visitor)

    async def play(self, pcm: bytes) -> None:
        """Sound at `SAMPLE_RATE`, mono, 16 bit."""
        await self._voice.capture_frame(rtc.AudioFrame(pcm, SAMPLE_RATE, 1, len(pcm) // 2))

    def hush(self) -> None:
        """Drop what was not sent yet."""
        self._voice.clear_queue()

    async def tell(self, message: Any, topic: str) -> None:
        """A message to the visitor; lost where there is none."""
        try:
            async with asyncio.timeout(_TELL_S):
                await self._room.local_participant.publish_data(
                    json.dumps(message), destination_identities=[self._visitor], topic=topic
                )
        except (PublishDataError, TimeoutError) as error:
            log.warning("visitor_not_told", **describe(error))

    def replace_video_track(self, track: FilmTrack) -> None:
        """Show it instead of what was shown."""
        if self._film is not None:
            self._film.cancel()
        self._film = self._own(self._show(track))

    async def disconnect(self) -> None:
        """Leave, and close the room where the conversation is over."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_S):
                await self._room.disconnect()
                await self._voice.aclose()

    def _listen_to_room(self) -> None:
        room = self._room
        room.on("participant_connected", self._arrived)
        room.on("participant_disconnected", self._gone)
        room.on("track_published", self._offered)
        room.on("track_subscribed", self._heard_of)
        room.on("data_received", self._told)
        room.on("reconnecting", lambda: self._later(lambda ends: ends.lost()))
        room.on("reconnected", self._back)
        room.on("disconnected", self._sent_out)

    def _arrived(self, who: rtc.RemoteParticipant) -> None:
        if who.identity != self._visitor:
            return
        for publication in who.track_publications.values():
            self._offered(publication, who)
        self._own(self._greeted())

    def _gone(self, who: rtc.RemoteParticipant) -> None:
        if who.identity != self._visitor or self._visitor in self._room.remote_participants:
            return
        if who.disconnect_reason == rtc.DisconnectReason.CLIENT_INITIATED:
            self._later(lambda ends: ends.left())
        elif who.disconnect_reason == rtc.DisconnectReason.CONNECTION_TIMEOUT:
            self._later(lambda ends: ends.vanished())
        else:
            self._later(lambda ends: ends.lost())

    def _sent_out(self, why: rtc.DisconnectReason.ValueType) -> None:
        if why == rtc.DisconnectReason.DUPLICATE_IDENTITY:
            self._later(lambda ends: ends.replaced())
        else:
            self._later(lambda ends: ends.closed())

    def _back(self) -> None:
        if self._visitor in self._room.remote_participants:
            self._later(lambda ends: ends.came())

    def _offered(self, track: rtc.RemoteTrackPublication, who: rtc.RemoteParticipant) -> None:
        """Take the microphone, and nothing else that somebody may send."""
        wanted = track.kind == rtc.TrackKind.KIND_AUDIO
        if who.identity == self._visitor and wanted:
            track.set_subscribed(True)

    def _heard_of(
        self, track: rtc.Track, _: rtc.RemoteTrackPublication, who: rtc.RemoteParticipant
    ) -> None:
        if who.identity != self._visitor or not isinstance(track, rtc.RemoteAudioTrack):
            return
        if self._listening is not None:  # one microphone at a time: the one that came last
            self._listening.cancel()
        self._listening = self._own(self._listen(track))

    def _told(self, packet: rtc.DataPacket) -> None:
        who = packet.participant
        # Nobody: who has just come back is not known yet. Only the visitor, and whoever has the
        # server's own key, can send into this room.
        if who is not None and who.identity != self._visitor:
            return
        if len(packet.data) > _MOST_BYTES:
            return
        try:
            message = json.loads(packet.data)
        except (ValueError, RecursionError):  # not JSON, not even text, or nested without an end
            return
        self._later(lambda ends: ends.read(message))

    async def _wait_for_ear(self, published: rtc.LocalTrackPublication) -> None:
        await published.wait_for_subscription()
        self._heard.set()

    async def _greeted(self) -> None:
        """Who came is there once they can hear: no word of the greeting is to be lost."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_UNHEARD_S):
                await self._heard.wait()
        self._back()

    async def _listen(self, track: rtc.RemoteAudioTrack) -> None:
        stream = rtc.AudioStream(
            track,
            capacity=_MOST_FRAMES,
            sample_rate=HEARING_RATE,
            num_channels=1,
            frame_size_ms=_FRAME_MS,
        )
        try:
            async for event in stream:
                if self._ends is not None:
                    await self._ends.hear(event.frame.data.tobytes())
        finally:
            await stream.aclose()

    async def _show(self, track: FilmTrack) -> None:
        """Publish pictures as they are drawn, until there are no more."""
        published: rtc.LocalTrackPublication | None = None
        source: rtc.VideoSource | None = None
        try:
            while True:
                frame = await track.recv()
                if source is None:
                    source = rtc.VideoSource(frame.width, frame.height)
                    published = await self._publish_face(source)
                data = frame.to_ndarray().tobytes()
                kind = rtc.VideoBufferType.I420
                source.capture_frame(rtc.VideoFrame(frame.width, frame.height, kind, data))
        except MediaStreamError:
            return  # the film is over
        finally:
            if published is not None and self._room.isconnected():
                with contextlib.suppress(Exception):  # the room may go at the same time
                    await self._room.local_participant.unpublish_track(published.sid)
            if source is not None:
                await source.aclose()

    async def _publish_face(self, source: rtc.VideoSource) -> rtc.LocalTrackPublication:
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_CAMERA,
            simulcast=False,
            video_codec=rtc.VideoCodec.VP8,
            video_encoding=rtc.VideoEncoding(max_bitrate=_VIDEO_BITS, max_framerate=25),
        )
        track = rtc.LocalVideoTrack.create_video_track("face", source)
        return await self._room.local_participant.publish_track(track, options)

    async def _deliver(self, ends: Ends) -> None:
        while True:
            await (await self._events.get())(ends)

    def _later(self, event: Callable[[Ends], Awaitable[None]]) -> None:
        """In the order in which things happen; what nobody takes in time is dropped."""
        with contextlib.suppress(asyncio.QueueFull):
            self._events.put_nowait(event)

    def _own(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("room_failed", **describe(error))
