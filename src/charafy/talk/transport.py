"""pipecat's WebRTC transport, without its habit of waiting for tracks that are gone."""

from __future__ import annotations

import asyncio
from typing import Final

from pipecat.frames.frames import OutputAudioRawFrame
from pipecat.transports.smallwebrtc.transport import (
    SmallWebRTCOutputTransport,
    SmallWebRTCTransport,
)

_WRITE_S: Final = 0.5
"""A frame of 20 ms is sent within; what takes longer will never be."""


class Output(SmallWebRTCOutputTransport):
    """Goes on when a track ends under it.

    pipecat waits until the frame it wrote has left the track. A client that loses its network gets
    a new connection and a new track; the old one is never emptied, and whoever waits for it would
    be silent for the rest of the conversation.
    """

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        try:
            async with asyncio.timeout(_WRITE_S):
                return await super().write_audio_frame(frame)
        except TimeoutError:
            return False


class Transport(SmallWebRTCTransport):
    """What carries one conversation."""

    def output(self) -> SmallWebRTCOutputTransport:
        if self._output is None:
            self._output = Output(self._client, self._params, name=self._output_name)
        return self._output
