"""Cutting a clause into windows: the first small for an early start, later ones ever larger."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from charafy.engines.voice.kokoro.acoustic import FRAMES_PER_S

CONTEXT: Final = 4
"""Frames decoded on either side of a window and thrown away: how far the vocoder looks around."""

FIRST: Final = 14
LEAST: Final = 16
MOST: Final = 120
_SHARE: Final = 0.6
"""Of the audio that a listener still has in store, how much time the next window may take."""


class Speedometer:
    """Seconds that one frame takes to decode, learnt from the windows decoded so far."""

    def __init__(self, first_guess: float = 0.5 / FRAMES_PER_S) -> None:
        self._lock = threading.Lock()
        self._per_frame = first_guess

    @property
    def seconds_per_frame(self) -> float:
        with self._lock:
            return self._per_frame

    def note(self, frames: int, seconds: float) -> None:
        with self._lock:
            self._per_frame += 0.3 * (seconds / frames - self._per_frame)


class Pace:
    """Sizes of the windows of one speech, so that a player that starts at once never runs dry.

    A listener hears in real time, so what is in store is what was handed out less the time gone
    since the first chunk. A caller that only collects never empties it and gets wide windows.
    """

    def __init__(self, speedometer: Speedometer, monotonic: Callable[[], float]) -> None:
        self._speedometer = speedometer
        self._monotonic = monotonic
        self._began: float | None = None
        self._given_s = 0.0
        self._last = FIRST

    def gave(self, seconds: float) -> None:
        """A chunk of that much audio is being handed out."""
        if self._began is None:
            self._began = self._monotonic()
        self._given_s += seconds

    def frames(self, left: int) -> int:
        """How many frames to decode next out of `left`."""
        if self._began is None:
            return _without_scrap(FIRST, left)
        store_s = self._given_s - (self._monotonic() - self._began)
        affordable = int(_SHARE * store_s / self._speedometer.seconds_per_frame) - 2 * CONTEXT
        self._last = max(LEAST, min(affordable, 2 * self._last, MOST))
        return _without_scrap(self._last, left)


def _without_scrap(frames: int, left: int) -> int:
    """Take the rest along when it would not fill half a window of its own."""
    return left if left < frames + LEAST // 2 else frames
