"""English text -> the words that are spoken for it, before any phonemes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..wordlists import words
from .abbreviations import ALWAYS, BARE
from .marks import pause, sign
from .numbers import cardinal, ordinal
from .patterns import PATTERNS

MAX_WORD = 40
"""Letters of a word that are spoken as one; longer ones are cut."""

_INITIAL = re.compile(r"([A-Z])\.(?=\s([A-Z][a-z]{1,20}|[A-Z](?=\.)))")
_STARTERS = frozenset(
    words("the then it we he she they but and i you this that in so if as there when what my")
)
_WORD = re.compile(rf"[A-Za-z]{{1,{MAX_WORD}}}(?:'[A-Za-z]{{1,10}}){{0,3}}'?")
_LEADING_APOSTROPHE = re.compile(
    r"'(?:cause|em|til|tis|twas|bout|round|s|ll|re|ve|d|m|n'?)\b", re.I
)
_ROMAN = re.compile(r"[IVX]{1,6}\b(?!')")
_ROMAN_VALID = re.compile(r"X{0,3}(?:IX|IV|V?I{0,3})")
_ROMAN_AFTER = frozenset(
    words(
        "chapter part act volume book war phase type section mark level stage bowl article "
        "scene tier "
        "class episode season version world figure appendix"
    )
)
_REIGNS = frozenset(
    words(
        "henry louis elizabeth george charles edward richard william james philip paul pius john "
        "benedict catherine alexander nicholas napoleon francis frederick gregory leo peter "
        "ramses"
    )
)


@dataclass(frozen=True, slots=True)
class Token:
    """A written stretch and what is said for it: words, or one punctuation mark of Kokoro's."""

    start: int
    end: int
    words: tuple[str, ...]
    """A single capital is a letter name; otherwise case as written."""
    is_mark: bool = False


def read(text: str, british: bool) -> Iterator[Token]:
    """Split text into tokens, in order and without overlap; what is silent has none."""
    at = 0
    previous = ""
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        token = _token(text, at, british, previous)
        if token.words:
            yield token
            previous = token.words[-1] if token.end - at > 0 else previous
        at = max(token.end, at + 1)


def _token(text: str, at: int, british: bool, previous: str) -> Token:
    return (
        _abbreviation(text, at, previous)
        or _initial(text, at)
        or _pattern(text, at, british)
        or _numeral(text, at, previous)
        or _word(text, at)
        or _mark(text, at)
    )


def _initial(text: str, at: int) -> Token | None:
    """The "J." of a name; in "plan B. Then" the full stop stands for itself."""
    match = _INITIAL.match(text, at)
    if match is None or match[2].lower() in _STARTERS:
        return None
    return Token(at, match.end(1) + 1, (match[1] if match[1] != "A" else "ay",))


def _pattern(text: str, at: int, british: bool) -> Token | None:
    for pattern, reading in PATTERNS:
        match = pattern.match(text, at)
        if match:
            said = reading(match, british)
            if said is not None:
                return Token(at, _past_pattern(text, match), words(said))
    return None


def _numeral(text: str, at: int, previous: str) -> Token | None:
    match = _ROMAN.match(text, at)
    said = _roman(match[0], previous) if match else None
    return Token(at, match.end(), words(said)) if match and said else None


def _word(text: str, at: int) -> Token | None:
    match = (_LEADING_APOSTROPHE if text[at] == "'" else _WORD).match(text, at)
    return Token(at, match.end(), words(BARE.get(match[0], match[0]))) if match else None


def _mark(text: str, at: int) -> Token:
    mark = pause(text, at)
    if mark:
        return Token(at, mark[0], (mark[1],), True)
    return Token(at, at + 1, words(sign(text, at)))


def _past_pattern(text: str, match: re.Match[str]) -> int:
    """A full stop taken as part of "p.m." still ends the sentence when nothing follows it."""
    end = match.end()
    return end - 1 if text[end - 1] == "." and not text[end:].strip() else end


def _abbreviation(text: str, at: int, previous: str) -> Token | None:
    match = _ABBREVIATION.match(text, at)
    if match is None:
        return None
    if text[match.end() : match.end() + 1] != "." or "-" in match[0]:
        said = BARE.get(match[0])
        return Token(at, match.end(), words(said)) if said else None
    bare = match[0].lower()
    after = text[match.end() + 1 :].lstrip()[:1]
    if bare in ("st", "dr"):
        said = _street_or_title(bare, after, previous)
    elif bare in ALWAYS and not (bare in _ALSO_WORDS and (not after or after.isupper())):
        said = ALWAYS[bare]
    else:
        return None
    end = match.end() + (1 if after else 0)
    return Token(at, end, words(said))


_ABBREVIATION = re.compile(
    r"AT&T|[Ww]i-[Ff]i(?![A-Za-z])|Ph\.D|w/o?(?![A-Za-z])|[bc]/[co](?![A-Za-z])|[A-Za-z]{2,6}(?![A-Za-z'])|[A-Za-z](?:\.[A-Za-z]{1,2}){1,2}(?![A-Za-z])"
)
_ALSO_WORDS = frozenset(
    words("mon wed sat sun fig col gen max min rep sec mar jan apt est ext pres")
)


def _street_or_title(bare: str, after: str, previous: str) -> str:
    """ "St." and "Dr." before a name are titles, after one they are ways."""
    title = after.isupper() and not (previous[:1].isupper() and bare == "dr")
    if bare == "st":
        return "saint" if title and not previous[:1].isupper() else "street"
    return "doctor" if title or not previous[:1].isupper() else "drive"


def _roman(numeral: str, previous: str) -> str | None:
    if not _ROMAN_VALID.fullmatch(numeral) or not previous:
        return None
    value = 0
    for letter, following in zip(numeral, numeral[1:] + " ", strict=True):
        worth = {"I": 1, "V": 5, "X": 10}[letter]
        value += -worth if letter + following in ("IV", "IX") else worth
    before = previous.lower()
    if before in _REIGNS and numeral != "I":
        return f"the {ordinal(str(value))}"
    if before in _ROMAN_AFTER or (len(numeral) > 1 and numeral not in ("XX", "XXX")):
        return cardinal(str(value))
    return None
