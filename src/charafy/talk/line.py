"""The line to one client: a pipecat pipeline with its transport at both ends and us in between.

Only this file and `server.py` know pipecat: whatever transport it has may carry a conversation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InputTransportMessageFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputTransportMessageUrgentFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from charafy.engines.hearing import SAMPLE_RATE as HEARING_RATE
from charafy.engines.hearing import Samples
from charafy.engines.voice import SAMPLE_RATE, Pcm
from charafy.talk.events import Event

if TYPE_CHECKING:
    from pipecat.transports.base_transport import BaseTransport

_MOST_FRAMES: Final = 500
"""Ten seconds of a microphone: what comes while nobody can listen is dropped beyond it."""


class Line(FrameProcessor):
    """An `Outlet`, and where microphone and messages come from. Belongs to one event loop."""

    def __init__(self) -> None:
        super().__init__()
        self._heard: asyncio.Queue[Samples] = asyncio.Queue(_MOST_FRAMES)
        self._messages: asyncio.Queue[Any] = asyncio.Queue(_MOST_FRAMES)
        self._out: asyncio.Queue[Frame] = asyncio.Queue()
        self.dropped = 0
        """Frames of the microphone that nobody could listen to."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            self._take(self._heard, _samples(frame))
        elif isinstance(frame, InputTransportMessageFrame):
            self._take(self._messages, frame.message)
        else:
            await self.push_frame(frame, direction)

    async def heard(self) -> Samples:
        """All that came from the microphone since, at least one frame: mono at 16 kHz."""
        parts = [await self._heard.get()]
        while not self._heard.empty():
            parts.append(self._heard.get_nowait())
        return np.concatenate(parts)

    async def message(self) -> Any:
        """The next message of the client: any JSON."""
        return await self._messages.get()

    def play(self, pcm: Pcm) -> None:
        samples = np.clip(pcm * 32767.0, -32768, 32767).astype("<i2")
        self._out.put_nowait(OutputAudioRawFrame(samples.tobytes(), SAMPLE_RATE, 1))

    def flush(self) -> None:
        self._out.put_nowait(InterruptionFrame())

    def tell(self, event: Event) -> None:
        self._out.put_nowait(OutputTransportMessageUrgentFrame(message=event))

    async def pump(self) -> None:
        """Send what was played and told, in order, until cancelled."""
        while True:
            await self.push_frame(await self._out.get(), FrameDirection.DOWNSTREAM)

    def _take(self, queue: asyncio.Queue[Any], item: object) -> None:
        try:
            queue.put_nowait(item)
        except asyncio.QueueFull:
            self.dropped += 1


async def carry(
    transport: BaseTransport, line: Line, ready: Callable[[PipelineWorker], None]
) -> None:
    """Run the pipeline until it is cancelled; `ready` is handed what can do that."""
    worker = PipelineWorker(
        Pipeline([transport.input(), line, transport.output()]),
        params=PipelineParams(audio_in_sample_rate=HEARING_RATE, audio_out_sample_rate=SAMPLE_RATE),
        enable_rtvi=False,
        enable_turn_tracking=False,
        cancel_on_idle_timeout=False,
        idle_timeout_secs=None,
    )
    ready(worker)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


def _samples(frame: InputAudioRawFrame) -> Samples:
    pcm = np.frombuffer(frame.audio, "<i2").astype(np.float32) / np.float32(32768)
    return pcm if frame.num_channels == 1 else pcm.reshape(-1, frame.num_channels)[:, 0].copy()
