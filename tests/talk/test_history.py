"""What both sides heard is what is remembered."""

from __future__ import annotations

from charafy.talk.history import History


def test_it_begins_with_what_the_user_said() -> None:
    history = History()
    history.assistant("Hello! I'm Sakura.")
    history.user("Hi.")
    assert [m.content for m in history.recent()] == ["Hi."]


def test_two_turns_of_one_side_are_one() -> None:
    history = History()
    history.user("I like tea.")
    history.assistant("")
    history.user("And rain.")
    assert [m.content for m in history.recent()] == ["I like tea. And rain."]


def test_supposing_changes_nothing() -> None:
    history = History()
    history.user("I like tea.")
    supposed = history.supposing("Oh, tea is", "Green tea.")
    assert [m.content for m in supposed] == ["I like tea.", "Oh, tea is", "Green tea."]
    assert [m.content for m in history.recent()] == ["I like tea."]


def test_old_turns_are_forgotten_many_at_once_so_that_most_turns_begin_alike() -> None:
    history, beginnings = History(), []
    for number in range(100):
        history.user(f"Question {number}.")
        history.assistant(f"Answer {number}.")
        beginnings.append(history.recent()[0].content)
        assert len(history.recent()) <= 24
    assert len(set(beginnings)) < 20


def test_long_turns_are_forgotten_as_well() -> None:
    history = History()
    for _ in range(10):
        history.user("tea " * 300)
        history.assistant("rain " * 300)
    assert sum(len(m.content) for m in history.recent()) <= 4_000
