"""The scripted voice is only tones, yet everything about it adds up as with a real voice."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from charafy.engines.voice import SAMPLE_RATE, Language, Mark, NothingToSay, SpeechChunk, Voice
from charafy.engines.voice.scripted import ScriptedFrontEnd, ScriptedVoice
from charafy.engines.voice.vocabulary import SYMBOLS

ENGLISH = "Hello, how are you? I have 3 cats and a dog, and they all live in my house."
JAPANESE = "こんにちは、元気ですか。"


@pytest.fixture
def voice() -> Voice:
    return ScriptedVoice(["low", "high"])


def spoken(
    voice: Voice, text: str, *, name: str = "low", language: Language = "en", speed: float = 1.0
) -> list[SpeechChunk]:
    return list(voice.speak(text, name, language, speed))


def marks(chunks: list[SpeechChunk], kind: str) -> list[Mark]:
    return [mark for chunk in chunks for mark in chunk.marks if mark.kind == kind]


def seconds(chunks: list[SpeechChunk]) -> float:
    return sum(len(chunk.pcm) for chunk in chunks) / SAMPLE_RATE


def test_words_are_marked_as_written_in_order(voice: Voice) -> None:
    words = [mark.text for mark in marks(spoken(voice, "Hello, how are you?"), "word")]

    assert words == ["Hello", "how", "are", "you"]


def test_every_character_of_japanese_script_is_a_word(voice: Voice) -> None:
    words = [mark.text for mark in marks(spoken(voice, JAPANESE, language="ja"), "word")]

    assert words == list("こんにちは元気ですか")


@pytest.mark.parametrize("text", [ENGLISH, JAPANESE, "x" * 300])
def test_phonemes_are_symbols_of_the_vocabulary_and_follow_each_other(
    voice: Voice, text: str
) -> None:
    phonemes = marks(spoken(voice, text), "phoneme")

    assert phonemes
    assert all(mark.text in SYMBOLS and mark.start_s < mark.end_s for mark in phonemes)
    assert all(a.end_s <= b.start_s + 1e-9 for a, b in itertools.pairwise(phonemes))


def test_marks_lie_within_the_audio_and_start_in_their_own_chunk(voice: Voice) -> None:
    at = 0.0
    for chunk in spoken(voice, ENGLISH):
        end = at + len(chunk.pcm) / SAMPLE_RATE
        assert all(at - 1e-9 <= m.start_s < end and m.end_s <= end + 1e-9 for m in chunk.marks)
        at = end


def test_chunks_are_short_and_count_the_characters_up_to_the_end(voice: Voice) -> None:
    chunks = spoken(voice, ENGLISH * 10)

    assert len(chunks) > 10
    assert all(len(chunk.pcm) <= 2 * SAMPLE_RATE for chunk in chunks)
    done = [chunk.chars_done for chunk in chunks]
    assert done == sorted(done)
    assert done[-1] == len(ENGLISH) * 10


def test_even_one_endless_word_comes_in_short_chunks(voice: Voice) -> None:
    assert max(len(chunk.pcm) for chunk in spoken(voice, "x" * 5_000)) <= 2 * SAMPLE_RATE


def test_double_speed_takes_half_the_time(voice: Voice) -> None:
    ratio = seconds(spoken(voice, ENGLISH)) / seconds(spoken(voice, ENGLISH, speed=2.0))

    assert ratio == pytest.approx(2.0, rel=0.05)


def test_speech_is_heard_and_starts_with_quiet_for_the_encoders(voice: Voice) -> None:
    pcm = np.concatenate([chunk.pcm for chunk in spoken(voice, ENGLISH)])

    assert np.abs(pcm).max() == pytest.approx(0.3, abs=0.01)
    assert np.abs(pcm[: SAMPLE_RATE // 25]).max() == 0.0


def test_the_same_request_always_sounds_the_same_and_voices_differ(voice: Voice) -> None:
    first, again, other = (
        np.concatenate([chunk.pcm for chunk in spoken(voice, "Hello", name=name)])
        for name in ("low", "low", "high")
    )

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("text", ["", "   \n", "!?…", "🎉🎉", "——"])
def test_text_without_letters_and_digits_is_nothing_to_say(voice: Voice, text: str) -> None:
    with pytest.raises(NothingToSay):
        next(voice.speak(text, "low", "en"))
    with pytest.raises(NothingToSay):
        next(ScriptedFrontEnd().clauses(text, "en"))


def test_unknown_voices_and_impossible_speeds_are_refused(voice: Voice) -> None:
    with pytest.raises(KeyError):
        voice.speak("Hello", "nobody", "en")
    with pytest.raises(ValueError, match="speed"):
        voice.speak("Hello", "low", "en", 2.1)


def test_clauses_cover_the_text_and_keep_its_offsets() -> None:
    words = [word for clause in ScriptedFrontEnd().clauses(ENGLISH, "en") for word in clause.words]

    assert all(ENGLISH[word.start : word.end] == word.text for word in words)
    assert "".join(word.text for word in words) == "".join(filter(str.isalnum, ENGLISH))
