"""A text becomes what is sent: clean writing, a clause at a time, each word findable in it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charafy.engines.voice import Language, NothingToSay
from charafy.engines.voice.remote.script import Line, lines
from charafy.engines.voice.text import TextFrontEnd

FRONT_END = TextFrontEnd()
PARTS = [
    "Hello",
    " ",
    "\n\n",
    ", ",
    ". ",
    "!",
    "“",
    "”",
    "(",
    ")",
    "「",
    "」",
    "。",
    "、",
    "お荷物は",
]
PARTS += ["$5.20", "3:30 PM", "😀", "<b>", "<break time='1s'/>", "**", "9" * 30, "e.g. ", "…", "AI"]


def written(text: str, language: Language = "en") -> list[str]:
    return [line.written for line in lines(text, FRONT_END, language)]


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("Good morning!", ["Good morning!"]),
        ("It costs $5.20 at 3:30 PM.", ["It costs $5.20 at 3:30 PM."]),
        ("So *that* is `code`", ["So that is code."]),
        ("- One thing\n- Another thing", ["One thing. Another thing."]),
        ("He said: “Wait (a bit).” I did.", ["He said: “Wait (a bit).”", "I did."]),
    ],
)
def test_english_is_sent_as_it_is_written(text: str, sent: list[str]) -> None:
    assert " ".join(written(text)) == " ".join(sent)


def test_japanese_lines_end_as_japanese_does() -> None:
    assert written("見出し\n\nお荷物は昨日届きました", "ja") == [
        "見出し。 お荷物は昨日届きました。"
    ]


def test_a_sentence_cut_for_its_length_goes_on_after_a_comma() -> None:
    first, *_, last = written("one two three four five six seven " * 12)
    assert first.endswith(",")
    assert last.endswith(".")


def test_what_opens_the_next_line_is_not_left_on_this_one() -> None:
    first, second = written('I waited there for a long time. "Come in at once," she said to me.')
    assert first == "I waited there for a long time."
    assert second.startswith('"')


def test_each_line_knows_what_was_sent_before_it() -> None:
    all_lines = list(lines("Turn left at the bakery, and walk to the river.", FRONT_END, "en"))
    assert [line.before for line in all_lines] == ["", "Turn left at the bakery,"]


def word_at(line: Line, text: str) -> str:
    word = next(word for word in line.clause.words if word.text == text)
    position = line.position(word)
    assert position is not None
    return line.written[position:]


def test_words_are_found_where_they_are_written() -> None:
    [line] = lines("So *that* costs <b>$5</b> now", FRONT_END, "en")
    assert word_at(line, "that").startswith("that costs")
    assert word_at(line, "$5").startswith("$5 now")


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=25), st.sampled_from(["en", "ja"]))
def test_every_text_is_sent_once_and_in_order(parts: list[str], language: Language) -> None:
    text = "".join(parts)
    try:
        clauses = list(FRONT_END.clauses(text, language))
    except NothingToSay:
        with pytest.raises(NothingToSay):
            list(lines(text, FRONT_END, language))
        return
    sent = list(lines(text, FRONT_END, language))
    assert [w for line in sent for w in line.clause.words] == [w for c in clauses for w in c.words]
    places = [place for line in sent for place in line.places]
    assert all(a <= b for a, b in pairwise(places))
    for line in sent:
        assert line.written.strip()
        assert len(line.written) == len(line.places)
        assert not {"😀", "<", "*"} & set(line.written)
