"""The front end: any text -> clauses of phonemes, in English, Japanese and mixtures of both."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from charafy.engines.voice import Clause, Language, NothingToSay
from charafy.engines.voice.vocabulary import SYMBOLS

from .aligned import Aligned
from .clauses import Phrase, Piece, pack, tidy
from .cleaning import clean
from .english.lexicon import Variety
from .english.speech import EnglishSpeech
from .japanese.normalise import normalise
from .japanese.phonemes import katakana
from .japanese.phonemes import phonemes as kana_phonemes
from .japanese.speech import JapaneseSpeech
from .scripts import runs
from .sentences import Sentence, sentences

MAX_FORM = 160
"""Symbols of one written form that are kept in one `Spoken`."""

_KANA_ONLY = re.compile("[ぁ-ゖァ-ヺー]+")
_MARKUP = frozenset("<>*_`~[]#")


class TextFrontEnd:
    """`FrontEnd` for Kokoro. Safe to call from many threads.

    A language's dictionaries are read when it is first spoken (about 0.1 s for English, 0.5 s for
    Japanese), or ahead by `load`. `english` chooses American or British pronunciation.
    """

    def __init__(
        self,
        pronunciations: Mapping[str, str] | None = None,
        english: Variety = "american",
    ) -> None:
        """`pronunciations` maps written forms to a kana reading or to phonemes of `SYMBOLS`.

        Latin forms match whole words in any case. Raises `ValueError` for an empty form or a
        pronunciation that is neither.
        """
        self._own = MappingProxyType(
            {
                written.lower(): _own_sound(written, p)
                for written, p in (pronunciations or {}).items()
            }
        )
        self._own_pattern = _own_pattern(self._own)
        self._variety: Variety = english
        self._english: EnglishSpeech | None = None
        self._japanese: JapaneseSpeech | None = None
        self._loading = threading.Lock()

    def load(self, language: Language) -> None:
        """Read the dictionaries of a language now instead of at its first word."""
        if language == "en":
            self._english_speech()
        else:
            self._japanese_speech()

    def clauses(self, text: str, language: Language) -> Iterator[Clause]:
        """See `FrontEnd.clauses`.

        What is said for one written form is one `Spoken` with spaces among its phonemes, so that
        "$5" is heard from the start of "five" to the end of "dollars". Only a form of more than
        `MAX_FORM` symbols comes in several; all have its span, the first alone its text.
        Silence asked for before the first word is a clause of its own without words.
        """
        silence = 0.0
        spoken = False
        phrases = (self._phrase(s, text, language) for s in sentences(clean(text)))
        for clause in pack(phrases, language):
            if not clause.words:
                silence = clause.pause_s
                continue
            if silence:
                yield Clause((), language, silence)
                silence = 0.0
            spoken = True
            yield clause
        if not spoken:
            raise NothingToSay("the text holds nothing that can be spoken")

    def _english_speech(self) -> EnglishSpeech:
        with self._loading:
            if self._english is None:
                self._english = EnglishSpeech(self._variety)
            return self._english

    def _japanese_speech(self) -> JapaneseSpeech:
        with self._loading:
            if self._japanese is None:
                self._japanese = JapaneseSpeech()
            return self._japanese

    def _phrase(self, sentence: Sentence, source: str, language: Language) -> Phrase:
        pieces: list[Piece] = []
        for own, written in self._parts(sentence.written):
            if own is not None:
                pieces.append(_piece(source, written, (0, len(written)), own[0], own[1]))
                continue
            plain = normalise(written) if language == "ja" else written
            for run_language, start, end in runs(plain.text, language):
                run = plain.slice(start, end)
                say = self._say_english if run_language == "en" else self._say_japanese
                pieces += say(run, source, language)
        return Phrase(
            tidy(_by_written_form(pieces), sentence.complete), sentence.complete, sentence.silence_s
        )

    def _parts(self, written: Aligned) -> Iterator[tuple[tuple[str, Language] | None, Aligned]]:
        """Stretches of text, each with its pronunciation when the user gave one."""
        at = 0
        if self._own_pattern:
            for match in self._own_pattern.finditer(written.text):
                if at < match.start():
                    yield None, written.slice(at, match.start())
                yield self._own[match[0].lower()], written.slice(match.start(), match.end())
                at = match.end()
        if at < len(written):
            yield None, written.slice(at, len(written))

    def _say_english(self, run: Aligned, source: str, language: Language) -> Iterator[Piece]:
        for said in self._english_speech().say(run.text):
            token = said.token
            for word, sound in zip(token.words, said.phonemes, strict=True):
                mark = token.is_mark or word == ","
                if sound:
                    yield _piece(source, run, (token.start, token.end), sound, "en", is_mark=mark)

    def _say_japanese(self, run: Aligned, source: str, language: Language) -> Iterator[Piece]:
        if language == "en":
            run = normalise(run)
        for word in self._japanese_speech().say(run.text):
            place = (word.start, word.end)
            yield _piece(source, run, place, word.phonemes, "ja", is_mark=word.is_mark)


def _piece(
    source: str,
    run: Aligned,
    place: tuple[int, int],
    sound: str,
    language: Language,
    *,
    is_mark: bool = False,
) -> Piece:
    start, end = place
    first, last = run.span(start, max(end, start + 1)) if start < len(run) else (run.ends[-1],) * 2
    written = source[first:last]
    if not is_mark and _MARKUP.intersection(written):
        written = run.text[start:end]
    known = "".join(symbol for symbol in sound if symbol in SYMBOLS)
    return Piece(written, known, first, last, language, is_mark)


def _by_written_form(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join what is said for one written form; only a very long one stays in several pieces."""
    held: Piece | None = None
    for piece in pieces:
        if not piece.phonemes:
            continue
        if held is None or (piece.start, piece.end) != (held.start, held.end):
            if held:
                yield held
            held = piece
        elif len(held.phonemes) + len(piece.phonemes) > MAX_FORM:
            yield held
            held = replace(piece, text="")
        else:
            gap = "" if piece.is_mark else " "
            held = replace(held, phonemes=held.phonemes + gap + piece.phonemes)
    if held:
        yield held


def _own_sound(written: str, pronunciation: str) -> tuple[str, Language]:
    if not written.strip():
        raise ValueError("a pronunciation needs a written form")
    if _KANA_ONLY.fullmatch(pronunciation):
        return kana_phonemes(katakana(pronunciation)), "ja"
    if not pronunciation or any(symbol not in SYMBOLS for symbol in pronunciation):
        raise ValueError(f"neither kana nor phonemes: {pronunciation[:40]!r}")
    return pronunciation, "en"


def _own_pattern(own: Mapping[str, object]) -> re.Pattern[str] | None:
    if not own:
        return None
    forms = (
        rf"(?<![A-Za-z0-9]){re.escape(w)}(?![A-Za-z0-9])" if w.isascii() else re.escape(w)
        for w in sorted(own, key=len, reverse=True)
    )
    return re.compile("|".join(forms), re.IGNORECASE)
