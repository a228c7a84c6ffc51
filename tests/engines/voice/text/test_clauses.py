"""What is synthesised at once: where clauses begin, end and pause."""

from __future__ import annotations

import pytest

from charafy.engines.voice import Language
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.voice.text.clauses import HARD_LIMIT, MAX_FIRST, MIN_FIRST, TARGET

LONG = (
    "When the rain stopped we walked down to the harbor, where the boats were coming in one by "
    "one, and the gulls were circling above them in the evening light, and nobody said a word, "
    "because everyone was listening to the bells that rang from the old tower on the hill, far "
    "away behind the last houses of the town."
)


def test_the_first_clause_ends_at_the_first_good_pause(front_end: TextFrontEnd) -> None:
    texts = _texts(front_end, "Good morning to you all, I hope that you slept well. Let us begin.")
    assert texts[0] == "Good morning to you all ,"


def test_a_greeting_is_not_torn_off(front_end: TextFrontEnd) -> None:
    assert _texts(front_end, "Oh, I see it now.")[0] == "Oh , I see it now ."


def test_short_sentences_are_spoken_together(front_end: TextFrontEnd) -> None:
    texts = _texts(front_end, "This is the first sentence of all. Yes. No. Maybe. I do. Fine.")
    assert texts[1:] == ["Yes . No . Maybe . I do . Fine ."]


def test_a_long_sentence_is_divided_at_its_commas(front_end: TextFrontEnd) -> None:
    clauses = list(front_end.clauses(LONG, "en"))
    assert len(clauses) > 1
    assert all(len(c.phonemes) <= TARGET for c in clauses)
    assert all(c.words[-1].phonemes in ",." for c in clauses)


def test_a_first_sentence_without_commas_is_cut_before_a_conjunction(
    front_end: TextFrontEnd,
) -> None:
    text = (
        "We would really like to come to your party on Saturday evening because all of our old "
        "friends from the village school are going to be there with their children"
    )
    first, second, *_ = _texts(front_end, text)
    assert second.startswith("because")
    assert first.endswith("evening ")  # the comma that is heard is not written


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("word " * 1000, "en"),
        ("a" * 5000, "en"),
        ("abcdefghij" * 500, "en"),
        ("1" * 5000, "en"),
        ("今日は雨が降って" * 625, "ja"),
        ("あ" * 5000, "ja"),
        ("漢" * 5000, "ja"),
        ("1" * 5000, "ja"),
    ],
)
def test_text_without_punctuation_fits_the_model(
    front_end: TextFrontEnd, text: str, language: Language
) -> None:
    clauses = list(front_end.clauses(text, language))
    assert max(len(c.phonemes) for c in clauses) <= HARD_LIMIT
    assert clauses[-1].end >= len(text.rstrip()) - 1


def test_the_first_clause_is_bounded(front_end: TextFrontEnd) -> None:
    for text in (LONG, "word " * 100, LONG.replace(",", "")):
        first = next(front_end.clauses(text, "en"))
        assert MIN_FIRST <= len(first.phonemes) <= TARGET
    first = next(front_end.clauses("今日は雨が降っていたので" * 20, "ja"))
    assert MIN_FIRST <= len(first.phonemes) <= MAX_FIRST + 10


def test_breaks_are_silence_after_the_clause_before_them(front_end: TextFrontEnd) -> None:
    clauses = list(front_end.clauses('One <break time="1s"/> two. <break/>', "en"))
    assert [c.pause_s for c in clauses] == [1.0, 0.5]


def test_a_break_in_front_is_a_clause_without_words(front_end: TextFrontEnd) -> None:
    clauses = list(front_end.clauses('<break time="1s"/> Hello there.', "en"))
    assert [(len(c.words), c.pause_s) for c in clauses] == [(0, 1.0), (3, 0.0)]


def test_every_clause_ends_on_punctuation(front_end: TextFrontEnd) -> None:
    texts: dict[Language, str] = {"en": "# Heading\ntext without end", "ja": "見出し\n本文です"}
    for language, text in texts.items():
        assert all(c.phonemes[-1] in ".,!?…:;—”)" for c in front_end.clauses(text, language))


def test_repeated_punctuation_is_one_mark(front_end: TextFrontEnd) -> None:
    assert _texts(front_end, "Wait!!!??? ,,, ... No.")[0].count("!") <= 3
    clauses = list(front_end.clauses("Wait!!!??? ,,, No.", "en"))
    marks = [w.phonemes for c in clauses for w in c.words if not w.phonemes[0].isalpha()]
    assert marks == ["?", "."]


def _texts(front_end: TextFrontEnd, text: str, language: Language = "en") -> list[str]:
    return [" ".join(w.text for w in c.words) for c in front_end.clauses(text, language)]
