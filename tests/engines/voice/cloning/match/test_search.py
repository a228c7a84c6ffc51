"""The search finds what it can reach with a few looks, and never comes back with less."""

from __future__ import annotations

import numpy as np

from charafy.engines.voice.cloning.match.search import Floats, look, seek

WIDTH, MOVED = 60, 20
CHANCE = np.random.default_rng(3)
TRUE = CHANCE.normal(size=(MOVED, WIDTH)) * 0.3
MIDDLE = CHANCE.normal(size=WIDTH)


def heard(z: Floats) -> Floats:
    """A world that bends: embeddings move with the timbre, but not in straight lines."""
    moved = MIDDLE + np.tanh(z[:MOVED] @ TRUE)
    unit: Floats = moved / np.linalg.norm(moved)
    return unit


def guess(error: float) -> Floats:
    return TRUE * (1.0 + error * CHANCE.normal(size=TRUE.shape)) / np.linalg.norm(MIDDLE)


def test_a_rough_guess_is_corrected_by_looking() -> None:
    wanted = heard(CHANCE.normal(size=MOVED))
    start = look(np.zeros(MOVED), wanted, heard)
    best = seek(wanted, start, guess(0.5), heard, looks=6)
    assert best.likeness > start.likeness + 0.6 * (1.0 - start.likeness)


def test_nothing_worse_than_the_start_comes_back() -> None:
    wanted = heard(CHANCE.normal(size=MOVED))
    start = look(np.zeros(MOVED), wanted, heard)
    best = seek(wanted, start, -guess(0.1), heard, looks=3)
    assert best.likeness >= start.likeness


def test_timbres_stay_as_far_out_as_voices_are() -> None:
    far: Floats = -MIDDLE / np.linalg.norm(MIDDLE)
    start = look(np.zeros(MOVED), far, heard)
    seen: list[float] = []

    def watched(z: Floats) -> Floats:
        seen.append(float(np.mean(np.square(z[:MOVED]))))
        return heard(z)

    seek(far, start, guess(0.1), watched, looks=8)
    assert len(seen) == 8
    assert max(seen) <= 1.3 + 1e-9


def test_every_look_is_told() -> None:
    told: list[int] = []
    start = look(np.zeros(MOVED), heard(np.zeros(MOVED)), heard)
    seek(heard(np.ones(MOVED)), start, guess(0.2), heard, looks=4, done=told.append)
    assert told == [1, 2, 3, 4]
