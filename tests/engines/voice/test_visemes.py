"""Mouth shapes follow the sounds: complete, without twitching, lips shut where they must be."""

from __future__ import annotations

from itertools import pairwise

import pytest

from charafy.engines.voice import Mark
from charafy.engines.voice.scripted import ScriptedVoice
from charafy.engines.voice.visemes import SHAPES, Viseme, visemes
from charafy.engines.voice.vocabulary import PUNCTUATION, SYMBOLS

SOUNDLESS = PUNCTUATION | set(" ˈˌːʰʲ\u0303↓→↗↘")


def said(symbols: str, each_s: float = 0.1) -> list[Mark]:
    """Marks of one symbol after the other, all equally long."""
    return [
        Mark("phoneme", symbol, round(at * each_s, 6), round((at + 1) * each_s, 6))
        for at, symbol in enumerate(symbols)
    ]


def shapes(symbols: str, each_s: float = 0.1) -> list[str]:
    return [viseme.shape for viseme in visemes(said(symbols, each_s))]


@pytest.mark.parametrize("symbol", sorted(set(SYMBOLS) - SOUNDLESS))
def test_every_sound_of_the_vocabulary_moves_the_mouth(symbol: str) -> None:
    assert "sil" not in shapes(symbol)
    assert set(shapes(symbol)) <= set(SHAPES)


@pytest.mark.parametrize("symbol", "pbm")
def test_lips_close_for_every_bilabial_between_vowels(symbol: str) -> None:
    assert shapes(f"ɑ{symbol}ɑ") == ["aa", "PP", "aa"]


def test_diphthongs_glide() -> None:
    [first, second] = visemes(said("I"))

    assert (first.shape, second.shape) == ("aa", "ih")
    assert first.end_s == second.start_s == pytest.approx(0.06)


def test_stress_belongs_to_the_sound_after_it_and_length_to_the_one_before() -> None:
    assert visemes(said("ˈuːm")) == (Viseme("ou", 0.0, 0.3), Viseme("PP", 0.3, 0.4))


def test_a_long_diphthong_stays_where_it_arrived() -> None:
    assert [(v.shape, v.end_s) for v in visemes(said("Aː"))][-1] == ("ih", 0.2)


def test_a_short_pause_keeps_the_mouth_as_it_was_and_a_long_one_closes_it() -> None:
    assert shapes("ɑ m", each_s=0.05) == ["aa", "PP"]
    assert shapes("ɑ m", each_s=0.1) == ["aa", "sil", "PP"]
    assert shapes("ɑ, m", each_s=0.05) == ["aa", "sil", "PP"]  # comma and space together


def test_the_silence_between_two_clauses_closes_the_mouth() -> None:
    later = Mark("phoneme", "m", 1.0, 1.1)

    assert [v.shape for v in visemes([*said("ɑ"), later])] == ["aa", "sil", "PP"]


def test_neighbours_of_one_shape_are_one() -> None:
    assert visemes(said("td")) == (Viseme("DD", 0.0, 0.2),)


def test_words_are_not_sounds() -> None:
    assert visemes([Mark("word", "m", 0.0, 1.0)]) == ()


def test_a_whole_speech_is_covered_without_gaps_and_neighbours_differ() -> None:
    text = "Mama, papa and Bob have a long conversation about bubbles. " * 5
    chunks = ScriptedVoice(["v"]).speak(text, "v", "en")
    marks = [mark for chunk in chunks for mark in chunk.marks]
    sounds = [mark for mark in marks if mark.kind == "phoneme"]

    found = visemes(marks)

    assert found[0].start_s == sounds[0].start_s
    assert found[-1].end_s == sounds[-1].end_s
    assert all(a.end_s == b.start_s and a.shape != b.shape for a, b in pairwise(found))
    assert all(viseme.start_s < viseme.end_s for viseme in found)
