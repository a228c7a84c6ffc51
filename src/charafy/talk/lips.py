"""What a face that is drawn here does: what is being heard now, by the clock of the session.

Sound is the only clock. Whatever the stage plays, pauses or breaks off is looked up anew before a
picture is drawn, so a face follows without being told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from charafy.engines.portrait import Pose
from charafy.engines.portrait.motion import Cue, Timed, track
from charafy.engines.voice import Language
from charafy.talk.playout import Playout

_KEPT_S: Final = 6.0
"""What was said longer ago than this changes no pose any more."""


class Lips:
    """One face. `follow` belongs to the event loop; `pose` may be asked from any thread."""

    def __init__(self, now: Callable[[], float], *, seed: int, language: Language) -> None:
        """`now`: the stage's clock. `seed` decides when it blinks and where it looks."""
        self._now = now
        self._began_s = now()
        self._track = track((), 0.0, seed=seed, language=language)
        self._heard: tuple[Playout, float] | None = None
        """What is heard, and when its first sample was."""
        self._made_s = 0.0

    def follow(self, playing: Playout | None) -> None:
        """Mind what is heard from now on; None: nothing is."""
        heard = None if playing is None or playing.zero_s is None else (playing, playing.zero_s)
        made_s = 0.0 if playing is None else playing.made_s
        if heard == self._heard and made_s == self._made_s:
            return
        goes_on = heard == self._heard
        self._heard, self._made_s = heard, made_s
        at_s = self._now() - self._began_s
        coming: list[Cue] = []
        if heard is not None:
            playout, zero_s = heard
            coming = _moved(playout.shapes, zero_s - self._began_s)
        said = [cue for cue in self._track.cues if cue.start_s < at_s < cue.end_s + _KEPT_S]
        if goes_on:  # what has begun stays whole
            coming = [cue for cue in coming if cue.start_s >= at_s]
        else:
            said, coming = _until(said, at_s), _since(coming, at_s)
        # Only these: what was to come may be off, or come at another time.
        self._track = self._track.extended((*said, *coming), forget_before_s=float("inf"))

    def pose(self, at_s: float) -> Pose:
        """The face at a moment of the stage's clock."""
        return self._track.pose(at_s - self._began_s)


def _moved(shapes: Iterable[Timed], by_s: float) -> list[Cue]:
    return [Cue(s.shape, s.start_s + by_s, s.end_s + by_s, s.weight) for s in shapes]


def _until(cues: Iterable[Timed], end_s: float) -> list[Timed]:
    """Broken off at a moment."""
    return [Cue(cue.shape, cue.start_s, min(cue.end_s, end_s), cue.weight) for cue in cues]


def _since(cues: Iterable[Cue], start_s: float) -> list[Cue]:
    return [replace(cue, start_s=max(cue.start_s, start_s)) for cue in cues if cue.end_s > start_s]
