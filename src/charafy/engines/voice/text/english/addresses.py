"""Addresses and names of the net in English words: URLs, e-mail, @handles, #tags, files."""

from __future__ import annotations

import re
from typing import Final

from .numbers import digits, number

TLD = (
    "com|org|net|io|jp|ai|dev|co|uk|edu|gov|app|info|me|tv|de|fr|cn|kr|us|eu|xyz|site|online|in"
    "|ca|au"
)
"""Top-level domains that make "name.tld" an address, as a regex."""


def spell(text: str) -> str:
    """Letters by name and digits one by one."""
    return " ".join(letter_name(c) if c.isalpha() else digits(c) for c in text if c.isalnum())


def letter_name(letter: str) -> str:
    return "ay" if letter in "aA" else letter.upper()


_MARKS: Final = {".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", "+": "plus"}


def address(text: str) -> str:
    """A host, path or e-mail address: words by sound, marks by name, "uk" by its letters."""
    said: list[str] = []
    for part in re.findall(r"[A-Za-z]+|\d+|[./_@+-]", text):
        if part.isdigit():
            said.append(number(part) if len(part) < 4 else digits(part))
        elif len(part) == 1 or (len(part) == 2 and said[-1:] == ["dot"] and part not in _SAID):
            said.append(_MARKS.get(part) or spell(part))
        else:
            said.append(part)
    return " ".join(said)


_SAID = frozenset(("co", "me", "to", "so", "it", "is", "in"))
"""Two letters after a dot that are said as a word."""


def url(m: re.Match[str], british: bool) -> str:
    host, _, path = m["host"].partition("/")
    path = re.split(r"[?#]", path)[0].rstrip("/")
    host = re.split(r"[?#:]", host)[0]
    return address(host + (f"/{path}" if path and len(path) <= 40 else ""))


def handle(m: re.Match[str], british: bool) -> str:
    return f"at {address(m[1])}"


def hashtag(m: re.Match[str], british: bool) -> str:
    return f"number {number(m[1])}" if m[1].isdigit() else f"hashtag {_split(m[1])}"


def _split(name: str) -> str:
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", name)
    return " ".join(number(p) if p.isdigit() else p for p in parts)


def file_name(m: re.Match[str], british: bool) -> str | None:
    ending = m[2]
    if ending[:1].isupper() and not ending.isupper():
        return None
    known = ending.lower() in ("html", "json", "jpeg", "docs", "java", "toml", "yaml")
    return f"{address(m[1])} dot {ending if known else spell(ending)}"
