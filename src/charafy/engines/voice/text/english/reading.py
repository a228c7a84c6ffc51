"""English text -> the words that are spoken for it, before any phonemes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .abbreviations import ALONE, ALWAYS, BARE, OPERATORS
from .numbers import cardinal, ordinal
from .patterns import PATTERNS

MAX_WORD = 40
"""Letters of a word that are spoken as one; longer ones are cut."""

_WORD = re.compile(rf"[A-Za-z]{{1,{MAX_WORD}}}(?:'[A-Za-z]{{1,10}}){{0,3}}'?")
_LEADING_APOSTROPHE = re.compile(
    r"'(?:cause|em|til|tis|twas|bout|round|s|ll|re|ve|d|m|n'?)\b", re.I
)
_ENDS = re.compile(r"[.!?…][.!?…\s]{0,40}(?=[.!?…])[.!?…]|[.!?…]")
_DASH = re.compile(r"-{2,20}|[—–]{1,20}")
_ROMAN = re.compile(r"[IVX]{1,6}\b(?!')")
_ROMAN_VALID = re.compile(r"X{0,3}(?:IX|IV|V?I{0,3})")
_ROMAN_AFTER = frozenset(
    "chapter part act volume book war phase type section mark level stage bowl article scene tier "
    "class episode season version world figure appendix".split()
)
_REIGNS = frozenset(
    "henry louis elizabeth george charles edward richard william james philip paul pius john "
    "benedict catherine alexander nicholas napoleon francis frederick gregory leo peter ramses".split()
)
_OPERAND_BEFORE = re.compile(r"[\w)%°\"]\s?$")
_OPERAND_AFTER = re.compile(r"\s?[\w($£€\"-]")
_PUNCTUATION = {",": ",", ";": ";", ":": ":", "、": ",", "。": ".", "(": "(", ")": ")"}
_PUNCTUATION |= {"“": "“", "”": "”", "—": "—", "・": ","}


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
    short = _abbreviation(text, at, previous)
    if short:
        return short
    for pattern, reading in PATTERNS:
        match = pattern.match(text, at)
        if match:
            said = reading(match, british)
            if said is not None:
                return Token(at, _past_pattern(text, match), tuple(said.split()))
    roman = _ROMAN.match(text, at)
    if roman and (said := _roman(roman[0], previous)):
        return Token(at, roman.end(), tuple(said.split()))
    if text[at] == "'":
        word = _LEADING_APOSTROPHE.match(text, at)
        return Token(at, word.end(), (word[0],)) if word else Token(at, at + 1, ())
    word = _WORD.match(text, at)
    if word:
        return Token(at, word.end(), _plain_words(word[0]))
    return _mark(text, at)


def _past_pattern(text: str, match: re.Match[str]) -> int:
    """A full stop taken as part of "p.m." still ends the sentence when nothing follows it."""
    end = match.end()
    return end - 1 if text[end - 1] == "." and not text[end:].strip() else end


def _plain_words(word: str) -> tuple[str, ...]:
    if word in BARE:
        return tuple(BARE[word].split())
    return (word,)


def _abbreviation(text: str, at: int, previous: str) -> Token | None:
    match = _ABBREVIATION.match(text, at)
    if match is None:
        return None
    if match.end() >= len(text) or text[match.end()] != ".":
        said = BARE.get(match[0])
        return Token(at, match.end(), tuple(said.split())) if said else None
    bare = match[0].lower()
    after = text[match.end() + 1 :].lstrip()[:1]
    if bare in ("st", "dr"):
        said = _street_or_title(bare, after, previous)
    elif bare in ALWAYS and not (bare in _ALSO_WORDS and (not after or after.isupper())):
        said = ALWAYS[bare]
    else:
        return None
    end = match.end() + (1 if after else 0)
    return Token(at, end, tuple(said.split()))


_ABBREVIATION = re.compile(
    r"w/o?(?![A-Za-z])|[bc]/[co](?![A-Za-z])|[A-Za-z]{2,6}(?![A-Za-z'])|[A-Za-z](?:\.[A-Za-z]{1,2}){1,2}(?![A-Za-z])"
)
_ALSO_WORDS = frozenset(
    "mon wed sat sun fig col gen max min rep sec mar jan apt est ms ext pres".split()
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
    for sign, following in zip(numeral, numeral[1:] + " ", strict=True):
        worth = {"I": 1, "V": 5, "X": 10}[sign]
        value += -worth if (sign, following) in (("I", "V"), ("I", "X")) else worth
    before = previous.lower()
    if before in _REIGNS and numeral != "I":
        return f"the {ordinal(str(value))}"
    if before in _ROMAN_AFTER or (len(numeral) > 1 and numeral not in ("XX", "XXX")):
        return cardinal(str(value))
    return None


def _mark(text: str, at: int) -> Token:
    char = text[at]
    ends = _ENDS.match(text, at)
    if ends:
        return Token(at, ends.end(), (_sentence_end(ends[0]),), True)
    dash = _DASH.match(text, at)
    if dash:
        return Token(at, dash.end(), ("—",), True)
    if char == "-" and _spaced(text, at):
        numeric = _is_sum(text, at)
        return Token(at, at + 1, ("minus",) if numeric else ("—",), not numeric)
    if char == '"':
        opens = not at or text[at - 1].isspace() or text[at - 1] in "(“"
        return Token(at, at + 1, ("“" if opens else "”",), True)
    if char in _PUNCTUATION:
        return Token(at, at + 1, (_PUNCTUATION[char],), True)
    if char == "/" and at and text[at - 1].isalpha() and text[at + 1 : at + 2].isalpha():
        return Token(at, at + 1, ("slash",) if not _is_pair(text, at) else ())
    if char in OPERATORS and _between_operands(text, at):
        return Token(at, at + 1, tuple(OPERATORS[char].split()))
    if char == "+" and at and text[at - 1] in "+CcAaBb123456789":
        return Token(at, at + 1, ("plus",))
    if char == "#" and at and text[at - 1].isalpha():
        return Token(at, at + 1, ("sharp",))
    if char == "~" and text[at + 1 : at + 2].isdigit():
        return Token(at, at + 1, ("about",))
    return Token(at, at + 1, tuple(ALONE.get(char, "").split()))


def _sentence_end(marks: str) -> str:
    if "?" in marks:
        return "?"
    if "!" in marks:
        return "!"
    return "…" if "…" in marks or marks.count(".") > 1 else "."


def _spaced(text: str, at: int) -> bool:
    return (not at or text[at - 1].isspace()) and text[at + 1 : at + 2].isspace()


def _is_sum(text: str, at: int) -> bool:
    before = text[max(0, at - 2) : at - 1]
    return before.isdigit() and text[at + 2 : at + 3].isdigit()


def _is_pair(text: str, at: int) -> bool:
    """Whether a slash joins two words ("and/or"), which is heard as a list."""
    return bool(re.match(r"[a-z]{2,}", text[at + 1 : at + 20]))


def _between_operands(text: str, at: int) -> bool:
    if text[at] in "<>" and (text[at + 1 : at + 2] == "3" and (not at or text[at - 1].isspace())):
        return False
    if text[at] in "/" and not _is_digits_around(text, at):
        return False
    before = _OPERAND_BEFORE.search(text[max(0, at - 2) : at])
    return bool(before and _OPERAND_AFTER.match(text, at + 1)) and not _letters_around(text, at)


def _is_digits_around(text: str, at: int) -> bool:
    return text[at - 1 : at].isdigit() and text[at + 1 : at + 2].isdigit()


def _letters_around(text: str, at: int) -> bool:
    """A hyphen or slash inside a word is no operator."""
    return text[at] == "-" and text[at - 1 : at].isalnum() and text[at + 1 : at + 2].isalnum()
