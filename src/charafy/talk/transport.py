"""pipecat's WebRTC transport, without its habit of waiting until sound has left.

Its connections speak VP8, whatever else a client would rather see.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtp import RtpPacket
from aiortc.utils import uint16_add
from pipecat.frames.frames import Frame, InterruptionFrame, OutputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.transport import (
    SmallWebRTCOutputTransport,
    SmallWebRTCTransport,
)

from charafy.talk.bounds import bound_fragments

_MOST_WAITING: Final = 100
_LATE: Final = 1 << 15
_RESTARTED: Final = 100
"""Packets: one that is late by more begins another numbering."""
_VP8: Final = "video/vp8"


class Prompt(JitterBuffer):
    """Of sound: hands every packet on as it comes, and leaves out what comes too late.

    aiortc's own keeps 80 ms in case packets swap places, and after a lost one stays 320 ms late for
    good. Who interrupts, and who ends a turn, would be noticed that much later; who listens here
    misses 20 ms of a word less.
    """

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """See `JitterBuffer.add`."""
        if self._origin is not None:
            ahead = uint16_add(packet.sequence_number, -self._origin)
            if ahead >= _LATE and (1 << 16) - ahead <= _RESTARTED:
                return False, None
        self._origin = uint16_add(packet.sequence_number, 1)
        return False, JitterFrame(data=packet._data, timestamp=packet.timestamp)  # type: ignore[attr-defined]


class Connection(SmallWebRTCConnection):
    """Answers with VP8, which every WebRTC client knows, and which two cores can encode."""

    def _initialize(self) -> None:
        super()._initialize()  # type: ignore[no-untyped-call]
        # pipecat keeps what a silent client sends for later, without an end.
        self._pending_app_messages = deque(maxlen=_MOST_WAITING)  # type: ignore[assignment]

    def force_transceivers_to_send_recv(self) -> None:
        """Called between the offer and the answer: where what is agreed can still be chosen."""
        super().force_transceivers_to_send_recv()  # type: ignore[no-untyped-call]
        if self.pc.sctp is not None:
            bound_fragments(self.pc.sctp)
        for transceiver in self.pc.getTransceivers():
            if transceiver.kind == "audio":
                receiver: Any = transceiver.receiver
                receiver._RTCRtpReceiver__jitter_buffer = Prompt(capacity=16)
            # Preferences set now would come too late: aiortc takes the client's first choice when
            # it reads the offer. Sorting keeps the order of the others.
            transceiver._codecs.sort(key=lambda codec: codec.mimeType.lower() != _VP8)

    async def _close(self) -> None:
        # An offer that breaks off in the middle leaves some without a transport: aiortc stumbles
        # over the first of these and closes nothing after it.
        pc: Any = self.pc
        for unborn in [one for one in pc.getTransceivers() if one.receiver.transport is None]:
            await unborn.stop()
            pc._RTCPeerConnection__transceivers.remove(unborn)
        if pc.sctp is not None and pc.sctp.transport is None:
            pc._RTCPeerConnection__sctp = None
        await super()._close()  # type: ignore[no-untyped-call]

    def transport(self) -> Transport:
        return Transport(
            self,
            TransportParams(audio_in_enabled=True, audio_out_enabled=True, audio_out_10ms_chunks=2),
        )

    @property
    def shows(self) -> bool:
        """Whether the client takes a picture that we can send."""
        video = [one for one in self.pc.getTransceivers() if one.kind == "video"]
        return bool(video) and video[0]._codecs[0].mimeType.lower() == _VP8


class Output(SmallWebRTCOutputTransport):
    """Hands sound on at once: who plays here keeps to the clock already.

    pipecat writes 20 ms and waits until they have left the track. A loop that is busy for 10 ms
    then leaves a hole in the sound, and a track that ended under it is waited for without an end:
    a client that lost its network and came back would never be spoken to again.
    """

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        track = self._client._audio_output_track
        if track is None or not self._client._can_send():
            return False
        track.add_audio_bytes(frame.audio)
        return True

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        track = self._client._audio_output_track
        if isinstance(frame, InterruptionFrame) and track is not None:
            track._chunk_queue.clear()


class Transport(SmallWebRTCTransport):
    """What carries one conversation."""

    def __init__(self, connection: Connection, params: TransportParams) -> None:
        super().__init__(connection, params)
        # A peer connection is lost, no more.
        for never in ("on_client_vanished", "on_client_left", "on_client_gone"):
            self._register_event_handler(never)

    def output(self) -> SmallWebRTCOutputTransport:
        if self._output is None:
            self._output = Output(self._client, self._params, name=self._output_name)
        return self._output
