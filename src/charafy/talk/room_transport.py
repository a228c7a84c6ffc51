"""A room of LiveKit as a transport of pipecat: both ends of the same pipeline as in `transport.py`.

pipecat's own takes in everybody in the room and what they send; ours knows one visitor.
"""

from __future__ import annotations

from typing import Any

from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InputTransportMessageFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputTransportMessageFrame,
    OutputTransportMessageUrgentFrame,
    StartFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import BaseTransport, TransportParams

from charafy.conversations.livekit import TOPIC
from charafy.engines.hearing import SAMPLE_RATE as HEARING_RATE
from charafy.talk.room import Room

EVENTS = (
    "on_client_connected",
    "on_client_disconnected",
    "on_client_vanished",
    "on_client_left",
    "on_client_gone",
    "on_replaced",
)


class _Input(BaseInputTransport):
    """What comes from the visitor: `room.Ends` for the pipeline."""

    def __init__(self, room: Room, params: TransportParams, owner: RoomTransport) -> None:
        super().__init__(params)
        self._room = room
        self._owner = owner

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._room.begin(self)

    async def hear(self, pcm: bytes) -> None:
        await self.push_audio_frame(InputAudioRawFrame(pcm, HEARING_RATE, 1))

    async def read(self, message: Any) -> None:
        await self.push_frame(InputTransportMessageFrame(message=message))

    async def came(self) -> None:
        await self._owner.call("on_client_connected")

    async def lost(self) -> None:
        await self._owner.call("on_client_disconnected")

    async def vanished(self) -> None:
        await self._owner.call("on_client_vanished")

    async def left(self) -> None:
        await self._owner.call("on_client_left")

    async def closed(self) -> None:
        await self._owner.call("on_client_gone")

    async def replaced(self) -> None:
        await self._owner.call("on_replaced")


class _Output(BaseOutputTransport):
    """What goes to the visitor."""

    def __init__(self, room: Room, params: TransportParams) -> None:
        super().__init__(params)
        self._room = room

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def send_message(
        self, frame: OutputTransportMessageFrame | OutputTransportMessageUrgentFrame
    ) -> None:
        await self._room.tell(frame.message, TOPIC)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        await self._room.play(frame.audio)
        return True

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            self._room.hush()


class RoomTransport(BaseTransport):
    """What carries one conversation."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        params = TransportParams(
            audio_in_enabled=True, audio_out_enabled=True, audio_out_10ms_chunks=2
        )
        self._in = _Input(room, params, self)
        self._out = _Output(room, params)
        for name in EVENTS:
            self._register_event_handler(name, sync=True)

    def input(self) -> BaseInputTransport:
        return self._in

    def output(self) -> BaseOutputTransport:
        return self._out

    async def call(self, event: str) -> None:
        await self._call_event_handler(event, self)
