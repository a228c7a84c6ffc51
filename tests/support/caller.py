"""Somebody who calls: a plain WebRTC client, with a microphone that plays what it is given."""

from __future__ import annotations

import asyncio
import contextlib
import fractions
import json
import time
from typing import Any

import numpy as np
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.sdp import SessionDescription
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

RATE = 16_000
_FRAME = RATE // 50


class Microphone(MediaStreamTrack):
    """Plays `speak`'s samples in real time, silence else."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._unsaid = np.zeros(0, np.int16)
        self._sent = 0
        self._began = time.monotonic()

    def speak(self, samples: np.ndarray[Any, np.dtype[np.int16]]) -> None:
        self._unsaid = np.concatenate((self._unsaid, samples))

    async def recv(self) -> AudioFrame:
        due = self._began + self._sent * _FRAME / RATE
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        samples, self._unsaid = self._unsaid[:_FRAME], self._unsaid[_FRAME:]
        samples = np.pad(samples, (0, _FRAME - len(samples)))
        frame = AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        frame.pts, frame.time_base = self._sent * _FRAME, fractions.Fraction(1, RATE)
        self._sent += 1
        return frame


class Caller:
    """One call. `offer`, then `answered` with what came back; `hang_up` at the end."""

    def __init__(self, *, microphones: int = 1, video: bool = False) -> None:
        self.microphone = Microphone()
        self.messages: list[dict[str, Any]] = []
        self.heard: list[tuple[float, int]] = []
        """When a frame was heard, and how loud."""
        self.seen: list[tuple[float, NDArray[np.uint8]]] = []
        """When a picture came, and its brightness, [height, width]."""
        self._pc = RTCPeerConnection()
        self._channel = self._pc.createDataChannel("chat", ordered=True)
        self._channel.on("message", self._told)
        self._pc.addTrack(self.microphone)
        for _ in range(microphones - 1):
            self._pc.addTrack(Microphone())
        if video:
            self._pc.addTransceiver("video", direction="recvonly")
        self._pc.on("track", self._listen)
        self._open = asyncio.Event()
        self._channel.on("open", self._open.set)
        self._tasks: list[asyncio.Task[None]] = []

    async def offer(self) -> str:
        await self._pc.setLocalDescription(await self._pc.createOffer())
        return str(self._pc.localDescription.sdp)

    async def answered(self, answer: dict[str, Any]) -> None:
        self._agreed = SessionDescription.parse(answer["sdp"])
        await self._pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        await asyncio.wait_for(self._open.wait(), 60)
        self._tasks.append(asyncio.create_task(self._ping()))

    def send(self, kind: str, **data: Any) -> None:
        self._channel.send(json.dumps({"label": "rtvi-ai", "type": kind, "id": "1", "data": data}))

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The data of messages of a type or topic."""
        return [m["data"] for m in self.messages if kind in (m["type"], m["data"].get("t"))]

    async def told(self, kind: str, *, times: int = 1, within_s: float = 120) -> dict[str, Any]:
        """Wait for a message of a type or topic."""
        async with asyncio.timeout(within_s):
            while len(self.of(kind)) < times:
                await asyncio.sleep(0.02)
        return self.of(kind)[times - 1]

    def codec(self, kind: str) -> str:
        """What was agreed for media of a kind, like "video/VP8"."""
        [line] = [m for m in self._agreed.media if m.kind == kind]
        return str(line.rtp.codecs[0].mimeType)

    async def hang_up(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._pc.close()

    def _told(self, text: str) -> None:
        message = json.loads(text)
        if message.get("label") == "rtvi-ai":
            self.messages.append(message)

    def _listen(self, track: MediaStreamTrack) -> None:
        async def listen() -> None:
            with contextlib.suppress(MediaStreamError):
                while True:
                    self._take(await track.recv())

        self._tasks.append(asyncio.create_task(listen()))

    def _take(self, frame: object) -> None:
        if isinstance(frame, AudioFrame):
            self.heard.append((time.monotonic(), int(np.abs(frame.to_ndarray()).max())))
        elif isinstance(frame, VideoFrame):
            grey = np.asarray(frame.to_ndarray(format="gray"), np.uint8)
            self.seen.append((time.monotonic(), grey))

    async def _ping(self) -> None:
        while True:
            self._channel.send(f"ping: {int(time.time() * 1000)}")
            await asyncio.sleep(1)
