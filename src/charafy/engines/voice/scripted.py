"""SCRIPTED, NOT A VOICE: tones instead of speech, for load tests, benchmarks and money tests.

It costs almost nothing and is exactly predictable: every letter is a short sine tone of a length
that people would need to say it, so timelines, prices and streams behave as with a real engine.
Nobody should ever hear it in earnest; a server that uses it says so in its log and its metrics.
"""

from __future__ import annotations

import itertools
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from charafy.engines.voice import (
    MAX_SPEED,
    MIN_SPEED,
    SAMPLE_RATE,
    Clause,
    Language,
    Mark,
    NothingToSay,
    Pcm,
    SpeechChunk,
    Spoken,
)
from charafy.engines.voice.cloning.clonefile import is_clone

_LEAD_S: Final = 0.05
_LETTER_S: Final = 0.065
"""15 letters a second: brisk English."""
_KANA_S: Final = 0.13
_GAP_S: Final = 0.06
_FADE_S: Final = 0.005
_CLAUSE_WORDS: Final = 24
_WORD_LETTERS: Final = 20
"""A longer run of letters counts as several words, so that chunks stay short."""
_VOWELS: Final = "aeiouɑɔʊɪ"
_CONSONANTS: Final = "ptkbdɡmnszfvlɹwj"


class ScriptedFrontEnd:
    """Words are what stands between spaces; one character of Japanese script is a word too."""

    def clauses(self, text: str, language: Language) -> Iterator[Clause]:
        words = _words(text)
        first = next(words, None)
        if first is None:
            raise NothingToSay("the text holds no letter and no digit")
        every = itertools.chain((first,), words)
        while batch := tuple(itertools.islice(every, _CLAUSE_WORDS)):
            yield Clause(batch, language)


class ScriptedVoice:
    """A `Voice` of tones. Safe from any thread; its state is in the iterators alone."""

    def __init__(self, voices: Iterable[str], *, chunk_s: float = 0.4) -> None:
        """`voices`: the names to answer to. `chunk_s`: most seconds of sound in one chunk."""
        self._pitches = {name: _pitch(name) for name in voices}
        self._chunk = round(chunk_s * SAMPLE_RATE)
        self._front_end = ScriptedFrontEnd()

    @property
    def voices(self) -> tuple[str, ...]:
        return tuple(self._pitches)

    def speak(
        self, text: str, voice: str, language: Language, speed: float = 1.0
    ) -> Iterator[SpeechChunk]:
        """See `Voice.speak`. Every clone is known. Raises `ValueError` for a speed out of range."""
        pitch = _pitch(voice) if is_clone(voice) else self._pitches[voice]
        if not MIN_SPEED <= speed <= MAX_SPEED:
            raise ValueError(f"speed must be between {MIN_SPEED} and {MAX_SPEED}, not {speed}")
        return self._speak(text, language, pitch, speed)

    def _speak(
        self, text: str, language: Language, pitch: float, speed: float
    ) -> Iterator[SpeechChunk]:
        chunk = _Gathered([np.zeros(_samples(_LEAD_S), np.float32)], [], 0)
        at = chunk.samples
        for clause in self._front_end.clauses(text, language):
            for word in clause.words:
                sound, marks = _say(word, at, pitch, speed)
                if chunk.samples + len(sound) > self._chunk and chunk.marks:
                    yield chunk.value()
                    chunk = _Gathered([], [], chunk.chars_done)
                at += len(sound)
                chunk.sounds.append(sound)
                chunk.marks.extend(marks)
                chunk.chars_done = word.end
        chunk.chars_done = len(text)
        yield chunk.value()


def _pitch(name: str) -> float:
    return 110.0 + zlib.crc32(name.encode()) % 200


@dataclass(slots=True)
class _Gathered:
    """What the next chunk will hold."""

    sounds: list[Pcm]
    marks: list[Mark]
    chars_done: int

    @property
    def samples(self) -> int:
        return sum(map(len, self.sounds))

    def value(self) -> SpeechChunk:
        return SpeechChunk(np.concatenate(self.sounds), tuple(self.marks), self.chars_done)


def _words(text: str) -> Iterator[Spoken]:
    start: int | None = None
    for at, letter in enumerate(text):
        speakable = letter.isalnum()
        if start is not None and (
            not speakable
            or at - start == _WORD_LETTERS
            or _is_wide(letter)
            or _is_wide(text[start])
        ):
            yield _spoken(text, start, at)
            start = None
        if speakable and start is None:
            start = at
    if start is not None:
        yield _spoken(text, start, len(text))


def _spoken(text: str, start: int, end: int) -> Spoken:
    written = text[start:end]
    phonemes = "".join(map(_phoneme, written))
    return Spoken(written, phonemes, text[end : end + 1].isspace(), start, end)


def _phoneme(letter: str) -> str:
    """Any symbol of the right kind, always the same for the same letter."""
    plain = unicodedata.normalize("NFD", letter.lower())[0]
    symbols = _VOWELS if plain in "aeiou" or _is_wide(letter) else _CONSONANTS
    return plain if plain in symbols else symbols[ord(plain) % len(symbols)]


def _is_wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"


def _say(word: Spoken, at: int, pitch: float, speed: float) -> tuple[Pcm, list[Mark]]:
    """The tones of one word, the silence behind it, and its marks from sample `at` on."""
    tones: list[Pcm] = []
    phonemes: list[Mark] = []
    begin = at
    for letter, symbol in zip(word.text, word.phonemes, strict=True):
        length = _samples((_KANA_S if _is_wide(letter) else _LETTER_S) / speed)
        tones.append(_tone(pitch * (1.0 + 0.04 * (ord(symbol) % 12)), length))
        phonemes.append(Mark("phoneme", symbol, at / SAMPLE_RATE, (at + length) / SAMPLE_RATE))
        at += length
    tones.append(np.zeros(_samples(_GAP_S / speed) if word.space_after else 0, np.float32))
    whole = Mark("word", word.text, begin / SAMPLE_RATE, at / SAMPLE_RATE)
    return np.concatenate(tones), [whole, *phonemes]


def _tone(hertz: float, length: int) -> Pcm:
    time_s = np.arange(length, dtype=np.float32) / SAMPLE_RATE
    fade = np.minimum(1.0, np.minimum(time_s, time_s[::-1]) / _FADE_S)
    tone: Pcm = (0.3 * np.sin(2.0 * np.pi * hertz * time_s) * fade).astype(np.float32)
    return tone


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)
