"""A known text is found again in its sound: words and phonemes get the times they are heard at."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from charafy.engines.voice import SAMPLE_RATE, Clause, Language, Mark, Pcm, Spoken
from charafy.engines.voice.alignment import Aligner
from charafy.engines.voice.kokoro import KokoroVoice, stock_styles
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.voice.visemes import Viseme, visemes
from charafy.engines.voice.vocabulary import PUNCTUATION
from charafy.engines.weights import Store

ENGLISH = "Turn left at the bakery, and walk straight until you see the river."
JAPANESE = "お荷物は昨日届きましたので、受付で受け取れます。"


@dataclass(frozen=True)
class Speech:
    """A sentence by a voice that the network never heard, with the voice's own marks."""

    clause: Clause
    pcm: Pcm
    marks: tuple[Mark, ...]

    @property
    def seconds(self) -> float:
        return len(self.pcm) / SAMPLE_RATE


@pytest.fixture(scope="module")
def voice() -> KokoroVoice:
    folder = os.environ.get("CHARAFY_MODELS") or str(
        Path(platformdirs.user_cache_dir("charafy", appauthor=False)) / "models"
    )
    model = Store(Path(folder)).ensure("kokoro")
    return KokoroVoice(model, stock_styles(), TextFrontEnd(), model.parent, 1)


def said(voice: KokoroVoice, text: str, name: str, language: Language) -> Speech:
    words = tuple(w for c in TextFrontEnd().clauses(text, language) for w in c.words)
    chunks = list(voice.speak(text, name, language))
    marks = tuple(mark for chunk in chunks for mark in chunk.marks)
    return Speech(Clause(words, language), np.concatenate([c.pcm for c in chunks]), marks)


@pytest.fixture(scope="module")
def english(voice: KokoroVoice) -> Speech:
    return said(voice, ENGLISH, "am_michael", "en")


@pytest.fixture(scope="module")
def japanese(voice: KokoroVoice) -> Speech:
    return said(voice, JAPANESE, "jm_kumo", "ja")


@pytest.fixture(params=["english", "japanese"])
def speech(request: pytest.FixtureRequest) -> Speech:
    spoken = request.getfixturevalue(request.param)
    assert isinstance(spoken, Speech)
    return spoken


def words(marks: tuple[Mark, ...]) -> list[Mark]:
    return [mark for mark in marks if mark.kind == "word"]


def late(found: list[Mark], true: list[Mark]) -> list[float]:
    """Seconds by which words start late, in order; the words must be the same."""
    assert [mark.text for mark in found] == [mark.text for mark in true]
    return [a.start_s - b.start_s for a, b in zip(found, true, strict=True)]


def hum(seconds: float) -> Pcm:
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * 140 * times)).astype(np.float32)


def assert_orderly(marks: tuple[Mark, ...], seconds: float) -> None:
    """Inside the sound, in order, none overlapping another of its kind."""
    assert list(marks) == sorted(marks, key=lambda mark: mark.start_s)
    for kind in ("word", "phoneme"):
        same = [mark for mark in marks if mark.kind == kind]
        assert all(0.0 <= mark.start_s <= mark.end_s <= seconds + 1e-9 for mark in same)
        assert all(a.end_s <= b.start_s + 1e-9 for a, b in pairwise(same))


def test_words_start_where_the_voice_started_them(speech: Speech) -> None:
    found = words(Aligner().marks(speech.clause, speech.pcm))
    errors = np.abs(late(found, words(speech.marks)))
    assert np.median(errors) < 0.025
    assert errors.max() < 0.12


def test_every_symbol_is_marked_in_order_inside_the_sound(speech: Speech) -> None:
    marks = Aligner().marks(speech.clause, speech.pcm)
    assert_orderly(marks, speech.seconds)
    symbols = "".join(mark.text for mark in marks if mark.kind == "phoneme")
    assert symbols == speech.clause.phonemes
    assert not {m.text for m in words(marks)} & PUNCTUATION


def test_a_mouth_can_be_drawn_from_the_marks(speech: Speech) -> None:
    """Lip sync from them shows what lip sync from the voice's own marks shows, mostly."""
    marks = Aligner().marks(speech.clause, speech.pcm)
    ours, true = visemes(marks, speech.seconds), visemes(speech.marks, speech.seconds)

    def at(track: tuple[Viseme, ...], second: float) -> str:
        return next(v.shape for v in track if v.start_s <= second < v.end_s)

    moments = np.arange(0.1, speech.seconds - 0.3, 0.02)
    same = [at(ours, moment) == at(true, moment) for moment in moments]
    assert np.mean(same) > 0.65


