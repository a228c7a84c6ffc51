"""Turns begin with speech, hesitate, and end: after how much silence, their words help to tell."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from charafy.engines.hearing import SAMPLE_RATE, Samples
from charafy.engines.hearing.turns import (
    Calmed,
    Ended,
    Heard,
    Hesitated,
    Resumed,
    Started,
    Stirred,
    TurnTaker,
)
from charafy.engines.voice.cloning.rates import listened
from tests.support.listening import recorded, silero

FRAME = 512
FRAME_S = FRAME / SAMPLE_RATE
SPEECH, UNSURE, SILENCE = 0.9, 0.42, 0.01


class ScriptedVad:
    """A scripted `VadStream`: a frame is as likely speech as its first sample says."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)

    def feed(self, samples: Samples) -> NDArray[np.float32]:
        heard = np.concatenate((self._rest, samples))
        whole = len(heard) // FRAME * FRAME
        self._rest = heard[whole:]
        return heard[:whole:FRAME]


def sound(probability: float, seconds: float) -> Samples:
    return np.full(round(seconds / FRAME_S) * FRAME, probability, np.float32)


def script(*parts: tuple[float, float]) -> Samples:
    return np.concatenate([sound(*part) for part in parts])


@pytest.fixture
def taker() -> TurnTaker:
    return TurnTaker(ScriptedVad())


def kinds(heard: list[Heard]) -> list[str]:
    """Of turns, without the signs that one may begin."""
    return [type(one).__name__ for one in heard if not isinstance(one, Stirred | Calmed)]


def ended(heard: list[Heard]) -> Ended:
    [end] = [one for one in heard if isinstance(one, Ended)]
    return end


def test_a_turn_starts_hesitates_and_ends(taker: TurnTaker) -> None:
    heard = taker.feed(script((SILENCE, 1), (SPEECH, 1), (SILENCE, 2)))
    assert kinds(heard) == ["Started", "Hesitated", "Ended"]
    _, started, hesitated, end = heard
    assert started.at_s == pytest.approx(1.1, abs=0.04)
    assert hesitated.at_s == pytest.approx(2.2, abs=0.04)
    assert end.at_s == pytest.approx(3.3, abs=0.04)
    assert ended(heard).speech_s == pytest.approx(1.0, abs=FRAME_S)


def test_words_that_make_sense_shorten_the_wait(taker: TurnTaker) -> None:
    taker.feed(script((SPEECH, 1), (SILENCE, 0.25)))
    taker.expect(complete=True)
    end = ended(taker.feed(sound(SILENCE, 2)))
    assert end.at_s == pytest.approx(1.5, abs=0.04)


def test_words_that_do_but_sound_as_if_more_would_follow_shorten_it_less(taker: TurnTaker) -> None:
    taker.feed(script((SPEECH, 1), (SILENCE, 0.25)))
    taker.expect(complete=True, over=False)
    end = ended(taker.feed(sound(SILENCE, 2)))
    assert end.at_s == pytest.approx(1.9, abs=0.04)


def test_the_sound_of_an_end_shortens_no_wait_for_words(taker: TurnTaker) -> None:
    taker.feed(script((SPEECH, 1), (SILENCE, 0.25)))
    taker.expect(complete=False, over=True)
    end = ended(taker.feed(sound(SILENCE, 2)))
    assert end.at_s == pytest.approx(2.3, abs=0.04)


def test_words_that_are_told_late_end_the_turn_at_once(taker: TurnTaker) -> None:
    taker.feed(script((SPEECH, 1), (SILENCE, 0.9)))
    taker.expect(complete=True)
    assert kinds(taker.feed(sound(SILENCE, FRAME_S))) == ["Ended"]


def test_what_follows_a_pause_belongs_to_the_turn_and_makes_the_words_open_again(
    taker: TurnTaker,
) -> None:
    taker.feed(script((SPEECH, 1), (SILENCE, 0.3)))
    taker.expect(complete=True)
    heard = taker.feed(script((SPEECH, 1), (SILENCE, 2)))
    assert kinds(heard) == ["Resumed", "Hesitated", "Ended"]
    assert ended(heard).at_s == pytest.approx(3.6, abs=0.05)
    assert ended(heard).speech_s == pytest.approx(2.0, abs=2 * FRAME_S)


