"""What a model is told before a conversation."""

from charafy.engines.language import Language, Message
from charafy.engines.language.persona import Persona, told

TURNS = (Message("user", "Hi!"),)


def test_the_persona_comes_first_and_the_conversation_last() -> None:
    messages = told(Persona("Sakura", "en", "You grew up in Kyoto."), TURNS)
    assert messages[0].role == "system"
    assert "Sakura" in messages[0].content
    assert "Kyoto" in messages[0].content
    assert messages[-1:] == TURNS


def test_it_begins_alike_in_every_turn_so_that_it_is_read_once() -> None:
    persona = Persona("さくら", "ja")
    first, second = told(persona, TURNS), told(persona, (*TURNS, Message("assistant", "はい。")))
    assert second[: len(first) - 1] == first[:-1]


def test_a_name_is_remembered() -> None:
    names: dict[Language, str] = {"en": "Tom", "ja": "健太"}
    for language, name in names.items():
        assert name in told(Persona("Sakura", language, visitor=name), TURNS)[0].content


def test_the_roles_alternate() -> None:
    roles = [message.role for message in told(Persona("Sakura", "en"), TURNS)[1:]]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
