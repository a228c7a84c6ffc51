"""A reply's audio against the clock: nothing is handed on early, and what was heard is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charafy.engines.voice import SAMPLE_RATE, Mark, SpeechChunk
from charafy.talk.playout import LEAD_S, Playout


def chunk(*words: str, each_s: float = 0.5) -> SpeechChunk:
    marks = tuple(
        Mark("word", word, number * each_s, (number + 1) * each_s)
        for number, word in enumerate(words)
    )
    return SpeechChunk(np.full(int(len(words) * each_s * SAMPLE_RATE), 0.5, np.float32), marks, 0)


def speech(text: str) -> Playout:
    playout = Playout()
    playout.begin_clause(text)
    playout.add(chunk(*text.split()), 0.0)
    return playout


def test_audio_is_handed_on_by_the_clock_and_little_ahead_of_it() -> None:
    playout = speech("one two three")
    playout.start(10.0)
    pcm, _ = playout.due(10.0)
    assert len(pcm) == int(LEAD_S * SAMPLE_RATE)
    pcm, _ = playout.due(10.5)
    assert len(pcm) == int(0.5 * SAMPLE_RATE)


def test_nothing_is_handed_on_before_the_start_or_in_a_pause() -> None:
    playout = speech("one two")
    assert not len(playout.due(5.0)[0])
    playout.start(5.0)
    playout.due(5.2)
    playout.pause(5.2)
    assert not len(playout.due(9.0)[0])


def test_after_a_pause_it_goes_on_where_it_was_heard() -> None:
    playout = speech("one two")
    playout.start(0.0)
    handed_on = len(playout.due(0.2)[0])
    playout.pause(0.2)
    heard = round(playout.sent_s * SAMPLE_RATE)
    assert handed_on - heard == round(LEAD_S * SAMPLE_RATE)
    playout.resume(30.0)
    assert heard + len(playout.due(60.0)[0]) == SAMPLE_RATE


def test_heard_are_the_words_that_had_begun() -> None:
    playout = speech("one two three")
    playout.complete = True
    assert playout.heard_text(0.6) == "one two"
    assert playout.heard_text(0.1) == "one"
    assert playout.heard_text(0.0) == ""
    assert playout.heard_text(1.5) == "one two three"


def test_clauses_that_were_heard_keep_their_punctuation() -> None:
    playout = Playout()
    for clause in ("Hello there, ", "my friend."):
        base_s = playout.made_s
        playout.begin_clause(clause)
        words = [word.strip(",.") for word in clause.split()]
        playout.add(chunk(*words), base_s)
    playout.complete = True
    assert playout.heard_text(1.2) == "Hello there, my"
    assert playout.heard_text(2.0) == "Hello there, my friend."


def test_a_voice_that_is_late_leaves_a_gap_and_loses_nothing() -> None:
    playout = speech("one")
    playout.start(0.0)
    handed = len(playout.due(0.5)[0])
    playout.due(0.8)
    playout.due(1.0)
    playout.add(chunk("two"), 0.5)
    playout.complete = True
    handed += len(playout.due(1.02)[0])
    handed += len(playout.due(9.0)[0])
    assert handed == SAMPLE_RATE
    assert list(playout.gaps) == [pytest.approx(0.5)]
    assert playout.over


def test_a_piece_is_announced_once_when_its_audio_begins() -> None:
    playout = Playout()
    playout.begin_clause("one two")
    playout.add(chunk("one"), 0.0)
    playout.add(chunk("two"), 0.5)
    playout.start(0.0)
    assert [piece.clause for piece in playout.due(0.0)[1]] == ["one two"]
    assert playout.due(0.1)[1] == []
    assert [piece.clause for piece in playout.due(0.6)[1]] == [None]


@given(st.lists(st.floats(0, 2), max_size=30), st.booleans())
def test_whenever_it_is_asked_every_sample_is_heard_once(steps: list[float], paused: bool) -> None:
    playout = speech("one two three four")
    playout.complete = True
    playout.start(0.0)
    now, got, taken_back = 0.0, [], 0
    for step in steps:
        now += step
        got.append(playout.due(now)[0])
        assert playout.heard_s(now) <= playout.sent_s <= playout.made_s
        if paused:
            sent_s = playout.sent_s
            playout.pause(now)
            back = round((sent_s - playout.sent_s) * SAMPLE_RATE)
            assert 0 <= back <= LEAD_S * SAMPLE_RATE + 1
            taken_back += back
            now += step
            playout.resume(now)
    got.append(playout.due(now + 10)[0])
    assert sum(map(len, got)) - taken_back == 2 * SAMPLE_RATE
    assert playout.over
