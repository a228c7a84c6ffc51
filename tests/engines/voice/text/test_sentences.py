"""Where one sentence ends and the next begins."""

from __future__ import annotations

import pytest

from charafy.engines.voice.text.cleaning import clean
from charafy.engines.voice.text.sentences import MAX_CHARS, sentences

SPLIT = {
    "One. Two! Three?": ["One.", "Two!", "Three?"],
    "Dr. Smith met Mr. Lee. Then he left.": ["Dr. Smith met Mr. Lee.", "Then he left."],
    "It costs 3.50 today. Good.": ["It costs 3.50 today.", "Good."],
    "Use e.g. this one. Fine.": ["Use e.g. this one.", "Fine."],
    "We met at 5 p.m. Then we ate.": ["We met at 5 p.m.", "Then we ate."],
    "We met at 5 p.m. and ate.": ["We met at 5 p.m. and ate."],
    "J. K. Rowling wrote.": ["J. K. Rowling wrote."],
    "Well... maybe. Yes.": ["Well... maybe.", "Yes."],
    'He said "stop!" Then he ran.': ['He said "stop!"', "Then he ran."],
    "今日は。明日は！本当？はい": ["今日は。", "明日は!", "本当?", "はい"],
    "「はい。」と言った。次": ["“はい。”と言った。", "次"],
    "a heading\n\nA text": ["a heading", "A text"],
    "hard\nwrapped": ["hard\nwrapped"],
    "One line\nAnother line": ["One line", "Another line"],
}


@pytest.mark.parametrize(("text", "expected"), SPLIT.items())
def test_text_is_split_into_sentences(text: str, expected: list[str]) -> None:
    assert [s.written.text.strip() for s in sentences(clean(text))] == expected


def test_a_silence_ends_the_sentence_before_it() -> None:
    found = list(sentences(clean("Hello <break time='1s'/><break time='2s'/> there")))
    assert [(s.written.text.strip(), s.silence_s) for s in found] == [("Hello", 3.0), ("there", 0)]


def test_text_without_an_end_is_cut_at_a_space() -> None:
    found = list(sentences(clean("word " * 300)))
    assert all(len(s.written) <= MAX_CHARS for s in found)
    assert [s.complete for s in found] == [False] * (len(found) - 1) + [True]
    assert all(s.written.text.split() == ["word"] * len(s.written.text.split()) for s in found)
