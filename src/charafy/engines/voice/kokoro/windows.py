"""Cutting a clause into windows: the first small for an early start, later ones ever larger."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Final, Protocol

from charafy.engines.voice.kokoro.acoustic import FRAMES_PER_S

CONTEXT: Final = 4
"""Frames decoded on either side of a window and thrown away: how far the vocoder looks around."""

_STEPS: Final = (14, 24, 40, 60)
"""Frames of the first windows and of all that follow; wider ones leave the processor's cache."""
_LEAST: Final = 16
_LATEST: Final = 28
"""Widest first window: on a machine busier than that, a late start would be worse than a gap."""
_SHARE: Final = 0.7
"""Of the audio that a listener still has in store, how much time the next window may take."""


class Speedometer:
    """How long decoding takes, learnt from the windows decoded so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._load: float | None = None

    @property
    def load(self) -> float:
        """Seconds of work per second of audio."""
        with self._lock:
            return 0.5 if self._load is None else self._load

    def note(self, frames: int, seconds: float) -> None:
        load = seconds * FRAMES_PER_S / frames
        with self._lock:
            self._load = load if self._load is None else self._load + 0.3 * (load - self._load)


class Sizes(Protocol):
    """Of the windows of one speech."""

    def gave(self, seconds: float) -> None:
        """A chunk of that much audio is being handed out."""

    def frames(self, left: int) -> int:
        """How many frames to decode next out of `left`."""


class Even:
    """The same on every machine at any time: nobody listens while it is made.

    A window's edges are heard in the samples next to them, faintly. Where sounds are compared, the
    same words must give the same samples.
    """

    def gave(self, seconds: float) -> None:
        """Nobody waits for more."""

    def frames(self, left: int) -> int:
        return _unless_little_is_left(_STEPS[-1], left)


class Pace:
    """Sizes of the windows of one speech, so that a player that starts at once never runs dry.

    A listener hears in real time, so what is in store is what was handed out less the time gone
    since the first chunk. On a machine that is fast enough the sizes are always the same; on a
    slower one the first window grows until every later one can be decoded while it plays (up to
    0.65 s of work per second of audio).
    """

    def __init__(self, speedometer: Speedometer, monotonic: Callable[[], float]) -> None:
        self._speedometer = speedometer
        self._monotonic = monotonic
        self._began: float | None = None
        self._given_s = 0.0
        self._step = 0

    def gave(self, seconds: float) -> None:
        if self._began is None:
            self._began = self._monotonic()
        self._given_s += seconds

    def frames(self, left: int) -> int:
        load = self._speedometer.load
        if self._began is None:
            frames = max(_STEPS[0], _first(load))
        else:
            store_s = self._given_s - (self._monotonic() - self._began)
            affordable = int(_SHARE * store_s / load * FRAMES_PER_S) - 2 * CONTEXT
            self._step = min(self._step + 1, len(_STEPS) - 1)
            frames = max(_sustainable(load), min(affordable, _STEPS[self._step]))
        return _unless_little_is_left(frames, left)


def _unless_little_is_left(frames: int, left: int) -> int:
    """A rest that would not fill half a window of its own comes along."""
    return left if left < frames + _LEAST // 2 else frames


def _sustainable(load: float) -> int:
    """Least window whose audio lasts as long as decoding it with its context takes."""
    if load >= 0.9:
        return _STEPS[-1]
    return min(_STEPS[-1], max(_LEAST, math.ceil(1.25 * 2 * CONTEXT * load / (1 - load))))


def _first(load: float) -> int:
    """Least first window during which the second one can be decoded."""
    return min(_LATEST, math.ceil((_sustainable(load) + 2 * CONTEXT) * load / _SHARE))
