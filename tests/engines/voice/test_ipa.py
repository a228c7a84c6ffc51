"""Phonemes reach callers as a dictionary writes them, one mark for each sound."""

from __future__ import annotations

import pytest

from charafy.engines.voice import Mark
from charafy.engines.voice.ipa import WRITTEN, sounds
from charafy.engines.voice.vocabulary import SYMBOLS


def spoken(symbols: str) -> list[Mark]:
    return [Mark("phoneme", symbol, float(i), float(i + 1)) for i, symbol in enumerate(symbols)]


def written(symbols: str) -> list[str]:
    return [mark.text for mark in sounds(spoken(symbols))]


def test_only_symbols_of_the_model_are_written_anew() -> None:
    assert set(WRITTEN) <= set(SYMBOLS)
    capitals = {symbol for symbol in SYMBOLS if symbol.isascii() and symbol.isupper()}
    assert capitals - set(WRITTEN) == {"S"}  # no text of ours becomes this one


@pytest.mark.parametrize(
    ("symbols", "heard"),
    [
        ("nˈIs tə mˈit ju.", ["n", "ˈaɪ", "s", "t", "ə", "m", "ˈi", "t", "j", "u"]),
        ("ʤˈʌmp", ["dʒ", "ˈʌ", "m", "p"]),
        ("kʲoːβa", ["kʲ", "oː", "β", "a"]),
        ("“ˈ — ”", []),
        ("ːa", ["a"]),
    ],
)
def test_a_sound_is_one_mark_with_its_stress_and_length(symbols: str, heard: list[str]) -> None:
    assert written(symbols) == heard


def test_stress_and_length_lend_their_time_to_the_sound() -> None:
    assert [(m.text, m.start_s, m.end_s) for m in sounds(spoken("tˈaːk"))] == [
        ("t", 0, 1),
        ("ˈaː", 1, 4),
        ("k", 4, 5),
    ]


def test_words_are_passed_over() -> None:
    assert sounds([Mark("word", "a", 0, 1), *spoken("a")]) == (Mark("phoneme", "a", 0, 1),)
