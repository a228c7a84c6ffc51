"""How far sound and picture are apart is measured, and where they have nothing to do with each
other it is told."""

from __future__ import annotations

import numpy as np
import pytest

from bench.skew import Grey, skew

Heard = list[tuple[float, float]]
Seen = list[tuple[float, Grey]]


def syllables() -> list[tuple[float, float]]:
    """(start, end) of each, for 12 s, no two alike."""
    chance = np.random.default_rng(3)
    starts = np.cumsum(chance.uniform(0.45, 0.9, 18))
    return [(float(at), float(at + chance.uniform(0.15, 0.35))) for at in starts]


def level(at: float, late_s: float = 0.0) -> float:
    return float(any(begin <= at - late_s < end for begin, end in syllables()))


def heard() -> Heard:
    return [(float(at), 9_000 * level(at)) for at in np.arange(0, 12, 0.02)]


def seen(late_s: float | None) -> Seen:
    """A noisy head that moves, with a mouth that follows `late_s` after the sound, or doesn't."""
    chance = np.random.default_rng(7)
    pictures: Seen = []
    for at in np.arange(0, 12, 0.04):
        picture = chance.normal(110, 3, (64, 64)) + 10 * np.sin(at * 0.9)
        if late_s is not None:
            picture[36:40, 28:36] -= 60 * level(at, late_s)
        pictures.append((float(at), picture.clip(0, 255).astype(np.uint8)))
    return pictures


@pytest.mark.parametrize("late_s", [-0.2, -0.05, 0.0, 0.04, 0.15])
def test_a_mouth_is_as_late_as_it_is(late_s: float) -> None:
    found = skew(seen(late_s), heard())
    assert found["late_s"] == pytest.approx(late_s, abs=0.03)
    assert found["agreement"] > 0.8


def test_a_face_that_says_nothing_agrees_with_nothing() -> None:
    assert skew(seen(None), heard())["agreement"] < 0.45


def test_without_a_pause_there_is_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="no pause"):
        skew(seen(0.0), [(float(at), 9_000.0) for at in np.arange(0, 12, 0.02)])
