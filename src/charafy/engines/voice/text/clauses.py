"""Sentences -> clauses: what is synthesised at once.

The first clause is short, so that audio starts early; later ones are whole sentences, several
short ones together, because intonation needs room.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from charafy.engines.voice import Clause, Language, Spoken
from charafy.engines.voice.vocabulary import MAX_SYMBOLS

from .wordlists import words

TARGET = 200
"""Symbols at which a clause is long enough for good intonation; longer sentences are divided."""

MIN_LATER = 60
"""Symbols below which a later clause is joined to the next sentence."""

MIN_FIRST, MAX_FIRST = 18, 110
"""Symbols of the first clause: about one second, and where it is cut even without a comma."""

HARD_LIMIT = 400
"""Symbols that no clause exceeds (the model takes `MAX_SYMBOLS`; it rushes when nearly full)."""

assert HARD_LIMIT < MAX_SYMBOLS

_STRENGTH: Final = {",": 1, "—": 2, ";": 3, ":": 3, "…": 4, ".": 5, "!": 6, "?": 7}
_OPENERS, _CLOSERS = "(“", ")”"
_SOFT_BEFORE = frozenset(
    words("and but or because that which who when where while if so to before after until since as")
)
_SOFT_AFTER = tuple("はがをにでとてもらば")


@dataclass(frozen=True, slots=True)
class Piece:
    """One spoken word or mark with its place in the input."""

    text: str
    phonemes: str
    start: int
    end: int
    language: Language
    is_mark: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """The pieces of one sentence. `complete` is false when it was cut for its length only."""

    pieces: tuple[Piece, ...]
    complete: bool
    silence_s: float


def tidy(pieces: Iterable[Piece], complete: bool) -> tuple[Piece, ...]:
    """Keep one mark between words, none at the start, and end on one."""
    out: list[Piece] = []
    for piece in pieces:
        if not piece.is_mark or _is_heard(out, piece):
            out.append(piece)
    while out and out[-1].is_mark and out[-1].phonemes in _OPENERS:
        out.pop()
    if all(piece.is_mark for piece in out):
        return ()
    _finish(out, complete)
    return tuple(out)


def _is_heard(out: list[Piece], mark: Piece) -> bool:
    """Whether a mark adds to what stands before it; an empty or weaker one there is replaced."""
    last = out[-1] if out else None
    if mark.phonemes in _OPENERS:
        return last is None or last.phonemes not in _OPENERS
    if last is None:
        return False
    if last.phonemes in _OPENERS:
        if mark.phonemes in _CLOSERS:
            out.pop()
        return False
    if not last.is_mark or mark.phonemes in _CLOSERS:
        return last.phonemes not in _CLOSERS
    if last.phonemes in _CLOSERS:
        return not out[-2].is_mark
    if _STRENGTH.get(mark.phonemes, 0) > _STRENGTH.get(last.phonemes, 0):
        out[-1] = replace(mark, start=last.start, text=last.text + mark.text)
    return False


def _finish(out: list[Piece], complete: bool) -> None:
    """End a sentence on a full stop and a cut on a comma where nothing else ends it."""
    last = next(piece for piece in reversed(out) if piece.phonemes not in _CLOSERS)
    if last.is_mark and not (complete and last.phonemes in ",—:;"):
        return
    if last.is_mark and out[-1] is last:
        out.pop()
    out.append(_added_mark("." if complete else ",", out[-1]))


def pack(phrases: Iterable[Phrase], language: Language) -> Iterator[Clause]:
    """Yield clauses as early as their sentences are known.

    Silence before the first word comes as a clause without words.
    """
    held: list[Piece] = []
    first = True
    for phrase in phrases:
        parts = _divided(phrase.pieces, first)
        for at, part in enumerate(parts):
            if held and _size(held) + _size(part) > TARGET:
                yield _clause(held, language)
                held = []
            held += part
            enough = _size(held) >= (MIN_FIRST if first else MIN_LATER)
            if enough and (at + 1 < len(parts) or not phrase.silence_s):
                yield _clause(held, language)
                held, first = [], False
        if phrase.silence_s and (held or first):
            yield _clause(held, language, phrase.silence_s)
            held, first = [], first and not held
    if held:
        yield _clause(held, language)


def _divided(pieces: Sequence[Piece], first: bool) -> list[list[Piece]]:
    """Cut one sentence where it may pause: an early cut when it is the first, then by length."""
    parts: list[list[Piece]] = []
    rest = list(pieces)
    if first and rest:
        cut = _first_cut(rest)
        parts.append(_closed(rest[:cut]))
        rest = rest[cut:]
    while _size(rest) > TARGET:
        cut = _even_cut(rest)
        parts.append(_closed(rest[:cut]))
        rest = rest[cut:]
    return [part for part in (*parts, rest) if part]


def _first_cut(pieces: Sequence[Piece]) -> int:
    size = 0
    soft = 0
    for at, piece in enumerate(pieces):
        if MIN_FIRST * 2 <= size <= MAX_FIRST and _may_pause(pieces, at):
            soft = at
        size += len(piece.phonemes) + 1
        if size >= MIN_FIRST and _may_end(pieces, at + 1):
            return at + 1
        if size > MAX_FIRST and soft:
            return soft
        if size > TARGET:
            return at or 1
    return len(pieces)


def _even_cut(pieces: Sequence[Piece]) -> int:
    """The best place to divide an overlong sentence: a late comma, a conjunction, any word."""
    size = 0
    places = {"comma": 0, "soft": 0, "word": 0}
    for at, piece in enumerate(pieces):
        size += len(piece.phonemes) + 1
        if size > TARGET and places["word"]:
            break
        if _may_end(pieces, at + 1) and size >= MIN_LATER:
            places["comma"] = at + 1
        elif _may_pause(pieces, at + 1) and size >= MIN_LATER * 2:
            places["soft"] = at + 1
        if not (at + 1 < len(pieces) and pieces[at + 1].is_mark):
            places["word"] = at + 1
    return places["comma"] or places["soft"] or places["word"] or 1


def _may_end(pieces: Sequence[Piece], at: int) -> bool:
    """Whether a mark ends just before `at` and something is left to say after it."""
    if at >= len(pieces):
        return True
    before, after = pieces[at - 1], pieces[at]
    if before.start == after.start:
        return False
    if not before.is_mark or before.phonemes in _OPENERS:
        return False
    return not after.is_mark or after.phonemes in _OPENERS


def _may_pause(pieces: Sequence[Piece], at: int) -> bool:
    if not 0 < at < len(pieces) or pieces[at].is_mark or pieces[at - 1].is_mark:
        return False
    if pieces[at - 1].language == "ja":
        return pieces[at - 1].text.endswith(_SOFT_AFTER)
    return pieces[at].text.lower() in _SOFT_BEFORE


def _closed(part: list[Piece]) -> list[Piece]:
    if part and not part[-1].is_mark:
        part.append(_added_mark(",", part[-1]))
    return part


def _added_mark(mark: str, after: Piece) -> Piece:
    """A mark that is heard but not written; it has the place of the word before it."""
    return Piece("", mark, after.start, after.end, after.language, True)


def _size(pieces: Sequence[Piece]) -> int:
    return sum(len(piece.phonemes) + 1 for piece in pieces)


def _clause(pieces: Sequence[Piece], language: Language, pause_s: float = 0.0) -> Clause:
    words: list[Spoken] = []
    for at, piece in enumerate(pieces):
        following = pieces[at + 1] if at + 1 < len(pieces) else None
        words.append(
            Spoken(piece.text, piece.phonemes, _space(piece, following), piece.start, piece.end)
        )
    languages = {piece.language for piece in pieces if not piece.is_mark}
    spoken = languages.pop() if len(languages) == 1 else language
    return Clause(tuple(words), spoken, pause_s)


def _space(piece: Piece, following: Piece | None) -> bool:
    if following is None or (piece.is_mark and piece.phonemes in _OPENERS):
        return False
    if following.is_mark:
        return following.phonemes in _OPENERS + "—"
    return not piece.phonemes.endswith("ʔ")
