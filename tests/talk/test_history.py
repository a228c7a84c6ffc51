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
