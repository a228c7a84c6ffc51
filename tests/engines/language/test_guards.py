"""What a small model says that no character should say aloud."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charafy.engines.language import Language
from charafy.engines.language.guards import FALLBACK, MOST_CHARS, Guard


def said(language: Language, *clauses: str) -> list[str]:
    guard = Guard(language)
    return [text for clause in clauses if (text := guard.clean(clause))]


@pytest.mark.parametrize(
    ("clause", "left"),
    [
        ("I love tea!", "I love tea!"),
        ("*smiles* I love tea!", "I love tea!"),
        ("I **love** tea 🍵!", "I love tea !"),
        ("(laughs softly) Sure.", "Sure."),
        ("Sakura: I love tea.", "I love tea."),
        ("- green tea", "green tea"),
        ("As an AI language model, I cannot drink.", ""),
        ("How can I assist you today?", ""),
        ("Is there anything else I can help you with?", ""),
        ("I have no hobbies like humans do.", ""),
        ("I'm here, like humans, for the tea.", "I'm here, like humans, for the tea."),
        ("***", ""),
        ("I love rainy days;", "I love rainy days;"),
        ("🍵🍵", ""),
    ],
)
def test_what_is_left_of_an_english_clause(clause: str, left: str) -> None:
    assert "".join(said("en", clause)) == left


def test_japanese_assistants_are_silent_too() -> None:
    kept = said("ja", "雨が好きです。", "何かお手伝いできることはありますか？")
    assert kept == ["雨が好きです。"]


@pytest.mark.parametrize(
    "line", ["```python", "def sort(items):", "User: and you?", "ユーザー：え？"]
)
def test_after_code_or_the_lines_of_somebody_else_nothing_is_said(line: str) -> None:
    assert said("en", "Well.", line, "And then?") == ["Well."]


def test_a_loop_ends_where_it_begins() -> None:
    assert said("en", "I like tea.", "I like rain.", "I like tea!", "I like rain.") == [
        "I like tea.",
        "I like rain.",
    ]


def test_half_a_sentence_at_the_end_is_said_only_where_nothing_else_was() -> None:
    guard = Guard("en")
    assert guard.finish("My grandmother runs a") == "My grandmother runs a"
    assert guard.finish("and I love") == ""
    assert guard.finish("I love tea.") == "I love tea."


@given(st.lists(st.text(max_size=300), max_size=30), st.sampled_from(["en", "ja"]))
def test_whatever_comes_what_is_said_can_be_said_and_ends(
    clauses: list[str], language: Language
) -> None:
    texts = said(language, *clauses)
    assert sum(map(len, texts)) <= 2 * MOST_CHARS[language]
    assert all(any(sign.isalnum() for sign in text) for text in texts)
    assert not any("```" in text or "*" in text for text in texts)


def test_there_is_always_something_to_say() -> None:
    for language, line in FALLBACK.items():
        assert said(language, line) == [line]
