"""What both sides heard is what is remembered."""

from __future__ import annotations

from charafy.engines.language.gguf import _fitting
from charafy.talk.history import MOST_BYTES, History


def test_it_begins_with_what_the_user_said() -> None:
    history = History("en")
    history.assistant("Hello! I'm Sakura.")
    history.user("Hi.")
    assert [m.content for m in history.recent().turns] == ["Hi."]


def test_two_turns_of_one_side_are_one() -> None:
    history = History("en")
    history.user("I like tea.")
    history.assistant("")
    history.user("And rain.")
    assert [m.content for m in history.recent().turns] == ["I like tea. And rain."]


def test_supposing_changes_nothing() -> None:
    history = History("en")
    history.user("I like tea.")
    supposed = history.supposing("Oh, tea is", "Green tea.")
    assert [m.content for m in supposed.turns] == ["I like tea.", "Oh, tea is", "Green tea."]
    assert [m.content for m in history.recent().turns] == ["I like tea."]


def test_old_turns_are_forgotten_many_at_once_so_that_most_turns_begin_alike() -> None:
    history, beginnings = History("en"), []
    for number in range(100):
        history.user(f"Question {number}.")
        history.assistant(f"Answer {number}.")
        beginnings.append(history.recent().turns[0].content)
        assert len(history.recent().turns) <= 24
    assert len(set(beginnings)) < 20


def test_long_turns_are_forgotten_as_well() -> None:
    history = History("en")
    for _ in range(10):
        history.user("tea " * 300)
        history.assistant("rain " * 300)
    assert sum(len(m.content) for m in history.recent().turns) <= MOST_BYTES


def test_what_is_kept_is_all_that_the_embedded_model_is_shown() -> None:
    history = History("ja")
    for number in range(60):
        history.user(f"{number}番目の質問です。今日はとても寒いですね。")
        history.assistant("そうですね。お茶でもいかがですか。")
        turns = history.recent().turns
        assert _fitting(turns) == list(turns)


def test_what_the_user_told_of_themselves_outlives_the_turn_it_was_told_in() -> None:
    history = History("en")
    history.user("Hi, my name is Ann. I live in Kyoto and I have two cats.")
    history.assistant("I like cats.")
    assert history.recent().facts == ()  # the turn itself is there
    told = set()
    for number in range(30):
        history.user(f"Question {number}.")
        history.assistant(f"Answer {number}.")
        told.add(history.recent().facts)
    facts = ("my name is Ann", "I live in Kyoto", "I have two cats")
    assert history.recent().facts == facts
    assert told == {(), facts}
    assert history.supposing("", "Well?").facts == facts
    assert not any("Ann" in turn.content for turn in history.recent().turns)


def test_it_forgets_when_the_character_has_spoken_and_what_is_left_stays_as_it_was_read() -> None:
    history, forgot = History("en"), 0
    history.user("Hi, my name is Ann.")
    for number in range(40):
        history.assistant(f"Answer {number}, " + "which is long enough to be of some weight. " * 4)
        read = history.recent()
        history.user(f"Question {number}, which has nothing to do with it.")
        asked = history.recent()
        assert asked.turns[:-1] == read.turns
        assert (asked.facts, asked.reminded) == (read.facts, read.reminded)
        forgot += read.reminded == len(read.turns)
    assert 3 <= forgot <= 12
    assert history.recent().facts == ("my name is Ann",)


def test_the_reminder_stays_where_it_was_told_until_more_is_forgotten() -> None:
    history = History("en")
    history.user("Hi, my name is Ann.")
    places = []
    for number in range(30):
        history.assistant(f"Answer {number}.")
        recalled = history.recent()
        if recalled.facts:
            places.append(recalled.turns[recalled.reminded - 1].content)
        history.user(f"Question {number}.")
    assert len(places) > 15
    assert len(set(places)) < 6
