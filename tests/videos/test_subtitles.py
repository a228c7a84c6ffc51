"""Subtitles: cut where people breathe, short enough to read, never out of time."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from charafy.engines.voice import Mark
from charafy.videos.subtitles import LINE_WIDTH, MAX_S, subtitles, to_srt, to_vtt


def spoken(text: str, rate_s: float = 0.3) -> list[Mark]:
    """A mark for every written word, `rate_s` each."""
    words = re.findall(r"[^\W_]+(?:['’][^\W_]+)*", text)
    return [Mark("word", word, at * rate_s, (at + 0.9) * rate_s) for at, word in enumerate(words)]


def test_sentences_get_subtitles_of_their_own() -> None:
    text = "This is the first sentence. This is the second one!"
    found = subtitles(text, spoken(text))
    assert [one.text for one in found] == ["This is the first sentence.", "This is the second one!"]
    assert found[0].start_s == 0.0
    assert found[1].start_s == 5 * 0.3


def test_punctuation_stays_with_its_word() -> None:
    text = 'He asked (politely): "Really?" Then he left.'
    joined = " ".join(one.text for one in subtitles(text, spoken(text)))
    assert joined.replace("\n", " ") == text


def test_long_sentences_are_cut_at_commas_into_two_lines_at_most() -> None:
    text = (
        "Something that is much longer than a line may be, so that it has to be cut somewhere, "
        "and then some more of it because we like it very much."
    )
    for one in subtitles(text, spoken(text)):
        lines = one.text.split("\n")
        assert len(lines) <= 2
        assert max(map(len, lines)) <= LINE_WIDTH * 1.5
    assert subtitles(text, spoken(text))[0].text.endswith(",")


def test_japanese_lines_are_short_and_keep_their_quotes() -> None:
    text = "今日は。「元気ですか？」と聞いた。"
    marks = [
        Mark("word", word, at * 0.5, at * 0.5 + 0.4)
        for at, word in enumerate(["今日", "は", "元気", "です", "か", "と", "聞いた"])
    ]
    joined = "".join(one.text for one in subtitles(text, marks))
    assert joined.replace("\n", "") == text


def test_tags_and_emoji_are_not_shown() -> None:
    text = 'Hello <break time="300ms"/> world 😀 again'
    marks = [
        Mark("word", word, at * 0.5, at * 0.5 + 0.4)
        for at, word in enumerate(["Hello", "world", "again"])
    ]
    assert subtitles(text, marks)[0].text == "Hello world again"


def test_nothing_spoken_gives_none() -> None:
    assert subtitles("...", []) == ()
    assert to_vtt(()) == "WEBVTT\n\n"


def test_the_files_are_what_players_read() -> None:
    found = subtitles("Tom & Jerry.", spoken("Tom & Jerry."))
    assert to_srt(found) == "1\n00:00:00,000 --> 00:00:01,000\nTom & Jerry.\n\n"
    assert to_vtt(found) == "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nTom &amp; Jerry.\n\n"


@given(
    st.lists(
        st.tuples(
            st.text("abcdefghij'", min_size=1, max_size=14).filter(lambda w: w.isalpha()),
            st.sampled_from([" ", ", ", ". ", "! ", " — "]),
            st.floats(0.05, 1.5),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_whatever_is_said_is_shown_once_in_order_and_in_time(
    said: list[tuple[str, str, float]],
) -> None:
    text = "".join(word + gap for word, gap, _ in said)
    marks, at = [], 0.0
    for word, _, long in said:
        marks.append(Mark("word", word, at, at + long))
        at += long
    found = subtitles(text, marks)
    shown = " ".join(one.text for one in found).split()
    assert shown == text.split()
    for one in found:
        assert 0 <= one.start_s < one.end_s
        assert one.end_s - one.start_s <= MAX_S + 1.5 or " " not in one.text
    for now, after in pairwise(found):
        assert now.end_s <= after.start_s + 1e-9
