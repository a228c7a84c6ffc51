"""Subtitles from the timeline: the written text, cut where it is spoken with a breath.

Line lengths and reading times follow common broadcast practice: at most two lines of 42 Latin or
16 Japanese characters, one to seven seconds on screen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from charafy.engines.voice import Mark

LINE_WIDTH: Final = 42
"""Of a line, in Latin characters; a Japanese one counts as two and a half."""
MAX_S: Final = 7.0
MIN_S: Final = 1.0
LINGER_S: Final = 0.4
"""How long a subtitle stays after its last word when nothing follows."""

_WIDE: Final = 2.6
_SENTENCE_END: Final = re.compile(r"[.!?…。!?！？]['\"”’」』)）]*$")
_CLAUSE_END: Final = re.compile(r"[,;:、，；：—–]['\"”’」』)）]*$")
_OPENING: Final = re.compile(r"(?:(?:^|(?<=\s))['\"]|[(\[{‘“「『（［【〈《«¿¡])*$")
_TAG: Final = re.compile(r"<[^<>]*>")
_PAUSE_S: Final = 0.35


@dataclass(frozen=True, slots=True)
class Subtitle:
    """One text on screen, in seconds; `text` has one line or two."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class _Word:
    """A word with the punctuation and space that follow it in the text."""

    text: str
    start_s: float
    end_s: float


def subtitles(text: str, marks: Iterable[Mark]) -> tuple[Subtitle, ...]:
    """Subtitles of a speech; `marks` are its timeline. None when no word was spoken."""
    groups = list(_groups(list(_words(text, marks))))
    found = [_subtitle(group) for group in groups]
    for index, (now, after) in enumerate(pairwise(found)):
        end = min(max(now.end_s + LINGER_S, now.start_s + MIN_S), after.start_s)
        found[index] = Subtitle(now.start_s, max(end, now.end_s), now.text)
    if found:
        last = found[-1]
        end = max(last.end_s + LINGER_S, last.start_s + MIN_S)
        found[-1] = Subtitle(last.start_s, end, last.text)
    return tuple(found)


def to_srt(found: Sequence[Subtitle]) -> str:
    """SubRip."""
    return "".join(
        f"{number}\n{_clock(one.start_s, ',')} --> {_clock(one.end_s, ',')}\n{one.text}\n\n"
        for number, one in enumerate(found, 1)
    )


def to_vtt(found: Sequence[Subtitle]) -> str:
    """WebVTT."""
    body = "".join(
        f"{_clock(one.start_s, '.')} --> {_clock(one.end_s, '.')}\n{_escaped(one.text)}\n\n"
        for one in found
    )
    return f"WEBVTT\n\n{body}"


def _words(text: str, marks: Iterable[Mark]) -> Iterator[_Word]:
    """Every spoken word as it is written, with what stands before the next one."""
    spoken = [mark for mark in marks if mark.kind == "word" and mark.text]
    starts: list[tuple[int, Mark]] = []
    at = 0
    for mark in spoken:
        start = text.find(mark.text, at)
        if start >= 0:
            starts.append((start, mark))
            at = start + len(mark.text)
    cuts = [_before_opening(text, start) for start, _ in starts] + [len(text)]
    for (start, end), (_, mark) in zip(pairwise(cuts), starts, strict=True):
        yield _Word(_readable(text[start:end]), mark.start_s, mark.end_s)


def _before_opening(text: str, start: int) -> int:
    """Where the quotes and brackets begin that open right before the word at `start`."""
    found = _OPENING.search(text[max(0, start - 8) : start])
    return start - (len(found.group()) if found else 0)


def _readable(text: str) -> str:
    """Without tags and symbols that nobody speaks; white space as single spaces."""
    text = _TAG.sub(" ", text)
    kept = (char for char in text if unicodedata.category(char) not in ("So", "Cs", "Cn", "Cf"))
    return re.sub(r"\s+", " ", "".join(kept))


def _groups(words: Sequence[_Word]) -> Iterator[list[_Word]]:
    group: list[_Word] = []
    for word in words:
        if group and _is_full(group, word):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _is_full(group: Sequence[_Word], word: _Word) -> bool:
    """Whether the next word begins a new subtitle."""
    text = "".join(one.text for one in group).rstrip()
    width = _width(text)
    if _SENTENCE_END.search(text) and width > LINE_WIDTH / 3:
        return True
    pause = word.start_s - group[-1].end_s
    if width > LINE_WIDTH and (_CLAUSE_END.search(text) or pause > _PAUSE_S):
        return True
    too_wide = width + _width(word.text.rstrip()) > LINE_WIDTH * 2
    return too_wide or word.end_s - group[0].start_s > MAX_S


def _subtitle(group: Sequence[_Word]) -> Subtitle:
    return Subtitle(group[0].start_s, group[-1].end_s, _lines([one.text for one in group]))


def _lines(words: Sequence[str]) -> str:
    """One line, or two of about the same width."""
    text = "".join(words).strip()
    if _width(text) <= LINE_WIDTH:
        return text
    cuts = range(1, len(words))

    def unevenness(cut: int) -> float:
        first = "".join(words[:cut]).rstrip()
        rest = "".join(words[cut:]).strip()
        after_clause = bool(_CLAUSE_END.search(first) or _SENTENCE_END.search(first))
        return abs(_width(first) - _width(rest)) - (LINE_WIDTH / 4 if after_clause else 0)

    best = min(cuts, key=unevenness, default=0)
    if not best:
        return text
    return f"{''.join(words[:best]).strip()}\n{''.join(words[best:]).strip()}"


def _width(text: str) -> float:
    return sum(_WIDE if unicodedata.east_asian_width(char) in "WF" else 1.0 for char in text)


def _clock(at_s: float, point: str) -> str:
    thousandths = max(0, round(at_s * 1000))
    minutes, thousandths = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds, thousandths = divmod(thousandths, 1000)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{thousandths:03}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
