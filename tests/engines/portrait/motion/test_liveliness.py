"""Lids, eyes, brows, head and breath: alive, never repeating, the same for the same seed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from charafy.engines.portrait.motion import Track, track
from charafy.engines.portrait.motion.noise import unit
from tests.engines.portrait.motion.speeches import AT, MOUTH, in_a_row, talk

TEN_MINUTES = 600.0
HEAD = ["yaw", "pitch", "roll"]


@pytest.fixture(scope="module")
def speech() -> Track:
    return track(talk(TEN_MINUTES), TEN_MINUTES, seed=11)


@pytest.fixture(scope="module")
def table(speech: Track) -> NDArray[np.float64]:
    return speech.at(np.arange(0.0, TEN_MINUTES, 0.02))


def blinks(shut: NDArray[np.float64]) -> NDArray[np.intp]:
    """Where a lid begins to close."""
    return np.flatnonzero((shut[1:] > 0.02) & (shut[:-1] <= 0.02))


def test_the_same_seed_moves_the_same_and_another_one_differently() -> None:
    cues = talk(20.0)
    first, again, other = (track(cues, 20.0, seed=seed).table(25) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert np.array_equal(first[:, MOUTH], other[:, MOUTH])
    for name in (*HEAD, "gaze_x", "blink_left", "breath"):
        assert not np.allclose(first[:, AT[name]], other[:, AT[name]], atol=1e-3), name


def test_any_moment_can_be_asked_for_in_any_order(speech: Track) -> None:
    times = np.random.default_rng(1).uniform(0.0, TEN_MINUTES, 300)
    assert np.array_equal(speech.at(times), speech.at(times[::-1])[::-1])


def test_blinks_come_every_two_to_seven_seconds_and_sometimes_twice(
    table: NDArray[np.float64],
) -> None:
    shut = table[:, AT["blink_left"]]
    gaps = np.diff(blinks(shut)) * 0.02
    singles = gaps[gaps > 0.6]
    assert singles.min() > 1.0
    assert singles.max() < 7.5
    assert 3.0 < singles.mean() < 5.0
    assert 0.03 < (gaps < 0.6).mean() < 0.3


def test_lids_close_faster_than_they_open_and_shut_fully_in_a_frame_of_any_phase() -> None:
    said = track([], 60.0, seed=5)
    fine = said.at(np.arange(0.0, 60.0, 0.001))[:, AT["blink_left"]]
    start = blinks(fine)[0]
    shut = np.flatnonzero(fine[start:] > 0.999)
    opened = np.flatnonzero(fine[start + shut[0] :] < 0.02)[0]
    assert 60 < shut[0] < 100
    assert 150 < opened - (len(shut[shut < 400])) < 230
    for phase in np.linspace(0.0, 0.04, 7):
        frames = said.at(np.arange(0.0, 60.0, 0.04) + phase)[:, AT["blink_left"]]
        peaks = [frames[b : b + 9].max() for b in blinks(frames)]
        assert len(peaks) > 8
        assert min(peaks) > 0.999


def test_many_blinks_come_at_the_ends_of_phrases(speech: Track, table: NDArray[np.float64]) -> None:
    cues = speech.cues
    ends = np.array([a.end_s for a, b in itertools.pairwise(cues) if b.start_s - a.end_s > 0.14])
    begins = blinks(table[:, AT["blink_left"]]) * 0.02
    at_ends = np.array([np.abs(ends - t).min() < 0.1 for t in begins])
    by_chance = len(ends) * 0.2 / TEN_MINUTES
    assert at_ends.mean() > 3 * by_chance


def test_the_gaze_is_mostly_at_the_viewer_and_jumps(table: NDArray[np.float64]) -> None:
    x = table[:, AT["gaze_x"]] + 1.2 * table[:, AT["yaw"]]
    assert 0.6 < (np.abs(x) < 0.06).mean() < 0.95
    away = np.abs(x) > 0.1
    stays = np.diff(np.flatnonzero(np.diff(away.astype(int)))) * 0.02
    assert stays.max() < 30
    assert np.abs(np.diff(x)).max() > 0.08, "a saccade takes less than 60 ms"


def test_eyes_make_up_for_the_turns_of_the_head() -> None:
    rows = track([], 60.0, seed=1).at(np.arange(0.0, 60.0, 0.05))
    still = np.abs(rows[:, AT["gaze_x"]] + 1.2 * rows[:, AT["yaw"]]) < 0.03
    assert np.corrcoef(rows[still, AT["gaze_x"]], rows[still, AT["yaw"]])[0, 1] < -0.8


def test_accents_raise_brows_and_nod() -> None:
    foot = [("DD", 0.06), ("ih", 0.05), ("DD", 0.06), ("ih", 0.05), ("nn", 0.12), ("aa", 0.32)]
    cues = in_a_row(*foot * 40, start_s=0.5)
    said = track(cues, 30.0, seed=3)
    times = np.array([(c.start_s + c.end_s) / 2 for c in cues if c.shape == "aa"])
    beats, between = said.at(times + 0.05), said.at(times + 0.33)
    assert beats[:, AT["pitch"]].mean() > between[:, AT["pitch"]].mean() + 0.003
    assert beats[:, AT["brow"]].mean() > between[:, AT["brow"]].mean() + 0.03


def test_the_head_is_calmer_in_silence() -> None:
    times = np.arange(0.0, 300.0, 0.04)
    idle = track([], 300.0, seed=2).at(times)
    talking = track(talk(300.0), 300.0, seed=2).at(times)
    for name in HEAD:
        assert idle[:, AT[name]].std() < 0.7 * talking[:, AT[name]].std(), name
        assert idle[:, AT[name]].std() > 0.15 * talking[:, AT[name]].std(), name


@pytest.mark.parametrize("name", [*HEAD, "gaze_x", "brow", "breath", "sway"])
def test_no_movement_repeats_within_ten_minutes(table: NDArray[np.float64], name: str) -> None:
    values = table[::5, AT[name]] - table[:, AT[name]].mean()
    size = 2 * len(values)
    power = np.abs(np.fft.rfft(values, size)) ** 2
    correlation = np.fft.irfft(power)[: len(values)]
    share = (len(values) - np.arange(len(values))) / len(values)
    correlation /= correlation[0] * share
    # From 20 s on, as long as half of the movement overlaps; breath has its rhythm, but no more.
    assert correlation[200 : len(values) // 2].max() < (0.6 if name == "breath" else 0.5)


def test_breaths_vary_and_come_before_phrases(speech: Track, table: NDArray[np.float64]) -> None:
    breath = table[:, AT["breath"]]
    begins = np.flatnonzero((breath[1:] > 0.01) & (breath[:-1] <= 0.01)) * 0.02
    lengths = np.diff(begins)
    assert lengths.min() > 2.0
    assert lengths.max() < 8.0
    assert lengths.std() > 0.3
    cues = speech.cues
    starts = np.array(
        [b.start_s for a, b in itertools.pairwise(cues) if b.start_s - a.end_s > 0.45]
    )
    inhaled = np.array([np.abs(starts - 0.5 - t).min() < 0.06 for t in begins])
    assert inhaled.mean() > 0.15


def test_hair_lags_behind_the_head(table: NDArray[np.float64]) -> None:
    turning = np.gradient(table[:, AT["yaw"]])
    assert np.corrcoef(turning, table[:, AT["sway"]])[0, 1] < -0.8


def test_reduced_motion_leaves_mouth_and_lids() -> None:
    still = track(talk(20.0), 20.0, seed=1, liveliness=0.0).table(25)
    moving = {name for name, at in AT.items() if np.ptp(still[:, at]) > 0}
    assert {"open", "press", "blink_left", "blink_right", "speaking"} <= moving
    assert not moving & {"yaw", "pitch", "roll", "shift_x", "shift_y", "sway", "breath", "brow"}
    assert not np.ptp(still[:, [AT["gaze_x"], AT["gaze_y"]]])


def test_speaking_comes_and_goes_around_speech() -> None:
    said = track(in_a_row(("aa", 1.0), start_s=2.0), 5.0)
    before, near, during, after, late = said.at(np.array([1.7, 1.9, 2.5, 3.2, 3.5]))[
        :, AT["speaking"]
    ]
    assert before == late == 0.0
    assert during == 1.0
    assert 0.0 < near < 1.0
    assert 0.0 < after < 1.0


def test_chance_is_even_and_its_streams_differ() -> None:
    index = np.arange(-5000.0, 5000.0)
    first, second = unit(1, 1, index), unit(1, 2, index)
    assert np.histogram(first, 10, (0.0, 1.0))[0].min() > 850
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.05
