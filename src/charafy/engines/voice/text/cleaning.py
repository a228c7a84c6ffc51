"""Raw input -> what is meant to be spoken: no tags, markup, emoji, controls or exotic forms.

The scanner looks at each character once and yields as it goes, so the first words of a long text
are ready before the rest has been looked at.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .aligned import Cell
from .letters import latin
from .scripts import is_japanese
from .tags import MAX_SILENCE_S, match_entity, match_tag

_MAX_MARKS = 4
"""Combining marks kept on one character; what piles up beyond is decoration."""

_QUOTES: Final = {
    "«": "“",
    "»": "”",
    "„": "“",
    "‟": "“",
    "‹": "“",
    "›": "”",
    "「": "“",
    "」": "”",
    "『": "“",
    "』": "”",
    "〝": "“",
    "〟": "”",
    "“": "“",
    "”": "”",
    "《": "“",
    "》": "”",
}
_BRACKETS: Final = {
    "【": "(",
    "】": ")",
    "〔": "(",
    "〕": ")",
    "〈": "(",
    "〉": ")",
    "[": "(",
    "]": ")",
}
_APOSTROPHES = dict.fromkeys("’‘ʼʻ`´′＇", "'") | {"`": ""}
_DASHES = dict.fromkeys("‐‑⁃−﹣－\u2212", "-") | dict.fromkeys("—―⸺⸻─━", "—") | {"–": "–"}
_ARROWS = dict.fromkeys("→⇒➡➔⟶▶►▸•●◦‣・･|¦", ",") | {"・": "・", "･": "・"}
_KEPT = _QUOTES | _BRACKETS | _APOSTROPHES | _DASHES | _ARROWS | {"…": "…", "‥": "…", "⋯": "…"}
_KEPT |= {"°": "°", "²": "²", "³": "³", "™": "", "®": "", "©": "", "〜": "〜", "～": "〜", "⁄": "/"}
_PLAIN = frozenset("、。±×÷≤≥≠≈√∞‰£€¥¢₩₹〒")

_LINE_START = re.compile(
    r"[ \t]{0,8}(?:#{1,6}[ \t]+|(?:>[ \t]?){1,6}|[-*+][ \t]+(?:\[[ xX]\][ \t]+)?"
    r"|(?:```|~~~)[^\n]{0,40}(?=\n|$)|([-*_=])(?:[ \t]?\1){2,80}[ \t]*(?=\n|$))"
)
_LINK_TARGET = re.compile(r"\]\([^()\s<>]{1,500}\)|\]\[[^\[\]\n]{0,100}\]")
_EMPHASIS = re.compile(r"\*{1,3}|_{1,3}|~~|`{1,3}")
_EMOTICON = re.compile(r"(?<!\S)[:;=]['^-]?[()DPp|/](?![\w/])")
_KEYCAP = re.compile("[0-9#*]\ufe0f?\u20e3")


@dataclass(frozen=True, slots=True)
class Silence:
    """A pause that the text asks for, in seconds."""

    seconds: float


def clean(text: str) -> Iterator[Cell | Silence]:
    """Yield what is to be spoken in order, with its place in `text`.

    Whitespace comes out as one of " " and "\\n" (a line end). Silences add up to at most
    `MAX_SILENCE_S`.
    """
    at = 0
    silence_left = MAX_SILENCE_S
    line_start = True
    while at < len(text):
        if line_start:
            mark = _LINE_START.match(text, at)
            if mark:
                yield Cell("\n", at, mark.end())
                at, line_start = mark.end(), False
                continue
        char = text[at]
        if char == "<" and (tag := match_tag(text, at)):
            end, seconds, ends_line = tag
            if seconds is not None:
                seconds = min(seconds, silence_left)
                silence_left -= seconds
                yield Silence(seconds)
            elif ends_line:
                yield Cell("\n", at, end)
            at = end
            continue
        line_start = char == "\n" or (line_start and char in " \t")
        cell, at = _next_cell(text, at)
        if cell.text:
            yield cell


def _next_cell(text: str, at: int) -> tuple[Cell, int]:
    char = text[at]
    if char.isascii():
        if char.isalnum():
            keycap = _KEYCAP.match(text, at) if text[at + 1 : at + 2] in _KEYCAP_TAILS else None
            if keycap:
                return Cell(" ", at, keycap.end()), keycap.end()
            if at + 1 >= len(text) or text[at + 1].isascii():
                return Cell(char, at, at + 1), at + 1
        elif not (at + 1 < len(text) and unicodedata.combining(text[at + 1])):
            end, meaning = _ascii_mark(text, at)
            return Cell(meaning, at, end), end
    end = _cluster_end(text, at)
    return Cell(_meaning(text[at:end]), at, end), end


_KEYCAP_TAILS = ("\ufe0f", "\u20e3")


def _ascii_mark(text: str, at: int) -> tuple[int, str]:
    """End and meaning of the ASCII mark, space or control at `at`."""
    char = text[at]
    if char == "&" and (entity := match_entity(text, at)):
        return entity[0], "".join(_meaning(c) for c in entity[1])
    if char == "]" and (link := _LINK_TARGET.match(text, at)):
        return link.end(), ""
    if char in "*_`~" and (mark := _EMPHASIS.match(text, at)):
        return mark.end(), _emphasis(text, mark)
    silent = _EMOTICON.match(text, at) if char in ":;=" else _KEYCAP.match(text, at)
    if silent:
        return silent.end(), " "
    if char == "[" or (char == "!" and text[at + 1 : at + 2] == "["):
        return _bracket(text, at)
    return at + 1, _ascii_meaning(char)


def _bracket(text: str, at: int) -> tuple[int, str]:
    end = at + (2 if text[at] == "!" else 1)
    close = text.find("]", end, end + 200)
    return end, "" if close >= 0 and _LINK_TARGET.match(text, close) else "("


def _emphasis(text: str, mark: re.Match[str]) -> str:
    """Nothing for emphasis, the sign itself where it stands between operands or inside a name."""
    before, after = text[mark.start() - 1 : mark.start()], text[mark.end() : mark.end() + 1]
    sign = mark.group()
    if sign == "*" and before.isspace() == after.isspace() and before and after:
        spaced = before.isspace()
        digits = before.isdigit() and after.isdigit()
        return "*" if spaced or digits else ""
    if sign == "_" and before.isalnum() and after.isalnum():
        return "_"
    return "~" if sign == "~" else ""


def _ascii_meaning(char: str) -> str:
    if char in "\n\x0b\x0c":
        return "\n"
    if char in " \t\r":
        return " "
    if char < " " or char == "\x7f":
        return ""
    return {"[": "(", "]": ")", "{": "(", "}": ")", "|": ","}.get(char, char)


def _cluster_end(text: str, at: int) -> int:
    """End of the character at `at` with the combining marks and half-width voicing after it."""
    end = at + 1
    while end < len(text) and (text[end] in "ﾞﾟ" or unicodedata.category(text[end])[0] == "M"):
        end += 1
    return end


def _meaning(cluster: str) -> str:
    """What one character with its marks stands for: letters, a kept sign, a space or nothing."""
    if cluster[0] in _KEPT:
        return _KEPT[cluster[0]]
    if cluster[0] in "\u2028\u2029\x85":
        return "\n"
    if len(cluster) > 1 and cluster[0].isascii() and not cluster[0].isalnum():
        return _ascii_meaning(cluster[0])
    folded = unicodedata.normalize("NFKC", cluster[: 1 + _MAX_MARKS])
    said = "".join(_letter(char) for char in folded)
    if unicodedata.category(cluster[0]) == "No":
        return f" {said} "  # ½ after a digit and ①② are numbers of their own
    return said


def _letter(char: str) -> str:
    kept = char if char in _PLAIN or is_japanese(char) else _KEPT.get(char)
    if kept is not None:
        return kept
    if char.isascii():
        return char if char.isalnum() else _ascii_meaning(char)
    category = unicodedata.category(char)
    if category in ("Mn", "Me", "Mc", "Cf", "Cs", "Cc"):
        return ""
    if category[0] == "L":
        return latin(char) or " "
    if category == "Nd":
        return str(unicodedata.decimal(char))
    return char if category[0] == "P" else " "
