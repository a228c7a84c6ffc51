"""Replies are cut where people breathe, the first clause early."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charafy.engines.language import Language
from charafy.engines.language.clauses import Clauses


def cut(text: str, language: Language, step: int = 3) -> list[str]:
    clauses = Clauses(language)
    found = [c for at in range(0, len(text), step) for c in clauses.feed(text[at : at + step])]
    return found + clauses.rest()


@pytest.mark.parametrize(
    ("language", "text", "clauses"),
    [
        ("en", "I like rain. Do you?", ["I like rain.", "Do you?"]),
        ("en", "Well, I like rain.", ["Well, I like rain."]),
        ("en", "When it rains, I read.", ["When it rains,", "I read."]),
        ("en", "Dr. Moore is here. Come in!", ["Dr. Moore is here.", "Come in!"]),
        ("en", "It costs 3.5 euros. Fine?", ["It costs 3.5 euros.", "Fine?"]),
        ("en", "Really?! Yes...", ["Really?!", "Yes..."]),
        ("ja", "雨が好きです。あなたは？", ["雨が好きです。", "あなたは？"]),
        ("ja", "そうですね、雨が好きです。", ["そうですね、", "雨が好きです。"]),
        (
            "en",
            "The sky is a beautiful colour because it has many layers and it is wide. Is it?",
            [
                "The sky is a beautiful colour",
                "because it has many layers and it is wide.",
                "Is it?",
            ],
        ),
        ("en", "I love to lie in bed all day.", ["I love to lie in bed all day."]),
        (
            "ja",
            "京都の名所や散歩するスポットとしては祇園が有名です。",
            ["京都の名所や散歩するスポットとしては", "祇園が有名です。"],
        ),
        ("en", "", []),
    ],
)
def test_where_it_is_cut(language: Language, text: str, clauses: list[str]) -> None:
    assert cut(text, language) == clauses


def test_a_clause_without_an_end_is_cut_between_words() -> None:
    first, *_ = cut("word " * 100, "en")
    assert 100 < len(first) <= 160
    assert first.endswith("word")


@given(st.text(max_size=400), st.sampled_from(["en", "ja"]), st.integers(1, 50))
def test_nothing_is_lost_and_nothing_is_long(text: str, language: Language, step: int) -> None:
    clauses = cut(text, language, step)
    whole = re.sub(r"\s+", "", text)
    assert re.sub(r"\s+", "", "".join(clauses)) == whole
    assert all(clauses)


@given(
    st.lists(
        st.sampled_from([*"ab,.!?:;「」。、は京 \n", " because ", "to", "andy", "well", "都が"]),
        max_size=300,
    ).map("".join),
    st.sampled_from(["en", "ja"]),
    st.integers(1, 400),
)
def test_it_is_cut_alike_however_it_comes(text: str, language: Language, step: int) -> None:
    assert cut(text, language, 1) == cut(text, language, step)


def test_a_megabyte_at_once_takes_no_longer_than_in_pieces() -> None:
    took = []
    for size in (1 << 17, 1 << 20):
        began = time.process_time()
        clauses = Clauses("en").feed("word " * (size // 5))
        took.append(time.process_time() - began)
        assert len(clauses) > size // 200
    assert took[1] < 8 * 4 * max(took[0], 0.01)
