"""What was said in the last replies is not said again, unless somebody asks for it."""

from __future__ import annotations

import pytest

from charafy.engines.language import Language, Message
from charafy.engines.language.repeats import INSTEAD, Repeats, hinted

TALK = (
    Message("user", "What do you do all day?"),
    Message("assistant", "I walk by the harbour, and I watch the boats. I see. What about you?"),
    Message("user", "I work."),
)


@pytest.mark.parametrize(
    "clause",
    ["I walk by the harbour,", "i walk by the harbour", "I walk, by the HARBOUR!"],
)
def test_a_clause_of_an_earlier_reply_is_known_however_it_is_written(clause: str) -> None:
    assert Repeats(TALK, "en").has(clause)


def test_what_everybody_says_all_the_time_is_none() -> None:
    repeats = Repeats(TALK, "en")
    assert not repeats.has("I see.")
    assert not repeats.has("I walk by the river,")


def test_japanese() -> None:
    talk = (
        Message("user", "何をしていますか。"),
        Message("assistant", "港を散歩しています。はい。"),
        Message("user", "そうですか。"),
    )
    repeats = Repeats(talk, "ja")
    assert repeats.has("港を散歩しています！")
    assert not repeats.has("はい。")


@pytest.mark.parametrize(
    ("language", "wish"),
    [
        ("en", "Can you say that again?"),
        ("en", "Sorry?"),
        ("en", "What?"),
        ("en", "I didn't catch that."),
        ("en", "what do you do all day"),
        ("ja", "もう一度言ってください。"),
        ("ja", "聞こえなかったです。"),
    ],
)
def test_who_asks_for_it_again_gets_it_again(language: Language, wish: str) -> None:
    repeats = Repeats((*TALK[:2], Message("user", wish)), language)
    assert not repeats.has("I walk by the harbour,")


def test_only_the_last_replies_count() -> None:
    later = [Message("assistant" if n % 2 else "user", f"Number {n}.") for n in range(13)]
    assert not Repeats((*TALK[:2], *later), "en").has("I walk by the harbour,")


def test_there_is_something_else_to_say_each_time() -> None:
    talk, said = list(TALK), []
    for _ in INSTEAD["en"]:
        said.append(Repeats(talk, "en").instead())
        talk += [Message("assistant", said[-1]), Message("user", "Mm.")]
    assert sorted(said) == sorted(INSTEAD["en"])
    assert Repeats(talk, "en").instead() in INSTEAD["en"]


def test_a_hint_changes_nothing_that_was_read_before() -> None:
    asked = hinted(TALK, "en")
    assert asked[:-1] == TALK[:-1]
    assert asked[-1].role == "user"
    assert asked[-1].content.startswith(TALK[-1].content)
