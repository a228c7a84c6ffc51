"""Mouth shapes rest where nothing is heard and open further where it is loud."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from charafy.engines.voice.visemes import SHAPES, Viseme, trim_to_sound

RATE = 16_000


def sound(*parts: tuple[float, float]) -> NDArray[np.float32]:
    """A tone from (seconds, amplitude) parts."""
    envelope = np.concatenate([np.full(round(s * RATE), a, np.float32) for s, a in parts])
    tone = np.sin(2 * np.pi * 180 * np.arange(len(envelope)) / RATE)
    return (envelope * tone).astype(np.float32)


def outline(shapes: tuple[Viseme, ...]) -> list[tuple[str, float]]:
    return [(viseme.shape, round(viseme.end_s, 2)) for viseme in shapes]


def test_a_vowel_that_outlasts_its_sound_ends_with_it() -> None:
    given_ = [Viseme("DD", 0.0, 0.1), Viseme("aa", 0.1, 0.9)]
    trimmed = trim_to_sound(given_, sound((0.5, 0.5), (0.4, 0.0)), RATE)
    assert [v.shape for v in trimmed] == ["DD", "aa", "sil"]
    assert trimmed[1].end_s == pytest.approx(0.5, abs=0.03)
    assert trimmed[-1].end_s == 0.9


def test_a_hole_inside_a_vowel_is_rest() -> None:
    trimmed = trim_to_sound([Viseme("aa", 0.0, 1.0)], sound((0.4, 0.5), (0.2, 0), (0.4, 0.5)), RATE)
    assert [v.shape for v in trimmed] == ["aa", "sil", "aa"]


def test_a_hole_shorter_than_80_ms_is_part_of_speech() -> None:
    trimmed = trim_to_sound(
        [Viseme("aa", 0.0, 1.0)], sound((0.5, 0.5), (0.06, 0), (0.44, 0.5)), RATE
    )
    assert outline(trimmed) == [("aa", 1.0)]


def test_the_silence_of_a_held_stop_stays_its_own() -> None:
    given_ = [Viseme("aa", 0.0, 0.4), Viseme("PP", 0.4, 0.55), Viseme("aa", 0.55, 1.0)]
    trimmed = trim_to_sound(given_, sound((0.4, 0.5), (0.15, 0), (0.45, 0.5)), RATE)
    assert outline(trimmed) == outline(tuple(given_))


def test_lips_close_before_the_burst_that_follows_a_pause() -> None:
    given_ = [Viseme("aa", 0.0, 0.4), Viseme("PP", 0.4, 1.0), Viseme("aa", 1.0, 1.4)]
    trimmed = trim_to_sound(given_, sound((0.4, 0.5), (0.6, 0), (0.4, 0.5)), RATE)
    assert [v.shape for v in trimmed] == ["aa", "sil", "PP", "aa"]
    assert trimmed[2].start_s == pytest.approx(0.92, abs=0.02)


def test_louder_vowels_weigh_more_within_bounds() -> None:
    given_ = [Viseme("aa", 0.0, 0.5), Viseme("oh", 0.5, 1.0), Viseme("E", 1.0, 1.5)]
    loud, soft, whisper = trim_to_sound(given_, sound((0.5, 0.5), (0.5, 0.2), (0.5, 0.02)), RATE)
    assert 0.55 == whisper.weight < soft.weight < loud.weight <= 1.15


def test_nothing_heard_at_all_is_rest() -> None:
    trimmed = trim_to_sound([Viseme("aa", 0.0, 1.0)], np.zeros(RATE, np.float32), RATE)
    assert outline(trimmed) == [("sil", 1.0)]


def test_without_any_audio_nothing_is_known() -> None:
    shapes = (Viseme("aa", 0.0, 1.0),)
    assert trim_to_sound(shapes, np.zeros(0, np.float32), RATE) == shapes


PIECES = st.tuples(st.sampled_from(SHAPES), st.floats(0.01, 0.4))


@given(
    st.lists(PIECES, min_size=1, max_size=20),
    st.lists(st.tuples(st.floats(0.01, 0.5), st.sampled_from([0.0, 0.02, 0.3])), max_size=8),
)
def test_the_time_covered_stays_the_same(
    pieces: list[tuple[str, float]], parts: list[tuple[float, float]]
) -> None:
    ends = list(itertools.accumulate(seconds for _, seconds in pieces))
    starts = [0.0, *ends[:-1]]
    shapes = [
        Viseme(shape, start, end)  # type: ignore[arg-type]
        for (shape, _), start, end in zip(pieces, starts, ends, strict=True)
    ]
    trimmed = trim_to_sound(shapes, sound((0.1, 0.3), *parts), RATE)
    assert trimmed[0].start_s == 0.0
    assert trimmed[-1].end_s == ends[-1]
    for before, after in itertools.pairwise(trimmed):
        assert before.end_s == after.start_s
    assert all(v.end_s > v.start_s and 0.55 <= v.weight <= 1.15 for v in trimmed)
    assert {v.shape for v in trimmed} <= {v.shape for v in shapes} | {"sil"}
