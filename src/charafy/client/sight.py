"""The picture of a conversation, where the server draws the face."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import VideoFrame
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
"""[height, width, 3], red first."""

_TIMES: Final = 1_000


class Eyes:
    """Keep the latest picture, and when the last ones came."""

    def __init__(self, on_picture: Callable[[float, Rgb], None] | None = None) -> None:
        """`on_picture` is told of each, with its moment; it must be quick."""
        self._on_picture = on_picture
        self.opened = asyncio.Event()
        """Set with the first picture."""
        self.latest: Rgb | None = None
        """None until there is one; the last one stays when the face is gone."""
        self.times: deque[float] = deque(maxlen=_TIMES)
        """Of the latest thousand, by `time.monotonic()`."""

    async def watch(self, track: MediaStreamTrack) -> None:
        """Until the other end hangs up."""
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, VideoFrame)
            self.latest = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            self.times.append(time.monotonic())
            if self._on_picture:
                self._on_picture(self.times[-1], self.latest)
            self.opened.set()
