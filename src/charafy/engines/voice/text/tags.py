"""Tags and entities inside the text: `<break>` is silence, every other tag is never read aloud."""

from __future__ import annotations

import html
import re
from typing import Final

from .wordlists import words

MAX_BREAK_S = 5.0
"""Longest silence that one `<break>` may ask for, in seconds."""

MAX_SILENCE_S = 30.0
"""Longest silence that all breaks of a text may ask for together, in seconds."""

DEFAULT_BREAK_S = 0.5

_TAG = re.compile(r"</?(?P<name>[A-Za-z][\w:.-]{0,40})(?P<rest>[\s/][^<>]{0,400})?>")
_COMMENT = re.compile(r"<(?:!--|!|\?)[^<>]{0,2000}>")
_UNCLOSED_BREAK = re.compile(
    r"</?break\b(?:\s{1,20}\w{1,20}\s{0,5}=\s{0,5}[\"']?[\w.]{0,20}[\"']?)?\s{0,20}/?", re.I
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_TIME = re.compile(r"\btime\s{0,5}=\s{0,5}[\"']?\s{0,5}(\d{0,9}(?:\.\d{0,9})?)\s{0,5}(ms|s)?", re.I)
_STRENGTH = re.compile(r"\bstrength\s{0,5}=\s{0,5}[\"']?([a-z-]{1,10})", re.I)
_STRENGTH_S: Final = {
    "none": 0.0,
    "x-weak": 0.1,
    "weak": 0.25,
    "medium": 0.5,
    "strong": 0.8,
    "x-strong": 1.2,
}
_BLOCKS = frozenset(
    words("article blockquote br div h1 h2 h3 h4 h5 h6 hr li ol p s section td th tr ul")
)


def match_tag(text: str, at: int) -> tuple[int, float | None, bool] | None:
    """What the tag at `at` means: its end, seconds of silence (None: no break), ends a line.

    None when the `<` there opens no tag and is an ordinary character.
    """
    tag = _TAG.match(text, at)
    if tag:
        name = tag["name"].lower()
        if name == "break":
            return tag.end(), _seconds(tag["rest"] or ""), False
        return tag.end(), None, name in _BLOCKS
    comment = _COMMENT.match(text, at)
    if comment:
        return comment.end(), None, False
    unclosed = _UNCLOSED_BREAK.match(text, at)
    if unclosed:
        return unclosed.end(), _seconds(unclosed.group()), False
    return None


def match_entity(text: str, at: int) -> tuple[int, str] | None:
    """End and meaning of the character entity at `at` (`&amp;`, `&#12354;`), None if it is none."""
    entity = _ENTITY.match(text, at)
    if not entity:
        return None
    meaning = html.unescape(entity.group())
    return None if meaning == entity.group() else (entity.end(), meaning)


def _seconds(attributes: str) -> float:
    time = _TIME.search(attributes)
    if time and time[1] not in ("", "."):
        seconds = float(time[1]) / (1000 if (time[2] or "s").lower() == "ms" else 1)
        return min(seconds, MAX_BREAK_S)
    strength = _STRENGTH.search(attributes)
    if strength:
        return _STRENGTH_S.get(strength[1].lower(), DEFAULT_BREAK_S)
    return DEFAULT_BREAK_S
