"""Speech from another service is like the stock voices': in clauses, with words and phonemes."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest

from charafy.engines.voice import (
    SAMPLE_RATE,
    Language,
    Mark,
    NothingToSay,
    SpeechChunk,
    VoiceFailed,
)
from charafy.engines.voice.kokoro import KokoroVoice, stock_styles
from charafy.engines.voice.remote.elevenlabs import _letters
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.weights import Store
from tests.engines.voice.remote.conftest import MakeRemote, Remote

ENGLISH = "Turn left at the bakery, and walk straight until you see the river. Then call me."
JAPANESE = "お荷物は昨日届きましたので、受付で受け取れます。少し考える時間をください。"


def words(chunks: list[SpeechChunk]) -> list[Mark]:
    return [mark for chunk in chunks for mark in chunk.marks if mark.kind == "word"]


def sound(chunks: list[SpeechChunk]) -> np.typing.NDArray[np.float32]:
    return np.concatenate([chunk.pcm for chunk in chunks])


@pytest.fixture(scope="module")
def kokoro() -> KokoroVoice:
    folder = os.environ.get("CHARAFY_MODELS") or str(
        Path(platformdirs.user_cache_dir("charafy", appauthor=False)) / "models"
    )
    model = Store(Path(folder)).ensure("kokoro")
    styles = {"am_michael": stock_styles()["am_michael"]}
    return KokoroVoice(model, styles, TextFrontEnd(), model.parent, 1)


@pytest.mark.parametrize(("language", "text"), [("en", ENGLISH), ("ja", JAPANESE)])
def test_every_word_of_the_text_is_marked_inside_the_sound(
    remote: Remote, language: Language, text: str
) -> None:
    chunks = remote.speak(text, language)
    clauses = list(TextFrontEnd().clauses(text, language))
    written = [w.text for c in clauses for w in c.words if w.text and w.text not in ",.、。"]
    assert [mark.text for mark in words(chunks)] == written
    at = 0.0
    for chunk in chunks:
        end = at + len(chunk.pcm) / SAMPLE_RATE
        assert all(at <= mark.start_s <= mark.end_s <= end + 1e-6 for mark in chunk.marks)
        at = end
    every = [mark for chunk in chunks for mark in chunk.marks]
    for kind in ("word", "phoneme"):
        same = [mark for mark in every if mark.kind == kind]
        assert all(a.end_s <= b.start_s + 1e-6 for a, b in pairwise(same))
    assert [chunk.chars_done for chunk in chunks] == [clause.end for clause in clauses]


def test_one_request_a_clause_the_first_of_them_short(remote: Remote) -> None:
    chunks = remote.speak(ENGLISH)
    assert remote.fake.spoken == [
        "Turn left at the bakery,",
        "and walk straight until you see the river. Then call me.",
    ]
    assert len(chunks) == 2


def test_nothing_is_asked_before_it_is_wanted(remote: Remote) -> None:
    fields = remote.cloned()
    remote.fake.asked.clear()
    speech = remote.speaker.speak(fields, ENGLISH, "en")
    assert remote.fake.asked == []
    next(speech)
    assert len(remote.fake.asked) == 1
    getattr(speech, "close")()  # noqa: B009 - an Iterator that happens to be a generator
    assert len(remote.fake.asked) == 1


def test_only_what_is_read_aloud_is_sent(remote: Remote) -> None:
    remote.speak(
        "**Hello** <b>there</b> \N{GRINNING FACE} [you](https://example.com)!\n\n- One\n- 2 apples"
    )
    assert " ".join(remote.fake.spoken) == "Hello there you! One. 2 apples."


def test_breaks_are_silence_made_here(remote: Remote) -> None:
    chunks = remote.speak('Well. <break time="2s"/> I am back.')
    first, second = words(chunks)[0], words(chunks)[1]
    assert second.start_s - first.end_s > 2.0
    assert not any("break" in text for text in remote.fake.spoken)


def test_a_break_before_the_first_word_is_kept(remote: Remote) -> None:
    chunks = remote.speak('<break time="1s"/>Hello there.')
    assert words(chunks)[0].start_s >= 1.0
    assert not chunks[0].pcm[: SAMPLE_RATE - 100].any()


def test_silence_around_an_answer_is_cut_to_what_speech_has(remote: Remote) -> None:
    chunks = remote.speak("Hello there. And good evening to all of you.")
    pcm = sound(chunks)
    heard = np.flatnonzero(np.abs(pcm) > 0.01)
    assert heard[0] / SAMPLE_RATE < 0.12
    assert (len(pcm) - heard[-1]) / SAMPLE_RATE < 0.25


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.5, 2.0])
def test_speed_is_made_here_and_the_marks_go_along(remote: Remote, speed: float) -> None:
    """Servers are asked for ordinary speed: the fake refuses another while it streams."""
    usual, paced = remote.speak(ENGLISH), remote.speak(ENGLISH, speed=speed)
    assert len(sound(paced)) == pytest.approx(len(sound(usual)) / speed, rel=0.06)
    for a, b in zip(words(usual), words(paced), strict=True):
        assert b.start_s == pytest.approx(a.start_s / speed, abs=0.08)


@pytest.mark.parametrize("speed", [0.4, 2.1, float("nan")])
def test_a_speed_out_of_range_is_refused_at_once(remote: Remote, speed: float) -> None:
    fields = remote.cloned()
    with pytest.raises(ValueError, match="speed"):
        remote.speaker.speak(fields, "Hello", "en", speed)


@pytest.mark.parametrize("text", ["", "  ", "\N{GRINNING FACE}", "<b></b>"])
def test_nothing_to_say_costs_no_request(remote: Remote, text: str) -> None:
    with pytest.raises(NothingToSay):
        remote.speak(text)
    assert remote.fake.asked == []


def test_a_file_without_its_voice_speaks_nothing(remote: Remote) -> None:
    with pytest.raises(VoiceFailed, match="voice"):
        remote.speaker.speak({"engine": remote.kind}, "Hello", "en")


def test_words_of_a_human_voice_are_marked_where_they_are_heard(
    make_remote: MakeRemote, kokoro: KokoroVoice
) -> None:
    """Spoken by a real model behind the fake; true are that model's own marks."""
    remote = make_remote("openai", kokoro)
    text = "Would you like to hear the news or some quiet music?"
    chunks = remote.speak(text)
    pcm, marks = remote.fake.say(text, "en")
    true = [mark for mark in marks if mark.kind == "word"]
    found = words(chunks)
    assert [mark.text for mark in found] == [mark.text for mark in true]
    late = np.array([a.start_s - b.start_s for a, b in zip(found, true, strict=True)])
    # The silence before the first word was cut: all are early by the same.
    assert np.median(np.abs(late - np.median(late))) < 0.03
    assert len(sound(chunks)) == pytest.approx(len(pcm), rel=0.1)


