"""What the character says of what its model thinks: news, in its own voice."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from charafy.engines.language import Language, Message
from charafy.engines.language.persona import Persona
from charafy.engines.language.repeats import INSTEAD
from charafy.talk.history import Recalled
from charafy.talk.mind import Mind
from tests.support.talking import ScriptedCrew
from tests.support.virtual_time import run

HARBOUR = "I walk by the harbour, and I watch the boats. What do you do?"
BAKERY = "My sister runs a bakery. I love the smell of it."


def answered(
    *answers: str, asked: str = "Tell me something.", language: Language = "en"
) -> tuple[str, ScriptedCrew]:
    """The answer to `asked` after the harbour was talked about, by a model that says these."""
    crew = ScriptedCrew(heard=[""], answers=list(answers))
    turns = (
        Message("user", "Who are you?"),
        Message("assistant", HARBOUR),
        Message("user", asked),
    )

    async def main() -> str:
        mind = Mind(crew, Persona("Mio", language))
        async with aclosing(mind.answer(Recalled(turns, ("I live in Kyoto",), 2))) as clauses:
            return "".join([clause async for clause in clauses])

    return run(main()).strip(), crew


def test_what_is_new_is_said_and_asked_for_once() -> None:
    said, crew = answered(BAKERY)
    assert said == BAKERY
    assert len(crew.asked) == 1


def test_what_was_told_long_ago_is_called_to_mind_after_the_turns_that_were_left_of_then() -> None:
    _, crew = answered(BAKERY)
    *before, reminder, asked = crew.asked[0].messages
    assert (reminder.role, '"I live in Kyoto"' in reminder.content) == ("system", True)
    assert [m.content for m in before[-2:]] == ["Who are you?", HARBOUR]
    assert asked.content == "Tell me something."
    assert not any("Kyoto" in m.content for m in before)


def test_what_was_said_is_read_ahead_as_it_will_be_asked_with() -> None:
    crew = ScriptedCrew(heard=[""], answers=[BAKERY])
    turns = (Message("user", "Who are you?"), Message("assistant", HARBOUR))
    facts = ("I live in Kyoto",)

    async def main() -> None:
        mind = Mind(crew, Persona("Mio", "en"))
        await mind.read_ahead(Recalled(turns, facts, 2))
        asked = (*turns, Message("user", "And?"))
        async with aclosing(mind.answer(Recalled(asked, facts, 2))) as clauses:
            assert [clause async for clause in clauses]

    run(main())
    (ahead,) = crew.warmed
    assert ahead.messages == crew.asked[0].messages[:-1]


def test_a_reply_over_again_is_stopped_early_and_the_model_asked_once_more() -> None:
    said, crew = answered(HARBOUR + " And on and on.", BAKERY)
    assert said == BAKERY
    first, second = crew.asked
    assert second.messages[:-1] == first.messages[:-1]
    assert "new" in second.messages[-1].content
    assert crew.closed == 1  # the first was not waited for to its end


def test_one_that_says_it_still_has_the_character_change_the_subject() -> None:
    said, crew = answered(HARBOUR, HARBOUR, BAKERY)
    assert said in INSTEAD["en"]
    assert len(crew.asked) == 2


def test_the_same_beginning_of_another_sentence_is_kept_with_it() -> None:
    said, crew = answered("I walk by the harbour, but not when it rains.")
    assert said == "I walk by the harbour, but not when it rains."
    assert len(crew.asked) == 1


def test_a_sentence_that_was_said_before_is_left_out_of_what_is_new() -> None:
    assert answered(f"{BAKERY} What do you do?")[0] == f"{BAKERY} What do you do?"  # short
    said, crew = answered("and I watch the boats. My sister runs a bakery.")
    assert said == "My sister runs a bakery."
    assert len(crew.asked) == 1


def test_who_asks_for_it_again_gets_it_again() -> None:
    assert answered(HARBOUR, asked="Sorry, can you say that again?")[0] == HARBOUR


def test_a_conversation_that_begins_is_answered() -> None:
    async def main() -> list[str]:
        mind = Mind(ScriptedCrew(heard=[""], answers=[BAKERY]), Persona("Mio", "en"))
        return [clause async for clause in mind.answer(Recalled((), ()))]

    assert "".join(asyncio.run(main())).strip() == BAKERY
