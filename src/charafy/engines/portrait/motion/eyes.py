"""Lids, gaze and brows.

Blinks come every 2 to 6 s and close faster than they open (VanderWerf and others 2003), rather at
the ends of phrases (Cummins 2012). The gaze jumps, rests, and always comes back to the viewer.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait.motion.noise import Times, eased, unit, wander
from charafy.engines.portrait.motion.score import Score

Floats = NDArray[np.float64]

_BLINK, _TWICE, _GLANCE, _SIDE, _HEIGHT, _WHEN, _TREMOR, _BROW, _LIFT = range(100, 109)

BLINK_EVERY_S: Final = 4.0
BLINK_JITTER_S: Final = 1.0
_SNAP_S: Final = 0.8
"""A phrase that ends this near to a blink gets it."""
CLOSE_S: Final = 0.09
SHUT_S: Final = 0.045
OPEN_S: Final = 0.18
_AGAIN_S: Final = 0.38
_AGAIN_SHARE: Final = 0.12

_FIXATION_S: Final = 1.3
_FIXATION_JITTER_S: Final = 0.35
_SACCADE_S: Final = 0.055
_AWAY_SHARE: Final = 0.5

_BROW_UP_S: Final = 0.18
_BROW_DOWN_S: Final = 0.5


def blink(score: Score, seed: int, t: Times) -> Floats:
    """0 open .. 1 shut."""
    slot = np.floor(t / BLINK_EVERY_S) + np.arange(-1.0, 2.0)[:, None]
    jitter = (2.0 * unit(seed, _BLINK, slot) - 1.0) * BLINK_JITTER_S
    when = (slot + 0.5) * BLINK_EVERY_S + jitter
    end = nearest(score.phrase_ends, when)
    when = np.where(np.abs(end - when) < _SNAP_S, end + 0.05, when)
    once = _lid(t - when)
    twice = np.where(unit(seed, _TWICE, slot) < _AGAIN_SHARE, _lid(t - when - _AGAIN_S), 0.0)
    shut: Floats = np.maximum(once, twice).max(axis=0)
    return shut


def _lid(since: Floats) -> Floats:
    closing = eased(since / CLOSE_S)
    opening = np.clip((since - CLOSE_S - SHUT_S) / OPEN_S, 0.0, 1.0)
    return closing * (1.0 - eased(opening * (1.5 - 0.5 * opening)))


def nearest(events: Floats, t: Times) -> Floats:
    """The event nearest to each time; infinity where there is none."""
    padded = np.concatenate([[-np.inf], events, [np.inf]])
    right = np.searchsorted(padded, t, "left")
    before, after = padded[right - 1], padded[right]
    return np.where(t - before <= after - t, before, after)


def gaze(seed: int, t: Times) -> tuple[Floats, Floats]:
    """Right and down, -1..1, without what makes up for the head's turns."""
    slot = np.floor(t / _FIXATION_S) + np.arange(-1.0, 2.0)[:, None]
    when = slot * _FIXATION_S + (2.0 * unit(seed, _WHEN, slot) - 1.0) * _FIXATION_JITTER_S
    moved = eased((t - when) / _SACCADE_S)
    to_x, to_y = _target(seed, slot)
    x, y = to_x[0], to_y[0]
    for step in (1, 2):
        x, y = x + (to_x[step] - x) * moved[step], y + (to_y[step] - y) * moved[step]
    return (
        x + 0.02 * wander(seed, _TREMOR, t * 0.7),
        y + 0.015 * wander(seed, _TREMOR + 20, t * 0.6),
    )


def _target(seed: int, slot: Floats) -> tuple[Floats, Floats]:
    """Where the eyes rest in a slot: in every other one at the viewer."""
    chance = unit(seed, _GLANCE, slot)
    away = (slot % 2.0 == 1.0) & (chance < _AWAY_SHARE)
    side = 2.0 * unit(seed, _SIDE, slot) - 1.0
    x = np.sign(side) * (0.12 + 0.26 * np.abs(side))
    y = 0.22 * (2.0 * unit(seed, _HEIGHT, slot) - 1.0) - 0.04
    return np.where(away, x, 0.0), np.where(away, y, 0.0)


def brow(score: Score, seed: int, t: Times) -> Floats:
    """-1 lowered .. 1 raised: up on some accents and where phrases begin."""
    accent, strength = around(score.accents, score.accent_strengths, t)
    chance = moment_chance(seed, _LIFT, accent)
    height = np.where(chance < 0.5, (0.15 + 0.7 * chance) * strength, 0.0)
    accented = (height * pulse(t - accent, _BROW_UP_S, _BROW_DOWN_S)).sum(axis=0)
    phrase, there = around(score.phrase_starts, np.ones_like(score.phrase_starts), t)
    chance = moment_chance(seed, _LIFT + 1, phrase)
    height = np.where(chance < 0.6, (0.12 + 0.3 * chance) * there, 0.0)
    begun = (height * pulse(t - phrase - 0.1, 0.25, 0.7)).sum(axis=0)
    raised: Floats = 0.08 * wander(seed, _BROW, t * 0.23) + accented + begun
    return np.clip(raised, -1.0, 1.0)


def moment_chance(seed: int, stream: int, when: Floats) -> Floats:
    """A number in [0, 1) that belongs to a moment, told apart by the millisecond."""
    return unit(seed, stream, np.floor(when * 1000.0 + 0.5))


def pulse(since: Floats, rise_s: float, fall_s: float) -> Floats:
    """A smooth hump of height 1 at 0, flat from `fall_s` after and `rise_s` before."""
    return eased(1.0 + since / rise_s) * eased(1.0 - since / fall_s)


def around(events: Floats, sizes: Floats, t: Times) -> tuple[Floats, Floats]:
    """[4, n]: the two events before and the two after each time, and their sizes; 0 for none."""
    far = np.full(2, 1e6)
    padded = np.concatenate([-far, events, far])
    padded_sizes = np.concatenate([np.zeros(2), sizes, np.zeros(2)])
    right = np.searchsorted(padded, np.clip(t, -9e5, 9e5), "right")
    near = right + np.arange(-2, 2)[:, None]
    return padded[near], padded_sizes[near]
