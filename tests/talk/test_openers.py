"""Something short is said while an answer takes its time, as long as that is, and not too soon."""

from __future__ import annotations

from itertools import pairwise

from charafy.talk.openers import Openers
from charafy.talk.phrases import OPENERS, Phrases
from charafy.talk.playout import Playout
from charafy.talk.reply import Speaker
from tests.support import virtual_time
from tests.support.talking import WORD_S, ScriptedCrew

SPEAKER = Speaker("af_heart", "en")


def ready() -> Openers:
    """Of a voice that says a word in `WORD_S`."""
    phrases = Phrases(ScriptedCrew())
    virtual_time.run(phrases.prepare(SPEAKER))
    openers = Openers(phrases, SPEAKER)
    openers.begin(0.0, wanted=True)
    return openers


def words(opener: Playout | None) -> int:
    assert opener is not None
    return round(opener.made_s / WORD_S)


def test_nothing_is_said_before_somebody_would_be_waiting() -> None:
    openers = ready()
    assert openers.due(0.1, sounds_in_s=2.0) is None
    assert openers.due(0.12, sounds_in_s=2.0) is not None


def test_an_answer_that_is_near_is_waited_for() -> None:
    openers = ready()
    assert openers.due(0.2, sounds_in_s=0.2) is None
    assert openers.due(0.46, sounds_in_s=0.2) is not None


def test_the_longer_the_wait_the_longer_is_what_fills_it() -> None:
    short, middling, long = (
        words(ready().due(0.2, sounds_in_s)) for sounds_in_s in (0.5, 1.3, 2.5)
    )
    assert short == 1
    assert middling == 3
    assert long == max(len(text.split()) for text in OPENERS["en"])


def test_the_same_is_never_said_twice_running() -> None:
    openers = ready()
    said = []
    for turn in range(6):
        openers.begin(turn * 10.0, wanted=True)
        opener = openers.due(turn * 10.0 + 0.2, sounds_in_s=0.5)
        assert opener is not None
        opener.complete = True
        said.append(opener.heard_text(opener.made_s))
    assert all(one != other for one, other in pairwise(said))


def test_silence_that_lasts_is_filled_again_but_not_for_ever() -> None:
    openers = ready()
    assert openers.due(0.2, sounds_in_s=5.0) is not None
    openers.ended(1.0)
    assert openers.due(1.7, sounds_in_s=5.0) is None
    assert openers.due(1.8, sounds_in_s=0.4) is None
    for after_s in (2.0, 4.0):
        assert openers.due(after_s, sounds_in_s=5.0) is not None
        openers.ended(after_s)
    assert openers.due(60.0, sounds_in_s=5.0) is None


def test_an_answer_that_needs_none_has_none() -> None:
    openers = ready()
    openers.begin(1.0, wanted=False)
    assert openers.due(9.0, sounds_in_s=9.0) is None


def test_a_voice_that_is_not_ready_yet_says_nothing() -> None:
    openers = Openers(Phrases(ScriptedCrew()), SPEAKER)
    openers.begin(0.0, wanted=True)
    assert openers.due(1.0, sounds_in_s=2.0) is None
