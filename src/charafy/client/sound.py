"""The sound of a conversation: a microphone that plays samples, and ears that keep what came."""

from __future__ import annotations

import asyncio
import time
from fractions import Fraction
from typing import Final

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, AudioResampler

from charafy.kernel.media.audio import SAMPLE_RATE, Pcm

_FRAME_S: Final = 0.02
_FRAME: Final = round(SAMPLE_RATE * _FRAME_S)


class Microphone(MediaStreamTrack):
    """Sends what it is given to say in real time, and silence between."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._unsaid = np.zeros(0, np.float32)
        self._sent = 0
        self._began: float | None = None
        self._drained = asyncio.Event()
        self._drained.set()

    def say(self, pcm: Pcm) -> None:
        """After what is still waiting. `pcm` float32 mono at `SAMPLE_RATE`."""
        self._unsaid = np.concatenate([self._unsaid, pcm.astype(np.float32)])
        self._drained.clear()

    def hush(self) -> None:
        """Forget what is still waiting."""
        self._unsaid = self._unsaid[:0]
        self._drained.set()

    async def drained(self) -> None:
        """Until all of it is said."""
        await self._drained.wait()

    async def recv(self) -> AudioFrame:
        if self._began is None:
            self._began = time.monotonic()
        await asyncio.sleep(max(0.0, self._began + self._sent / SAMPLE_RATE - time.monotonic()))
        piece, self._unsaid = self._unsaid[:_FRAME], self._unsaid[_FRAME:]
        if not len(self._unsaid):
            self._drained.set()
        padded = np.pad(piece, (0, _FRAME - len(piece)))
        whole = (np.clip(padded, -1, 1) * 32_767).astype(np.int16)
        frame = AudioFrame.from_ndarray(whole[None], layout="mono")
        frame.sample_rate, frame.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        frame.pts = self._sent
        self._sent += _FRAME
        return frame


class Ears:
    """Keeps all that was heard, and when."""

    def __init__(self) -> None:
        self._pieces: list[tuple[float, Pcm]] = []

    async def listen(self, track: MediaStreamTrack) -> None:
        """Until the other end hangs up."""
        resampler = AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, AudioFrame)
            for piece in resampler.resample(frame):
                self._pieces.append((time.monotonic(), piece.to_ndarray()[0].copy()))

    @property
    def pieces(self) -> tuple[tuple[float, Pcm], ...]:
        """When each came, and its samples."""
        return tuple(self._pieces)

    def since(self, moment: float) -> Pcm:
        """What came from then on (`time.monotonic()`), in one piece."""
        pieces = [pcm for at, pcm in self._pieces if at >= moment]
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)

    def first_sound(self, since: float, threshold: float = 0.005) -> float | None:
        """The moment at which the first piece came that is louder than `threshold` (RMS)."""
        return next(iter(self.sounds(since, threshold)), None)

    def sounds(self, since: float = 0.0, threshold: float = 0.005) -> list[float]:
        """The moments at which pieces came from `since` on that are louder than `threshold`."""
        return [
            at
            for at, pcm in self._pieces
            if at >= since and len(pcm) and float(np.sqrt(np.mean(pcm**2))) > threshold
        ]
