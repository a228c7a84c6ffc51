"""Mouth shapes follow the phonemes and cover the whole speech."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charafy.engines.voice import Mark
from charafy.engines.voice.visemes import (
    CODA_MARKS,
    GLIDES,
    ONSET_MARKS,
    SHAPES,
    SIMPLE,
    visemes,
)
from charafy.engines.voice.vocabulary import PUNCTUATION, SYMBOLS


def spoken(symbols: str, step: float = 0.1, start: float = 0.0) -> list[Mark]:
    return [
        Mark("phoneme", symbol, start + i * step, start + (i + 1) * step)
        for i, symbol in enumerate(symbols)
    ]


def shapes(symbols: str) -> list[str]:
    return [v.shape for v in visemes(spoken(symbols), len(symbols) * 0.1)]


def test_every_symbol_of_the_vocabulary_has_exactly_one_meaning() -> None:
    classes = [SIMPLE.keys(), GLIDES.keys(), ONSET_MARKS, CODA_MARKS, PUNCTUATION, {" "}]
    for first, second in itertools.combinations(classes, 2):
        assert not set(first) & set(second)
    assert set().union(*classes) == set(SYMBOLS)


def test_every_shape_is_used() -> None:
    used = {*SIMPLE.values(), *itertools.chain(*GLIDES.values()), "sil"}
    assert used == set(SHAPES)


@pytest.mark.parametrize("symbol", ["p", "b", "m"])
def test_lips_close_for_bilabials(symbol: str) -> None:
    assert shapes(f"a{symbol}a") == ["aa", "PP", "aa"]


def test_english_hello() -> None:
    assert shapes("həlˈO") == ["kk", "E", "nn", "oh", "ou"]


def test_japanese_hello() -> None:
    assert shapes("koɲɲiʨiβa") == ["kk", "oh", "nn", "ih", "CH", "ih", "ou", "aa"]


@pytest.mark.parametrize("symbols", ["βa", "ɸɯ"])
def test_japanese_wa_and_fu_narrow_the_lips_without_closing_them(symbols: str) -> None:
    assert shapes(symbols)[0] == "ou"


def test_a_diphthong_moves_from_its_first_vowel_to_its_second() -> None:
    first, second = visemes(spoken("I"), 0.1)
    assert (first.shape, second.shape) == ("aa", "ih")
    assert first.end_s == second.start_s == pytest.approx(0.05)


def test_stress_lends_its_time_to_what_follows_and_length_to_what_precedes() -> None:
    vowel, lips = visemes(spoken("ˈaːp"), 0.4)
    assert (vowel.shape, lips.shape) == ("aa", "PP")
    assert (vowel.start_s, lips.end_s) == pytest.approx((0.0, 0.4))
    assert vowel.end_s == lips.start_s == pytest.approx(0.3)


def test_the_mouth_closes_in_a_pause_but_not_between_words_said_in_one_breath() -> None:
    pause = [*spoken("a"), *spoken(",", start=0.1), *spoken("a", start=0.2)]
    assert [v.shape for v in visemes(pause, 0.3)] == ["aa", "sil", "aa"]
    breath = [*spoken("a"), Mark("phoneme", " ", 0.1, 0.125), *spoken("o", start=0.125)]
    assert [v.shape for v in visemes(breath, 0.225)] == ["aa", "oh"]


def test_silence_before_and_after_is_rest() -> None:
    track = visemes(spoken("a", start=0.5), 1.0)
    assert [(v.shape, v.end_s) for v in track] == [("sil", 0.5), ("aa", 0.6), ("sil", 1.0)]


def test_nothing_said_is_rest() -> None:
    assert [(v.shape, v.start_s, v.end_s) for v in visemes([], 2.0)] == [("sil", 0.0, 2.0)]


def test_words_do_not_move_the_mouth() -> None:
    assert visemes([Mark("word", "hi", 0.0, 0.2), *spoken("hI")], 0.2) == visemes(spoken("hI"), 0.2)


@given(st.text(st.sampled_from(sorted(SYMBOLS)), max_size=40), st.floats(0.0, 1.0))
def test_the_track_covers_the_speech_without_gap_or_overlap(symbols: str, tail: float) -> None:
    duration = len(symbols) * 0.05 + tail
    track = visemes(spoken(symbols, 0.05), duration)
    if duration == 0:
        return
    assert track[0].start_s == 0.0
    assert track[-1].end_s == pytest.approx(duration)
    for before, after in itertools.pairwise(track):
        assert before.end_s == after.start_s
        assert before.shape != after.shape
    assert all(v.end_s > v.start_s for v in track)


def test_a_stress_mark_between_a_sound_and_its_length_starts_nothing() -> None:
    first, second = visemes(spoken("aˈːo"), 0.4)
    assert (first.shape, second.shape) == ("aa", "oh")
    assert first.end_s == second.start_s == pytest.approx(0.3)
