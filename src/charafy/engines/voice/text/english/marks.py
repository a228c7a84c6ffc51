"""Marks between English words: which are pauses, and which are read as words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from .abbreviations import ALONE, OPERATORS

_ENDS = re.compile(r"[.!?…][.!?…\s]{0,40}(?=[.!?…])[.!?…]|[.!?…]")
_DASH = re.compile(r"-{2,20}|[—–]{1,20}")
_OPERAND_BEFORE = re.compile(r"[\w)%°\"]\s?$")
_OPERAND_AFTER = re.compile(r"\s?[\w($£€\"-]")
_UP_TO = re.compile(r"(?:\d|\d\s?[ap]\.?m\.?)$", re.I)
_RATE = re.compile(r"(?:[$£€¥]\s?[\d,.]{1,15}[kKMB]?|\d\s?[A-Za-z]{1,3})$")
_PUNCTUATION: Final = {
    ",": ",",
    ";": ";",
    ":": ":",
    "、": ",",
    "。": ".",
    "(": "(",
    ")": ")",
    "“": "“",
    "”": "”",
    "—": "—",
    "・": ",",
}


def pause(text: str, at: int) -> tuple[int, str] | None:
    """End and Kokoro's mark of the punctuation at `at`; None when nothing is heard as a pause."""
    ends = _ENDS.match(text, at)
    if ends:
        return ends.end(), _sentence_end(ends[0])
    dash = _DASH.match(text, at)
    if dash and not (text[at - 1 : at].isdigit() and text[dash.end() : dash.end() + 1].isdigit()):
        return dash.end(), "—"
    char = text[at]
    if char == "-" and _stands_alone(text, at) and not _between_digits(text, at):
        return at + 1, "—"
    if char == '"':
        opens = not at or text[at - 1].isspace() or text[at - 1] in "(“"
        return at + 1, "“" if opens else "”"
    mark = _PUNCTUATION.get(char)
    return (at + 1, mark) if mark else None


def sign(text: str, at: int) -> str:
    """Words for the sign at `at`, "" when it is silent there."""
    char = text[at]
    if char == "-" and _stands_alone(text, at):
        return "minus"
    if (
        char in "-–"
        and _UP_TO.search(text[max(0, at - 4) : at])
        and text[at + 1 : at + 2].isdigit()
    ):
        return "to"
    if char == "/" and _RATE.search(text[max(0, at - 24) : at]) and text[at + 1 : at + 2].isalpha():
        return "per"
    if char in OPERATORS and _between_operands(text, at):
        return OPERATORS[char]
    said = _IN_PLACE.get(char)
    if said and said[1](text[at - 1 : at] if at else " ", text[at + 1 : at + 2] or " "):
        return said[0]
    return ALONE.get(char, "")


_IN_PLACE: Final[dict[str, tuple[str, Callable[[str, str], bool]]]] = {
    "/": ("slash", lambda before, after: before.isalpha() and after.isupper()),
    "+": ("plus", lambda before, after: before in "+CcAaBb" or before.isdigit()),
    "#": ("sharp", lambda before, after: before.isalpha()),
    "~": ("about", lambda before, after: after.isdigit() or after in "$€£¥"),
}
"""Signs that are read only beside certain characters."""


def _sentence_end(marks: str) -> str:
    if "?" in marks:
        return "?"
    if "!" in marks:
        return "!"
    return "…" if "…" in marks or marks.count(".") > 1 else "."


def _stands_alone(text: str, at: int) -> bool:
    return (not at or text[at - 1].isspace()) and text[at + 1 : at + 2].isspace()


def _between_digits(text: str, at: int) -> bool:
    return text[max(0, at - 2) : at - 1].isdigit() and text[at + 2 : at + 3].isdigit()


def _between_operands(text: str, at: int) -> bool:
    if text[at] == "/" and not (
        text[max(0, at - 2) : at].rstrip()[-1:].isdigit()
        and text[at + 1 : at + 3].lstrip()[:1].isdigit()
    ):
        return False
    before = _OPERAND_BEFORE.search(text[max(0, at - 2) : at])
    return bool(before and _OPERAND_AFTER.match(text, at + 1)) and not _letters_around(text, at)


def _letters_around(text: str, at: int) -> bool:
    """A hyphen or slash inside a word is no operator."""
    return text[at] == "-" and text[at - 1 : at].isalnum() and text[at + 1 : at + 2].isalnum()
