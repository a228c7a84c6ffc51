"""What the face does while it speaks and while it doesn't.

    for pose in track(cues, duration_s, seed=7).poses(fps=25):
        ...

Everything is a function of time alone, given cues and seed: any moment can be asked for in any
order, nothing is carried from frame to frame, and `web/static/avatar/track.js` gives the same
numbers. Cues further than about a second away change nothing, so a live conversation adds them as
they come (`Track.extended`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import CHANNELS, Pose
from charafy.engines.portrait.motion import eyes, head
from charafy.engines.portrait.motion.mouth import COLUMNS, mouth
from charafy.engines.portrait.motion.score import Score, Timed, score
from charafy.engines.portrait.motion.shapes import aims, strengths
from charafy.engines.voice import Language

__all__ = ["Cue", "Timed", "Track", "track"]

_CHUNK: Final = 2048
_SMILE: Final = 0.05
_LEAD_S: Final = 0.25
_TRAIL_S: Final = 0.45
"""How early the mouth gets ready to speak and how late it is at rest again."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A mouth shape from `start_s` to `end_s`, in seconds of the audio. Visemes do as well."""

    shape: str
    """One of `charafy.engines.voice.visemes.SHAPES`."""
    start_s: float
    end_s: float
    weight: float = 1.0
    """Loudness: how far it opens. About 0.55..1.15."""


@dataclass(frozen=True, slots=True)
class Track:
    """Poses by time. Safe from any thread."""

    duration_s: float
    """What `poses` and `table` cover; `pose` and `at` answer for any time."""
    seed: int
    liveliness: float
    language: Language
    cues: tuple[Timed, ...] = field(repr=False)
    _score: Score = field(repr=False, compare=False)

    def pose(self, t_s: float) -> Pose:
        return _pose(self.at(np.array([t_s]))[0])

    def poses(self, fps: float) -> Iterator[Pose]:
        """One for every frame: the first at 0, the last before `duration_s`."""
        for times in self._chunks(fps):
            yield from map(_pose, self.at(times))

    def table(self, fps: float) -> NDArray[np.float32]:
        """The same as float32 [frames, `CHANNELS`]."""
        rows = [self.at(times) for times in self._chunks(fps)]
        return np.concatenate(rows or [np.empty((0, len(CHANNELS)))]).astype(np.float32)

    def at(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows of `CHANNELS` for any times, in seconds."""
        t = np.asarray(t, np.float64)
        if not len(t):
            return np.empty((0, len(CHANNELS)))
        values = dict(zip(COLUMNS, self._mouth(t).T, strict=True)) | self._upper_face(t)
        talking = head.speaking(self._score, t, _LEAD_S, _TRAIL_S)
        values |= {"speaking": talking, "smile": _SMILE * (1.0 - talking)} | self._head(t)
        lively = self.liveliness
        values["gaze_x"] = np.clip(values["gaze_x"] * lively - 1.2 * values["yaw"], -1.0, 1.0)
        values["gaze_y"] = np.clip(values["gaze_y"] * lively - 1.2 * values["pitch"], -1.0, 1.0)
        return np.stack([values[name] for name in CHANNELS], axis=1)

    def extended(self, cues: Iterable[Timed], *, forget_before_s: float = -np.inf) -> Track:
        """With more cues and the duration grown to hold them.

        Cues that end before `forget_before_s` are dropped: poses from 5 s after it stay the same.
        """
        kept = [cue for cue in self.cues if cue.end_s >= forget_before_s]
        every = (*kept, *cues)
        end_s = max((cue.end_s for cue in every), default=0.0)
        longer = max(self.duration_s, end_s)
        return replace(self, cues=every, duration_s=longer, _score=score(every))

    def _chunks(self, fps: float) -> Iterator[NDArray[np.float64]]:
        frames = int(np.ceil(self.duration_s * fps - 1e-6))
        for begin in range(0, frames, _CHUNK):
            yield np.arange(begin, min(begin + _CHUNK, frames)) / fps

    def _mouth(self, t: NDArray[np.float64]) -> NDArray[np.float64]:
        return mouth(self._score, aims(self.language), strengths(), t)

    def _upper_face(self, t: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        shut = eyes.blink(self._score, self.seed, t)
        x, y = eyes.gaze(self.seed, t)
        brow = np.clip(self.liveliness * eyes.brow(self._score, self.seed, t), -1.0, 1.0)
        return {"blink_left": shut, "blink_right": shut, "gaze_x": x, "gaze_y": y, "brow": brow}

    def _head(self, t: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        said, seed, lively = self._score, self.seed, self.liveliness
        yaw = head.yaw(said, seed, t)
        pitch = head.pitch(said, seed, t)
        breath = head.breath(said, seed, t)
        return {
            "yaw": lively * yaw,
            "pitch": lively * pitch,
            "roll": lively * head.roll(said, seed, t),
            "shift_x": lively * 0.35 * yaw,
            "shift_y": lively * (0.12 * pitch - 0.006 * breath),
            "sway": lively * head.sway(said, seed, t, yaw),
            "breath": min(lively, 1.0) * breath,
        }


def track(
    cues: Iterable[Timed],
    duration_s: float,
    *,
    seed: int = 0,
    language: Language = "en",
    liveliness: float = 1.0,
) -> Track:
    """The face speaking `cues`, in order or not, while audio of `duration_s` plays.

    `seed` decides everything but the mouth. `language` decides how vowels look. `liveliness`
    scales head, brows, gaze and breath, 0..1.5; at 0 (reduced motion) only mouth and lids move.
    Raises `ValueError` for an unknown shape, or a number that isn't finite or out of range.
    """
    if not 0.0 <= duration_s < np.inf or not 0.0 <= liveliness <= 1.5:
        raise ValueError("duration must be 0 or more and finite, liveliness 0..1.5")
    said = tuple(cues)
    return Track(duration_s, seed & 0xFFFFFFFF, liveliness, language, said, score(said))


def _pose(row: NDArray[np.float64]) -> Pose:
    return Pose(*map(float, row))