def test_silence_around_and_a_pause_inside_belong_to_no_word(english: Speech) -> None:
    """As other services answer: half a second before, a second after, a long breath inside."""
    comma = next(m for m in english.marks if m.kind == "phoneme" and m.text == ",")
    cut = round((comma.start_s + comma.end_s) / 2 * SAMPLE_RATE)
    quiet = np.zeros(SAMPLE_RATE, np.float32)
    pcm = np.concatenate([quiet[:12_000], english.pcm[:cut], quiet, english.pcm[cut:], quiet])
    found = words(Aligner().marks(english.clause, pcm))
    moved = np.array(late(found, words(english.marks)))
    before = [mark.start_s * SAMPLE_RATE < cut for mark in words(english.marks)]
    assert np.abs(moved - np.where(before, 0.5, 1.5)).max() < 0.12
    breath = (cut / SAMPLE_RATE + 0.55, cut / SAMPLE_RATE + 1.45)
    assert not [m for m in found if m.start_s < breath[0] and m.end_s > breath[1]]


def test_another_gain_and_some_noise_change_little(english: Speech) -> None:
    noise = np.random.default_rng(1).normal(0, 0.003, len(english.pcm)).astype(np.float32)
    found = words(Aligner().marks(english.clause, 0.3 * english.pcm + noise))
    assert np.median(np.abs(late(found, words(english.marks)))) < 0.03


def test_known_word_starts_are_kept_to(english: Speech) -> None:
    """A service that says when each letter is spoken is believed, to 50 ms."""
    true = words(english.marks)
    spoken = [i for i, w in enumerate(english.clause.words) if w.text and w.phonemes not in ",."]
    shifted = {index: mark.start_s + 0.2 for index, mark in zip(spoken, true, strict=True)}
    pcm = np.pad(english.pcm, (0, SAMPLE_RATE))
    found = words(Aligner().marks(english.clause, pcm, shifted))
    assert np.abs(np.array(late(found, true)) - 0.2).max() <= 0.056


def test_starts_that_can_not_be_are_ignored(english: Speech) -> None:
    backwards = {index: 3.0 - 0.2 * index for index in range(len(english.clause.words))}
    marks = Aligner().marks(english.clause, english.pcm, backwards)
    assert marks == Aligner().marks(english.clause, english.pcm)


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.5])
def test_sound_far_too_short_for_its_text_still_gets_orderly_marks(
    english: Speech, seconds: float
) -> None:
    marks = Aligner().marks(english.clause, english.pcm[: round(seconds * SAMPLE_RATE)])
    assert len(words(marks)) == len(words(english.marks))
    assert_orderly(marks, seconds)


@pytest.mark.parametrize("pcm", [np.zeros(48_000, np.float32), hum(2.0), np.full(24_000, np.nan)])
def test_what_is_no_speech_gets_orderly_marks_too(english: Speech, pcm: Pcm) -> None:
    marks = Aligner().marks(english.clause, pcm)
    assert len(words(marks)) == len(words(english.marks))
    assert_orderly(marks, len(pcm) / SAMPLE_RATE)


def test_nothing_said_has_no_marks(english: Speech) -> None:
    silence = Clause((), "en", 1.0)
    assert Aligner().marks(silence, english.pcm) == ()
    assert Aligner().marks(english.clause, english.pcm[:0]) == ()


def test_symbols_that_only_a_user_writes_are_marked() -> None:
    """Own pronunciations may begin with a length mark or end with a stress."""
    clause = Clause((Spoken("x", "ːˈ", True, 0, 1), Spoken("y", "aˈː", False, 2, 3)), "en")
    marks = Aligner().marks(clause, hum(1.0))
    assert "".join(m.text for m in marks if m.kind == "phoneme") == clause.phonemes
    assert_orderly(marks, 1.0)


def test_two_minutes_take_little_memory_and_time(english: Speech) -> None:
    """The most that a service may send for one clause."""
    clause = Clause(english.clause.words * 5, "en")
    began = time.process_time()
    Aligner().marks(clause, np.tile(english.pcm, 30)[: 120 * SAMPLE_RATE])
    assert time.process_time() - began < 8.0