def test_what_was_recognised_while_hesitating_is_the_whole_turn(taker: TurnTaker) -> None:
    heard = taker.feed(script((SILENCE, 1), (SPEECH, 1), (SILENCE, 2)))
    hesitated = next(one for one in heard if isinstance(one, Hesitated))
    np.testing.assert_array_equal(hesitated.samples, ended(heard).samples)


def test_a_turn_holds_a_little_of_the_silence_around_it(taker: TurnTaker) -> None:
    turn = ended(taker.feed(script((SILENCE, 3), (SPEECH, 1), (SILENCE, 2)))).samples
    spoken = np.flatnonzero(turn == np.float32(SPEECH))
    assert 0.25 < spoken[0] / SAMPLE_RATE < 0.5
    assert len(spoken) == len(sound(SPEECH, 1))
    assert (len(turn) - spoken[-1]) / SAMPLE_RATE == pytest.approx(0.16, abs=FRAME_S)


def test_who_goes_on_at_once_is_heard_from_before_the_first_word(taker: TurnTaker) -> None:
    taker.feed(script((SPEECH, 1), (SILENCE, 1.3)))
    heard = taker.feed(script((SPEECH, 1), (SILENCE, 2)))
    assert kinds(heard)[-3:] == ["Started", "Hesitated", "Ended"]
    spoken = np.flatnonzero(ended(heard).samples == np.float32(SPEECH))
    assert 0.25 < spoken[0] / SAMPLE_RATE < 0.5
    assert len(spoken) == len(sound(SPEECH, 1))


@pytest.mark.parametrize("length_s", [0.032, 0.064])
def test_a_click_is_no_turn(taker: TurnTaker, length_s: float) -> None:
    assert not kinds(taker.feed(script((SILENCE, 1), (SPEECH, length_s), (SILENCE, 2))))


def test_the_first_sign_of_a_voice_is_told_at_once(taker: TurnTaker) -> None:
    stirred, started, *_ = taker.feed(script((SILENCE, 1), (SPEECH, 1), (SILENCE, 2)))
    assert isinstance(stirred, Stirred)
    assert isinstance(started, Started)
    assert started.at_s - stirred.at_s == pytest.approx(FRAME_S)


def test_a_click_that_looked_like_one_is_taken_back_in_the_next_frame(taker: TurnTaker) -> None:
    stirred, calmed = taker.feed(script((SILENCE, 1), (SPEECH, 2 * FRAME_S), (SILENCE, 2)))
    assert isinstance(stirred, Stirred)
    assert isinstance(calmed, Calmed)
    assert calmed.at_s - stirred.at_s == pytest.approx(FRAME_S)


def test_a_click_does_not_put_off_the_end(taker: TurnTaker) -> None:
    heard = taker.feed(script((SPEECH, 1), (SILENCE, 0.5), (SPEECH, FRAME_S), (SILENCE, 2)))
    assert kinds(heard) == ["Started", "Hesitated", "Ended"]
    assert ended(heard).at_s == pytest.approx(2.3, abs=0.05)


def test_a_gap_within_a_word_is_no_hesitation(taker: TurnTaker) -> None:
    gap = ((SPEECH, 0.3), (SILENCE, 0.096))
    assert kinds(taker.feed(script(*gap, *gap, *gap, (SPEECH, 0.3)))) == ["Started"]


def test_frames_between_speech_and_silence_go_on_as_it_was(taker: TurnTaker) -> None:
    assert not taker.feed(sound(UNSURE, 2))
    assert kinds(taker.feed(script((SPEECH, 0.5), (UNSURE, 2)))) == ["Started"]
    heard = taker.feed(script((SILENCE, 0.1), (UNSURE, 2)))
    assert kinds(heard) == ["Hesitated", "Ended"]


