"""The mouth follows what is said: lips meet, shapes flow, silence is still."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charafy.engines.portrait import CHANNELS
from charafy.engines.portrait.motion import Cue, track
from charafy.engines.voice import Language
from charafy.engines.voice.visemes import SHAPES, Viseme
from tests.engines.portrait.motion.speeches import AT, MOUTH, SPEECHES, WILD, in_a_row, talk

VOWELS = ["aa", "E", "ih", "oh", "ou"]


def held(shape: str, language: Language = "en", weight: float = 1.0) -> dict[str, float]:
    """The mouth in the middle of a long sound."""
    row = track([Cue(shape, 0.0, 1.0, weight)], 1.0, language=language).at(np.array([0.5]))[0]
    return dict(zip(CHANNELS, row, strict=True))


@given(WILD, st.sampled_from(["en", "ja"]), st.floats(0.0, 1.5))
def test_every_channel_stays_in_its_range(
    cues: list[Cue], language: Language, liveliness: float
) -> None:
    said = track(cues, 6.0, seed=3, language=language, liveliness=liveliness)
    table = said.at(np.arange(-1.0, 7.0, 0.01))
    assert np.isfinite(table).all()
    for name in ("open", "upper", "lower", "press", "bite", "tongue", "smile", "speaking"):
        assert table[:, AT[name]].min() >= 0.0, name
        assert table[:, AT[name]].max() <= 1.3, name
    for name in ("press", "bite", "tongue", "speaking", "blink_left", "blink_right", "breath"):
        assert table[:, AT[name]].max() <= 1.0, name
    for name in ("wide", "round", "gaze_x", "gaze_y", "brow"):
        assert np.abs(table[:, AT[name]]).max() <= 1.0, name
    for name in ("yaw", "pitch", "roll", "shift_x", "shift_y", "sway"):
        assert np.abs(table[:, AT[name]]).max() <= 0.26, name


@given(WILD, st.integers(0, 2**32 - 1))
def test_nothing_jumps(cues: list[Cue], seed: int) -> None:
    table = track(cues, 6.0, seed=seed).at(np.arange(-1.0, 7.0, 0.01))
    steps = np.abs(np.diff(table, axis=0)).max(axis=0)
    assert steps[MOUTH].max() < 0.36
    assert steps[[AT["yaw"], AT["pitch"], AT["roll"]]].max() < 0.006
    assert steps[[AT["brow"], AT["breath"], AT["speaking"], AT["sway"]]].max() < 0.13


@given(SPEECHES, st.sampled_from([24.0, 25.0, 30.0]), st.floats(0.0, 1.0))
def test_every_bilabial_closes_the_lips_in_at_least_one_frame(
    cues: list[Cue], fps: float, phase: float
) -> None:
    said = track(cues, 15.0)
    for cue in cues:
        if cue.shape != "PP":
            continue
        near = np.arange(math.floor((cue.start_s - 0.1) * fps), (cue.end_s + 0.1) * fps + 1)
        frames = said.at((near + phase) / fps)
        times = (near + phase) / fps
        within = (times > cue.start_s - 0.045) & (times < cue.end_s + 0.03)
        opened, pressed = frames[within][:, [AT["open"], AT["press"]]].T
        assert pressed.max() == pytest.approx(1.0)
        assert opened[pressed.argmax()] == pytest.approx(0.0, abs=1e-9)


@given(SPEECHES, st.floats(0.0, 1.0))
def test_every_labiodental_bites_unless_lips_are_pressed_at_its_side(
    cues: list[Cue], phase: float
) -> None:
    said = track(cues, 15.0)
    for before, cue, after in zip(cues, cues[1:], cues[2:], strict=False):
        long = cue.end_s - cue.start_s >= 0.1
        if cue.shape == "FF" and long and "PP" not in (before.shape, after.shape):
            frames = np.arange(math.ceil(cue.start_s * 25), math.floor(cue.end_s * 25)) + phase
            assert said.at(frames / 25 - 0.02)[:, AT["bite"]].max() > 0.99


@given(SPEECHES)
def test_the_mouth_is_still_where_nothing_is_said(cues: list[Cue]) -> None:
    end = max((cue.end_s for cue in cues if cue.shape != "sil"), default=0.0)
    rest = track(cues, 20.0).at(np.arange(end + 0.55, 20.0, 0.01))
    assert not rest[:, MOUTH].any()
    assert np.ptp(rest[:, AT["smile"]]) == np.ptp(rest[:, AT["speaking"]]) == 0.0


def test_a_pause_inside_a_speech_is_still_as_well() -> None:
    said = track(in_a_row(("aa", 0.4), ("sil", 1.5), ("oh", 0.4)), 2.3)
    assert not said.at(np.arange(0.75, 1.6, 0.01))[:, MOUTH].any()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_vowels_open_in_the_order_that_phoneticians_measure(language: Language) -> None:
    looks = {shape: held(shape, language) for shape in VOWELS}
    opened = {shape: look["open"] for shape, look in looks.items()}
    assert opened["aa"] > opened["oh"] > opened["ih"]
    assert opened["aa"] > opened["E"] > opened["ih"]
    width = {
        shape: held(shape, language)["wide"] - held(shape, language)["round"] for shape in VOWELS
    }
    assert width["ih"] > width["E"] > width["aa"] > width["oh"] > width["ou"]


def test_japanese_u_is_less_rounded_and_its_a_less_open() -> None:
    assert held("ou", "ja")["round"] < 0.65 * held("ou", "en")["round"]
    assert held("aa", "ja")["open"] < held("aa", "en")["open"]


def test_louder_opens_further() -> None:
    soft, loud = held("aa", weight=0.55)["open"], held("aa", weight=1.15)["open"]
    assert soft < 0.6 * loud


def test_rounding_is_prepared_during_the_consonant_before() -> None:
    """`two`: the lips are round before the vowel sounds."""
    to, tea = (track(in_a_row(("DD", 0.1), (v, 0.2), start_s=1.0), 2.0) for v in ("ou", "ih"))
    during = np.array([1.07])
    assert to.at(during)[0, AT["round"]] > 0.4 > tea.at(during)[0, AT["round"]]


def test_a_short_vowel_between_wide_ones_opens_less_than_a_long_one() -> None:
    def opening(seconds: float) -> float:
        cues = in_a_row(("SS", 0.1), ("aa", seconds), ("SS", 0.1), start_s=1.0)
        return float(track(cues, 2.0).at(np.arange(1.0, 1.6, 0.005))[:, AT["open"]].max())

    assert opening(0.05) < 0.8 * opening(0.25)


def test_the_mouth_is_a_little_ahead_of_the_sound() -> None:
    cues = in_a_row(("sil", 1.0), ("aa", 0.3), ("sil", 1.0))
    times = np.arange(0.8, 1.2, 0.001)
    opened = track(cues, 2.3).at(times)[:, AT["open"]]
    begins = times[np.flatnonzero(opened > 0.05)[0]]
    assert 0.03 < 1.0 - begins < 0.15


@given(WILD)
def test_far_cues_change_nothing(cues: list[Cue]) -> None:
    """So that a live conversation can add them as they come."""
    later = [Cue("aa", 9.0, 9.4), Cue("PP", 9.4, 9.5)]
    before, after = track(cues, 6.0, seed=5), track([*cues, *later], 6.0, seed=5)
    times = np.arange(0.0, 7.0, 0.05)
    assert np.allclose(before.at(times)[:, MOUTH], after.at(times)[:, MOUTH], atol=1e-12)


def test_a_growing_track_forgets_the_past_and_keeps_the_present() -> None:
    cues = talk(60.0)
    whole = track(cues, 60.0, seed=4)
    grown = track([], 0.0, seed=4)
    for second in range(0, 60, 2):
        new = [cue for cue in cues if second <= cue.start_s < second + 2]
        grown = grown.extended(new, forget_before_s=second - 8.0)
    times = np.arange(58.0, 60.0, 0.04)
    assert len(grown.cues) < len(cues) / 3
    assert np.allclose(grown.at(times), whole.at(times), atol=1e-9)


def test_visemes_of_the_voice_are_cues_as_well() -> None:
    cues = in_a_row(("aa", 0.2), ("PP", 0.1), ("oh", 0.2))
    visemes = [Viseme(c.shape, c.start_s, c.end_s, c.weight) for c in cues]  # type: ignore[arg-type]
    assert np.array_equal(track(cues, 0.5).table(25), track(visemes, 0.5).table(25))


@pytest.mark.parametrize(
    "cue",
    [
        Cue("ah", 0.0, 1.0),
        Cue("aa", math.nan, 1.0),
        Cue("aa", 0.0, math.inf),
        Cue("aa", 0.0, 1.0, math.nan),
    ],
)
def test_what_is_no_cue_is_refused(cue: Cue) -> None:
    with pytest.raises(ValueError, match=r"mouth shape|finite"):
        track([cue], 1.0)


@pytest.mark.parametrize(("duration_s", "liveliness"), [(-1, 1), (math.nan, 1), (1, 2), (1, -1)])
def test_numbers_out_of_range_are_refused(duration_s: float, liveliness: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        track([], duration_s, liveliness=liveliness)


def test_poses_and_table_are_the_same_frames() -> None:
    said = track(talk(9.0), 9.02, seed=2)
    table = said.table(25)
    poses = list(said.poses(25))
    assert table.shape == (226, len(CHANNELS)) == (len(poses), 22)
    assert table.dtype == np.float32
    one = said.pose(100 / 25)
    assert one == poses[100]
    assert np.allclose([getattr(one, name) for name in CHANNELS], table[100], atol=1e-6)


def test_ten_minutes_cost_little() -> None:
    cues = talk(600.0)
    began = time.thread_time()
    table = track(cues, 600.0).table(25)
    spent = time.thread_time() - began
    assert len(table) == 15_000
    assert spent < 600 * 0.01


def test_all_shapes_look_different() -> None:
    looks = {shape: tuple(round(v, 3) for v in held(shape).values()) for shape in SHAPES}
    assert len(set(looks.values())) >= len(SHAPES) - 1, "DD and nn may look the same"
