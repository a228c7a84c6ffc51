"""Head, hair and breath: never quite still, never the same twice, calmer in silence."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.motion.eyes import around, moment_chance, nearest, pulse
from charafy.engines.portrait.motion.noise import Times, drift, eased, unit
from charafy.engines.portrait.motion.score import Score

Floats = NDArray[np.float64]

_YAW, _PITCH, _ROLL, _NOD, _BREATH, _DEPTH = 200, 210, 220, 230, 240, 241

YAW: Final = ((0.113, 0.050), (0.271, 0.034), (0.639, 0.012))
PITCH: Final = ((0.097, 0.018), (0.313, 0.016), (0.787, 0.007))
ROLL: Final = ((0.089, 0.024), (0.229, 0.015), (0.571, 0.005))
"""(Hz, radians) of each octave; the frequencies have no common period within hours."""

IDLE: Final = 0.45
"""Share of the movement that is left in silence."""
_NOD_SHARE: Final = 0.65
_LAGS: Final = ((0.08, 0.30), (0.16, 0.35), (0.26, 0.25), (0.40, 0.15), (0.58, -0.05))
"""(seconds, share): where the hair still is; the last makes it swing past a little."""
_HAIR: Final = 3.0

BREATH_EVERY_S: Final = 4.1
_BREATH_JITTER_S: Final = 0.5
_BREATH_SNAP_S: Final = 1.0
GASP_S: Final = 0.5
"""A breath taken to speak is this fast, and ends where the phrase begins."""


def speaking(score: Score, t: Times, lead_s: float, trail_s: float) -> Floats:
    """1 in phrases, 0 in silence; on its way up `lead_s` before and down until `trail_s` after."""
    right = np.searchsorted(score.phrase_starts, t, "right")
    starts = np.concatenate([[-np.inf], score.phrase_starts, [np.inf]])
    ends = np.concatenate([[-np.inf], score.phrase_ends, [np.inf]])
    after = eased(1.0 - (t - ends[right]) / trail_s)
    before = eased(1.0 - (starts[right + 1] - t) / lead_s)
    return 1.0 - (1.0 - after) * (1.0 - before)


def yaw(score: Score, seed: int, t: Times) -> Floats:
    return drift(seed, _YAW, t, YAW) * _vigour(score, t)


def _vigour(score: Score, t: Times) -> Floats:
    return IDLE + (1.0 - IDLE) * speaking(score, t, 0.6, 1.4)


def pitch(score: Score, seed: int, t: Times) -> Floats:
    """Positive is down: nods fall on accents."""
    accent, strength = around(score.accents, score.accent_strengths, t)
    chance = moment_chance(seed, _NOD, accent)
    depth = np.where(chance < _NOD_SHARE, (0.014 + 0.036 * chance) * strength, 0.0)
    nodded = (depth * pulse(t - accent - 0.04, 0.2, 0.42)).sum(axis=0)
    moved: Floats = drift(seed, _PITCH, t, PITCH) * _vigour(score, t) + nodded
    return moved


def roll(score: Score, seed: int, t: Times) -> Floats:
    return drift(seed, _ROLL, t, ROLL) * _vigour(score, t)


def sway(score: Score, seed: int, t: Times, now: Floats) -> Floats:
    """How far hair is behind a head whose yaw is `now`."""
    lags, shares = np.array(_LAGS).T
    earlier = yaw(score, seed, (t[:, None] - lags).ravel()).reshape(-1, len(lags))
    behind: Floats = earlier @ shares - now
    return _HAIR * behind


def breath(score: Score, seed: int, t: Times) -> Floats:
    """0 empty .. 1 full."""
    slot = np.floor(t / BREATH_EVERY_S) + np.arange(-2.0, 3.0)[:, None]
    when, snapped = _inhalations(score, seed, slot)
    # They are in order, and the first of them is always over, the last always to come.
    now = (when <= t).sum(axis=0)[None] - 1
    begun, end = np.take_along_axis(when, np.concatenate([now, now + 1]), axis=0)
    gasped = np.take_along_axis(snapped, now, axis=0)[0]
    rise = np.where(gasped, GASP_S, 0.4 * (end - begun))
    full = eased((t - begun) / rise) * (1.0 - eased((t - begun - rise) / (end - begun - rise)))
    number = np.take_along_axis(slot, now, axis=0)[0]
    return full * (0.72 + 0.28 * unit(seed, _DEPTH, number))


def _inhalations(score: Score, seed: int, index: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """When the breaths with these numbers begin, and whether each is taken to speak."""
    jitter = (2.0 * unit(seed, _BREATH, index) - 1.0) * _BREATH_JITTER_S
    when = index * BREATH_EVERY_S + jitter
    phrase = nearest(score.breaths, when + GASP_S) - GASP_S
    snaps = np.abs(phrase - when) < _BREATH_SNAP_S
    return np.where(snaps, phrase, when), snaps