def test_nobody_speaks_for_longer_than_the_longest_turn() -> None:
    taker = TurnTaker(ScriptedVad(), longest_s=5)
    heard = taker.feed(sound(SPEECH, 6))
    assert kinds(heard) == ["Started", "Ended", "Started"]
    assert len(ended(heard).samples) / SAMPLE_RATE == pytest.approx(5, abs=0.04)


def test_while_the_button_is_down_no_silence_ends_the_turn(taker: TurnTaker) -> None:
    assert kinds(taker.press()) == ["Started"]
    assert taker.pressed
    assert not taker.feed(script((SPEECH, 1), (SILENCE, 5), (SPEECH, 1), (SILENCE, 3)))
    end = ended(taker.release())
    assert not taker.pressed
    assert len(end.samples) == len(sound(0, 10))
    assert end.speech_s == pytest.approx(2, abs=FRAME_S)


def test_what_was_said_just_before_the_button_belongs_to_the_turn(taker: TurnTaker) -> None:
    taker.feed(script((SILENCE, 2), (SPEECH, FRAME_S)))
    taker.press()
    turn = ended(taker.release()).samples
    assert turn[-1] == np.float32(SPEECH)
    assert len(turn) / SAMPLE_RATE < 0.5


def test_a_turn_under_way_goes_on_when_the_button_goes_down(taker: TurnTaker) -> None:
    taker.feed(script((SPEECH, 1), (SILENCE, 0.3)))
    assert kinds(taker.press()) == ["Resumed"]
    assert len(ended(taker.release()).samples) == len(script((SPEECH, 1), (SILENCE, 0.3)))


def test_a_button_that_is_held_too_long_begins_the_next_turn() -> None:
    taker = TurnTaker(ScriptedVad(), longest_s=5)
    taker.press()
    assert kinds(taker.feed(sound(SPEECH, 7))) == ["Ended", "Started"]
    assert len(ended(taker.release()).samples) / SAMPLE_RATE == pytest.approx(2, abs=0.05)


def test_a_button_that_bounces_does_nothing(taker: TurnTaker) -> None:
    assert not taker.release()
    taker.press()
    assert not taker.press()
    assert kinds(taker.release()) == ["Ended"]
    assert not taker.release()


def test_a_dropped_turn_never_ends(taker: TurnTaker) -> None:
    taker.feed(sound(SPEECH, 1))
    taker.drop()
    assert not taker.feed(sound(SILENCE, 3))


@pytest.mark.parametrize("size", [1, 160, 512, 700, 16_000])
def test_pieces_of_any_size_make_the_same_turns(size: int) -> None:
    said = script((SILENCE, 0.5), (SPEECH, 0.5), (SILENCE, 0.3), (SPEECH, 0.3), (SILENCE, 1.5))
    at_once = TurnTaker(ScriptedVad()).feed(said)
    taker = TurnTaker(ScriptedVad())
    heard = [one for at in range(0, len(said), size) for one in taker.feed(said[at : at + size])]
    assert kinds(heard) == kinds(at_once)
    assert [one.at_s for one in heard] == [one.at_s for one in at_once]
    np.testing.assert_array_equal(ended(heard).samples, ended(at_once).samples)


def quiet(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def test_somebody_who_reads_a_sentence_takes_one_turn() -> None:
    said = np.concatenate((quiet(1), listened(recorded("mahiruma.mp3")), quiet(2)))
    heard = TurnTaker(silero().listen()).feed(said)
    assert kinds(heard)[0] == "Started"
    end = ended(heard)
    assert heard[-1] is end
    assert 3 < end.speech_s < 6.5


def test_somebody_who_reads_for_long_pauses_within_the_turn() -> None:
    said = np.concatenate((listened(recorded("sensibility.flac")), quiet(2)))
    heard = TurnTaker(silero().listen()).feed(said)
    assert kinds(heard)[0] == "Started"
    assert any(isinstance(one, Resumed) for one in heard)
    assert ended(heard).speech_s > 8


def test_one_word_between_noises_is_a_turn() -> None:
    said = np.concatenate((listened(recorded("no.mp3")), quiet(2)))
    assert ended(TurnTaker(silero().listen()).feed(said)).speech_s < 1.5