def test_letters_with_times_place_the_words(make_remote: MakeRemote, kokoro: KokoroVoice) -> None:
    """However a service counts them, and although they don't say when phonemes sound."""
    text = "Would you like to hear the news or some quiet music?"
    found = {}
    for timed in ("yes", "by piece", "other letters", "no"):
        remote = make_remote("elevenlabs", kokoro)
        remote.fake.timed = timed
        found[timed] = words(remote.speak(text))
    for timed, most_s in (("by piece", 0.03), ("other letters", 0.1), ("no", 0.1)):
        late = [a.start_s - b.start_s for a, b in zip(found[timed], found["yes"], strict=True)]
        assert np.abs(late).max() < most_s


def test_a_service_that_tells_no_times_is_asked_for_them_once(make_remote: MakeRemote) -> None:
    remote = make_remote("elevenlabs")
    remote.fake.timed = "no"
    fields = remote.cloned()
    speaker = remote.speaker
    for _ in range(2):
        list(speaker.speak(fields, ENGLISH, "en"))
    paths = [request.path for request in remote.fake.asked if "text-to-speech" in request.path]
    assert sum(path.endswith("with-timestamps") for path in paths[-5:]) == 1


@pytest.mark.parametrize("sound_type", ["wav", "streamed wav", "pcm", "flac", "mislabelled pcm"])
def test_sound_is_understood_in_every_form_that_servers_send(
    make_remote: MakeRemote, sound_type: str
) -> None:
    remote = make_remote("openai")
    usual = sound(remote.speak("Hello there, my friend."))
    remote.fake.sound_type = sound_type  # type: ignore[assignment]
    again = sound(remote.speak("Hello there, my friend."))
    assert len(again) == pytest.approx(len(usual), rel=0.05)
    assert np.abs(again).max() == pytest.approx(np.abs(usual).max(), rel=0.25)


@pytest.mark.parametrize("second", [10**400, float("nan"), float("inf"), -1.0, "0.1", None])
def test_times_of_letters_that_are_none_are_passed_over(second: Any) -> None:
    told = {"characters": ["a"], "character_start_times_seconds": [second]}
    assert _letters(told, 0.0, []) == []
