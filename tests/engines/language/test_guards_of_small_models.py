"""What models of a billion weights were heard to say in the bench, and what is left of it."""

from __future__ import annotations

import pytest

from charafy.engines.language import Language
from charafy.engines.language.guards import Guard


def said(language: Language, *clauses: str) -> list[str]:
    guard = Guard(language)
    return [text for clause in clauses if (text := guard.clean(clause))]


@pytest.mark.parametrize(
    "clause",
    [
        "Is there anything else I can help you with?",
        "I have no hobbies like humans do.",
        "I'm a character created by the OpenAI company.",
        "I don't have personal preferences, so I have no favourite.",
    ],
)
def test_what_only_assistants_say_is_dropped(clause: str) -> None:
    assert said("en", clause, "I love tea.") == ["I love tea."]


@pytest.mark.parametrize("line", ["Here's how you can sort one:", "以下の店があります："])
def test_after_what_introduces_a_list_nothing_is_said(line: str) -> None:
    assert said("en", "Well.", line, "And then?") == ["Well."]


def test_one_that_goes_over_to_chinese_is_not_heard() -> None:
    assert said("ja", "不客气！", "お気をつけて。") == ["お気をつけて。"]


def test_nor_is_one_that_goes_over_to_english_but_names_are() -> None:
    heard = said("ja", "Here is what I would do tomorrow.", "Kyoto!", "Tシャツです。")
    assert heard == ["Kyoto!", "Tシャツです。"]


@pytest.mark.parametrize(
    ("language", "clause"),
    [
        ("en", "No, I'm not an AI."),
        ("en", "I am a real person, of course!"),
        ("ja", "私はAIではありません。"),
        ("ja", "私は人間であるため、AIとは言えません。"),
    ],
)
def test_no_character_passes_itself_off_as_a_person(language: Language, clause: str) -> None:
    assert said(language, clause) == []


def test_turns_of_phrase_that_only_sound_like_it_are_left() -> None:
    clauses = ["I'm here, like humans, for the tea.", "次の日曜日です。", "I know a good person."]
    assert said("en", *clauses) == clauses
