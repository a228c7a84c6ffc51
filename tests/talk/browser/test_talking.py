"""A recorded person talks with a character in a real browser, from sound to sound."""

from __future__ import annotations

from typing import Any

import pytest

from charafy.kernel.media.audio import SAMPLE_RATE, Pcm
from tests.support.listening import recorded
from tests.support.visitor import BARE, Visitor, trimmed
from tests.talk.browser.conftest import ANSWER_S, House

pytestmark = pytest.mark.slow

LONG = (
    "Let me tell you about a garden behind an old temple, where a quiet stream runs under wooden "
    "bridges, and where people come in spring to sit beneath the trees and drink tea."
)


def sentence() -> Pcm:
    """ "And Mr. John Dashwood had then leisure to consider how much there might be"."""
    return trimmed(recorded("sensibility.flac")[: 5 * SAMPLE_RATE])


def text(visitor: Visitor, selector: str) -> str:
    found: str = visitor.tab.evaluate("(s) => document.querySelector(s).innerText", selector)
    return found


def test_a_recorded_sentence_is_understood_and_the_answer_is_heard(
    house: House, visitor: Visitor
) -> None:
    house.call(visitor)
    since = len(visitor.messages)
    _, end = visitor.say(sentence())
    said = visitor.wait_for("user-transcription", ANSWER_S, since, final=True).data["text"]
    assert "dashwood" in said.lower()
    visitor.wait_for("speech-ended", ANSWER_S, since, interrupted=False)
    visitor.until(lambda: visitor.silent_for(0.5), 10, "silence")
    answer = " ".join(m.data["text"] for m in visitor.told("bot-transcription", since))
    assert "dashwood" in answer.lower()
    assert len(visitor.loud(end)) > 100, "at least a second of the answer is louder than silence"
    stages = visitor.wait_for("metrics", 10, since).data["stages"]
    assert 0 < stages["recognised"] <= stages["committed"] <= stages["audible"]


def test_who_speaks_over_the_character_silences_it(house: House, visitor: Visitor) -> None:
    house.call(visitor)
    since = len(visitor.messages)
    visitor.tab.evaluate("(text) => talk.say(text)", LONG)
    began = visitor.wait_for("speech", ANSWER_S, since).at
    visitor.until(lambda: len(visitor.loud(began)) > 80, ANSWER_S, "sound")
    begin, _ = visitor.say(sentence()[: 2 * SAMPLE_RATE])
    hushed = visitor.wait_for("speech-paused", 10, since).at
    assert hushed - begin < 2.0
    ended = visitor.wait_for("speech-ended", ANSWER_S, since)
    visitor.wait(0.5)
    # What was on the way is heard out: the buffers at both ends, and no more.
    assert not len(visitor.loud(hushed + 0.6, ended.at))
    assert ended.data["interrupted"]
    assert 0 < len(ended.data["heard"]) < len(LONG)


def test_the_owner_talks_on_the_page_of_a_character(house: House, visitor: Visitor) -> None:
    tab = visitor.tab
    tab.open(BARE)
    house.reach(visitor)  # the page of a character tries for a few seconds only
    tab.evaluate("() => talk.close()")
    link = next(word for word in house.server.said.split() if "/sign-in/link" in word)
    tab.open(link)
    tab.click("form[action='/sign-in/link'] button")
    tab.open(f"/try/{house.character_id}")
    tab.click("button[value=voice]")
    visitor.wait_for("speech-ended", ANSWER_S)
    visitor.until(lambda: visitor.silent_for(0.5), 10, "silence")
    since = len(visitor.messages)
    _, end = visitor.say(sentence())
    visitor.wait_for("speech-ended", ANSWER_S, since, interrupted=False)
    assert len(visitor.loud(end)) > 100
    lines: list[Any] = tab.evaluate(
        "() => [...document.querySelectorAll('.said li')].map((li) => [li.className, li.innerText])"
    )
    heard = [(who, said.lower()) for who, said in lines]
    assert any(who == "user" and "dashwood" in said for who, said in heard)
    assert any(who == "character" and "dashwood" in said for who, said in heard)
    tab.click("[data-do=end]")
    assert text(visitor, ".state") == "You hung up."
    visitor.until(lambda: house.last()["status"] == "ended", 20, "its end")
    kept = house.last()
    assert kept["reason"] == "hang_up"
    assert [turn["role"] for turn in kept["transcript"]][:2] == ["assistant", "user"]
