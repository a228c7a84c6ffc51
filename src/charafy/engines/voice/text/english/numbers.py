"""Numbers in English words. Everything returns words separated by single spaces."""

from __future__ import annotations

from typing import Final

from ..wordlists import words

_ONES = words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS = words("- - twenty thirty forty fifty sixty seventy eighty ninety")
_SCALES = words(
    "- thousand million billion trillion quadrillion quintillion sextillion septillion "
    "octillion nonillion"
)
_ORDINALS: Final = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip
_DENOMINATORS: Final = {2: "half", 4: "quarter"}

MAX_NAMED_DIGITS = 3 * len(_SCALES)
"""Longer integers have no common name and are read digit by digit."""


def digits(text: str, zero: str = "zero") -> str:
    """Digit by digit; characters other than digits are skipped."""
    return " ".join(zero if c == "0" else _ONES[int(c)] for c in text if c.isdigit())


def cardinal(text: str) -> str:
    """A whole number written in digits (commas allowed)."""
    number = text.replace(",", "")
    if len(number) > MAX_NAMED_DIGITS or (len(number) > 1 and number[0] == "0"):
        return digits(number)
    value = int(number)
    if value == 0:
        return "zero"
    words: list[str] = []
    for power in range(len(_SCALES) - 1, -1, -1):
        group, value = divmod(value, 1000**power)
        if group:
            words += (_below_thousand(group), *([_SCALES[power]] if power else []))
    return " ".join(words)


def ordinal(text: str) -> str:
    """`1` -> first, `21` -> twenty first."""
    *front, last = cardinal(text).split()
    if last in _ORDINALS:
        last = _ORDINALS[last]
    elif last.endswith("y"):
        last = last[:-1] + "ieth"
    else:
        last += "th"
    return " ".join((*front, last))


def decimal(whole: str, fraction: str) -> str:
    """`3`, `14` -> three point one four."""
    return f"{cardinal(whole or '0')} point {digits(fraction)}"


def number(text: str) -> str:
    """A plain number with commas and a decimal point, read as a quantity."""
    whole, _, part = text.partition(".")
    return decimal(whole, part) if part else cardinal(whole)


def year(text: str) -> str:
    """Four digits as a year: 1999, 2005, 2025, 1800; other lengths as a cardinal."""
    if len(text) != 4 or text[0] == "0":
        return cardinal(text)
    century, rest = int(text[:2]), int(text[2:])
    if text[1:3] == "00":
        return cardinal(text)
    if rest == 0:
        return f"{_below_thousand(century)} hundred"
    if rest < 10:
        return f"{_below_thousand(century)} oh {_ONES[rest]}"
    return f"{_below_thousand(century)} {_below_thousand(rest)}"


def decade(text: str) -> str:
    """`1990` -> nineteen nineties, `80` -> eighties."""
    words = year(text)
    return words[:-1] + "ies" if words.endswith("y") else words + "s"


def fraction(over: str, under: str) -> str:
    """`3`, `4` -> three quarters; unusual denominators as `over`."""
    top, bottom = int(over), int(under)
    if bottom == 0 or bottom > 100 or top > 100 or (bottom == 1):
        return f"{cardinal(over)} over {cardinal(under)}"
    name = _DENOMINATORS.get(bottom) or ordinal(under)
    if top != 1:
        name = "halves" if bottom == 2 else name + "s"
    return f"{cardinal(over)} {name}"


def _below_thousand(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    words = [_ONES[hundreds], "hundred"] if hundreds else []
    if rest >= 20:
        tens, ones = divmod(rest, 10)
        words += [_TENS[tens], *([_ONES[ones]] if ones else [])]
    elif rest or not hundreds:
        words.append(_ONES[rest])
    return " ".join(words)
