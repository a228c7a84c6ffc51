"""A visitor who comes over LiveKit: what `caller.Caller` is to a peer connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from livekit import rtc
from numpy.typing import NDArray

RATE: Final = 16_000
_FRAME: Final = RATE // 50
_AGAIN_S: Final = 2.5


class RoomVisitor:
    """One who joins with a token. `join` first, `leave` at the end."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.messages: list[dict[str, Any]] = []
        self.heard: list[tuple[float, int]] = []
        """When a frame was heard, and how loud."""
        self.seen: list[tuple[float, int, int]] = []
        """When a picture came, its width and height."""
        self.gone: list[int] = []
        """Why the server sent us out, if it did."""
        self.characters: list[str] = []
        """Who came, by identity; once for each time."""
        self._source = rtc.AudioSource(RATE, 1, queue_size_ms=10_000)
        self._tasks: list[asyncio.Task[None]] = []
        self.room.on("data_received", self._told)
        self.room.on("track_subscribed", self._track)
        self.room.on("disconnected", self.gone.append)
        self.room.on("participant_connected", lambda who: self.characters.append(who.identity))

    async def join(self, url: str, token: str, *, microphone: bool = True) -> None:
        await self.room.connect(url, token)
        if microphone:
            track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            await self.room.local_participant.publish_track(track, options)
            self._tasks.append(asyncio.create_task(self._speak(None)))

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.room.disconnect()
        await self._source.aclose()

    def speak(self, samples: NDArray[np.int16]) -> None:
        """Into the microphone, in its time; silence after it."""
        self._tasks[0].cancel()
        self._tasks[0] = asyncio.create_task(self._speak(samples))

    async def send(self, kind: str, **data: Any) -> None:
        await self.say({"label": "rtvi-ai", "type": kind, "id": "1", "data": data})

    async def insist(self, kind: str, *, within_s: float, **data: Any) -> None:
        """Send it until the server has it, as the browser's module does."""
        key = uuid.uuid4().hex
        message: dict[str, Any] = {"label": "rtvi-ai", "type": kind, "id": key, "data": data}
        async with asyncio.timeout(within_s):
            while {"t": "received", "id": key} not in self.of("received"):
                await self.say(message)
                message["again"] = True
                await self._soon(lambda: {"t": "received", "id": key} in self.of("received"))

    async def say(self, message: Any) -> None:
        """Whatever it is, on the data channel."""
        body = message if isinstance(message, bytes) else json.dumps(message)
        await self.room.local_participant.publish_data(body, topic="charafy")

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The data of messages of a type or topic."""
        return [m["data"] for m in self.messages if kind in (m["type"], m["data"].get("t"))]

    async def told(self, kind: str, *, times: int = 1, within_s: float = 30) -> dict[str, Any]:
        """Wait for a message of a type or topic."""
        async with asyncio.timeout(within_s):
            while len(self.of(kind)) < times:
                await asyncio.sleep(0.02)
        return self.of(kind)[times - 1]

    async def hears(self, *, loud: bool, for_s: float = 0.3, within_s: float = 30) -> float:
        """Wait until it has been loud, or silent, for so long; answers since when."""
        began = time.monotonic()
        async with asyncio.timeout(within_s):
            while True:
                await asyncio.sleep(0.02)
                now = time.monotonic()
                last = [x for at, x in self.heard if at > max(began, now - for_s)]
                steady = all((x > 1000) == loud for x in last) and (bool(last) or not loud)
                if now - began > for_s and steady:
                    return now - for_s

    async def _soon(self, condition: Callable[[], bool]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_AGAIN_S):
                while not condition():
                    await asyncio.sleep(0.02)

    async def _speak(self, samples: NDArray[np.int16] | None) -> None:
        at, left = time.monotonic(), samples if samples is not None else np.zeros(0, np.int16)
        while True:
            frame, left = left[:_FRAME], left[_FRAME:]
            data = np.pad(frame, (0, _FRAME - len(frame))).astype(np.int16).tobytes()
            await self._source.capture_frame(rtc.AudioFrame(data, RATE, 1, _FRAME))
            at += 0.02
            await asyncio.sleep(max(0.0, at - time.monotonic()))

    def _told(self, packet: rtc.DataPacket) -> None:
        message = json.loads(packet.data)
        if message.get("label") == "rtvi-ai":
            self.messages.append(message)

    def _track(self, track: rtc.Track, _: object, who: rtc.RemoteParticipant) -> None:
        if isinstance(track, rtc.RemoteAudioTrack):
            self._tasks.append(asyncio.create_task(self._listen(track)))
        elif isinstance(track, rtc.RemoteVideoTrack):
            self._tasks.append(asyncio.create_task(self._watch(track)))

    async def _listen(self, track: rtc.RemoteAudioTrack) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, frame_size_ms=20)
        async for event in stream:
            samples = np.frombuffer(event.frame.data, np.int16)
            self.heard.append((time.monotonic(), int(np.abs(samples).max())))

    async def _watch(self, track: rtc.RemoteVideoTrack) -> None:
        async for event in rtc.VideoStream(track):
            self.seen.append((time.monotonic(), event.frame.width, event.frame.height))
