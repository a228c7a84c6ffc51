"""A test peer: a real WebRTC end that stands in for the process that talks.

It answers offers, plays a tone, writes down what it is told and what it hears, and says on the data
channel what a test has it say. It understands nothing.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtcdatachannel import RTCDataChannel
from av import AudioFrame, AudioResampler

RATE: Final = 48_000
FRAME: Final = 960
PATIENCE_S: Final = 60.0
CHARACTER: Final = {"name": "Emma", "language": "en"}

T = TypeVar("T")
Float32 = npt.NDArray[np.float32]


class Tone(MediaStreamTrack):
    """A sine in real time; `loudness` 0 is silence."""

    kind = "audio"

    def __init__(self, hertz: float = 440.0) -> None:
        super().__init__()
        self.loudness = 0.25
        self._hertz = hertz
        self._sent = 0
        self._began: float | None = None

    async def recv(self) -> AudioFrame:
        if self._began is None:
            self._began = time.monotonic()
        await asyncio.sleep(max(0.0, self._began + self._sent / RATE - time.monotonic()))
        times = (np.arange(FRAME) + self._sent) / RATE
        samples = self.loudness * np.sin(2 * np.pi * self._hertz * times)
        frame = AudioFrame.from_ndarray((samples * 32_767).astype(np.int16)[None], layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._sent, Fraction(1, RATE)
        self._sent += FRAME
        return frame


@dataclass(slots=True)
class Call:
    """One connection."""

    pc: RTCPeerConnection
    tone: Tone
    channel: RTCDataChannel | None = None


class ConversationPeer:
    """Thread-safe; everything of WebRTC happens on a thread of its own."""

    def __init__(self, *, greets: bool = True) -> None:
        """`greets`: answers client-ready as a character would."""
        self.greets = greets
        self.loses = 0
        """Messages that it will pass over, as if they had not arrived."""
        self.told: list[dict[str, Any]] = []
        """Every message of RTVI that came, in order, over all connections."""
        self.pings = 0
        self.offers: list[dict[str, Any]] = []
        self.candidates: list[dict[str, Any]] = []
        self.heard: list[Float32] = []
        """What came from the microphone, 16 kHz, in pieces."""
        self.calls: list[Call] = []
        self._loop = asyncio.new_event_loop()
        self._listening: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="peer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        try:
            self.drop()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE_S)
            self._loop.close()

    def connect(self, offer: dict[str, Any]) -> dict[str, Any]:
        """What `POST /conversation/connect` answers."""
        self.offers.append(offer)
        sdp = self._run(self._answer(offer["sdp"]))
        pc_id = offer.get("pc_id") or f"test-{uuid.uuid4().hex}"
        return {
            "sdp": sdp,
            "type": "answer",
            "pc_id": pc_id,
            "conversation_id": str(uuid.UUID(int=7)),
            "ice_servers": [],
        }

    def say(self, kind: str, **data: Any) -> None:
        """A message of RTVI's."""
        self.send(json.dumps({"label": "rtvi-ai", "type": kind, "data": data}))

    def tell(self, topic: str, **data: Any) -> None:
        """A message of ours."""
        self.say("server-message", t=topic, **data)

    def send(self, message: str) -> None:
        async def now() -> None:
            self._send(message)

        self._run(now())

    def _say(self, kind: str, **data: Any) -> None:
        self._send(json.dumps({"label": "rtvi-ai", "type": kind, "data": data}))

    def _send(self, message: str) -> None:
        channel = self.calls[-1].channel
        assert channel is not None
        channel.send(message)

    def drop(self) -> None:
        """Go without a word."""

        async def close() -> None:
            for call in self.calls:
                await call.pc.close()

        self._run(close())

    def messages(self, kind: str) -> list[dict[str, Any]]:
        return [message["data"] for message in list(self.told) if message["type"] == kind]

    def asked(self, topic: str) -> list[dict[str, Any]]:
        """What came with the client messages of that topic."""
        return [data["d"] for data in self.messages("client-message") if data["t"] == topic]

    def loudness(self, last_s: float) -> float:
        """RMS of what was heard last."""
        pieces = list(self.heard)
        if not pieces:
            return 0.0
        samples = np.concatenate(pieces)[-int(last_s * 16_000) :]
        return float(np.sqrt(np.mean(samples**2)))

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("it did not come to that")
            time.sleep(0.02)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(PATIENCE_S)

    async def _answer(self, sdp: str) -> str:
        pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # none: no public STUN
        call = Call(pc, Tone())
        self.calls.append(call)

        @pc.on("datachannel")
        def on_channel(channel: RTCDataChannel) -> None:
            call.channel = channel
            channel.on("message", self._hear)

        @pc.on("track")
        def on_track(track: MediaStreamTrack) -> None:
            if track.kind == "audio":
                task = asyncio.ensure_future(self._listen(track))
                self._listening.add(task)
                task.add_done_callback(self._listening.discard)

        await pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        pc.addTrack(call.tone)
        await pc.setLocalDescription(await pc.createAnswer())
        return str(pc.localDescription.sdp)

    def _hear(self, message: str) -> None:
        if message.startswith("ping"):
            self.pings += 1
            return
        said = json.loads(message)
        if self.loses > 0:
            self.loses -= 1
            return
        self.told.append(said)
        if self.calls[-1].channel is not None and self.calls[-1].channel.readyState == "open":
            self._say("server-message", t="received", id=said["id"])
        if said["type"] == "client-ready" and self.greets:
            asyncio.ensure_future(self._greet())  # noqa: RUF006 - at once, and waits for nothing

    async def _greet(self) -> None:
        about = {
            "version": "1.2.0",
            "conversation_id": str(uuid.UUID(int=7)),
            "mode": "audio-only",
            "render": "client",
            "character": CHARACTER,
            "limit_s": 600,
        }
        self._say("bot-ready", **about)

    async def _listen(self, track: MediaStreamTrack) -> None:
        resampler = AudioResampler(format="flt", layout="mono", rate=16_000)
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return  # they hung up
            assert isinstance(frame, AudioFrame)
            for piece in resampler.resample(frame):
                self.heard.append(piece.to_ndarray()[0].copy())
