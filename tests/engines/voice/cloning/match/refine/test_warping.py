"""Two recordings of the same run at different speeds; each moment of one is found in the other."""

from __future__ import annotations

import numpy as np

from charafy.engines.voice.cloning.match.refine.warping import warp


def rows(moments: np.typing.NDArray[np.float64]) -> np.typing.NDArray[np.float32]:
    """A sound that is never twice the same."""
    return np.stack([np.sin(moments / 5), np.cos(moments / 7), moments / 20], axis=1).astype(
        np.float32
    )


def test_what_is_the_same_is_at_the_same_place() -> None:
    sound = rows(np.arange(80.0))
    here, there = warp(sound, sound)
    np.testing.assert_array_equal(here, there)
    assert list(here) == list(range(80))


def test_a_slow_middle_is_followed() -> None:
    # Rows 30 to 50 take three times as long in the other one.
    moments = np.concatenate([np.arange(30), np.arange(30, 50, 1 / 3), np.arange(50, 80)])
    here, there = warp(rows(np.arange(80.0)), rows(moments))
    np.testing.assert_allclose(np.interp(there, np.arange(len(moments)), moments), here, atol=1.0)


def test_both_ends_meet_and_time_never_runs_back() -> None:
    rng = np.random.default_rng(2)
    one, other = (rng.normal(size=(n, 14)).astype(np.float32) for n in (40, 65))
    here, there = warp(one, other)
    assert (here[0], here[-1], len(here)) == (0, 39, 40)
    assert np.all(np.diff(there) >= 0)
    assert there[0] < 5
    assert there[-1] > 60
