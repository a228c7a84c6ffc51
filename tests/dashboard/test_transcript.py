"""Where the time of an answer went."""

from __future__ import annotations

from charafy.conversations.schemas import TurnAnswer
from charafy.dashboard.transcript import said_in


def turn(role: str = "assistant", started_s: float = 1.0, **latency: float) -> TurnAnswer:
    return TurnAnswer.model_validate(
        {
            "role": role,
            "text": "Hello.",
            "interrupted": False,
            "started_s": started_s,
            "latency": latency,
        }
    )


def test_stages_stand_one_behind_the_other_and_the_slowest_answer_fills_the_width() -> None:
    quick, slow = said_in(
        [
            turn(recognised=0.25, committed=0.5, audible=1.0),
            turn(recognised=0.5, thought=1.5, audible=2.0),
        ]
    )
    assert [(one.name, one.start, one.width) for one in quick.stages] == [
        ("recognised", 0.0, 12.5),
        ("committed", 12.5, 12.5),
        ("audible", 25.0, 25.0),
    ]
    assert [(one.name, one.took_s) for one in slow.stages] == [
        ("recognised", 0.5),
        ("thought", 1.0),
        ("audible", 0.5),
    ]
    assert (quick.answer_s, slow.answer_s) == (1.0, 2.0)


def test_what_was_understood_before_the_turn_ended_took_no_time() -> None:
    (said,) = said_in([turn(recognised=-0.2, committed=0.3, audible=1.0)])
    assert [(one.name, one.start) for one in said.stages] == [("committed", 0.0), ("audible", 30.0)]


def test_greetings_and_visitors_answer_nobody() -> None:
    greeting, visitor = said_in([turn(), turn("user", audible=1.0)])
    assert (greeting.answer_s, greeting.stages) == (None, ())
    assert visitor.answer_s is None


def test_turns_say_when_they_began() -> None:
    assert [one.at for one in said_in([turn(started_s=0.4), turn(started_s=125.9)])] == [
        "0:00",
        "2:05",
    ]
