"""Cleaned cells -> sentences, one at a time and none longer than `MAX_CHARS`.

The bound keeps everything that happens inside a sentence, and so the whole front end, linear in
the length of the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .aligned import Aligned, Cell
from .cleaning import Silence
from .scripts import is_japanese
from .wordlists import words

MAX_CHARS = 400
"""Longest sentence; what has no end by then is cut at a space or before a new word."""

_MIN_CUT = 240

_NEVER_LAST = frozenset(
    words(
        "incl excl ext avg tel "
        "mr mrs ms mx dr prof gen col sgt capt cpt lt cmdr maj rev hon pres gov sen rep st mt "
        "ft no nos "
        "fig figs vol vols ch pp eq sec e.g i.e vs approx dept est cf al messrs mme mlle"
    )
)
_LAST_BEFORE_CAPITAL = frozenset(
    words(
        "etc inc ltd co corp jr sr a.m p.m u.s u.k u.n e.u d.c ave blvd rd jan feb mar apr "
        "jun jul aug "
        "sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun ph.d b.a m.a"
    )
)
_ENDS = ".!?。…"
_CLOSERS = "\"”')）]」』"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A stretch spoken together. `complete` is false when it was cut for its length only."""

    written: Aligned
    complete: bool
    silence_s: float = 0.0


def sentences(cells: Iterator[Cell | Silence]) -> Iterator[Sentence]:
    """Group cells into sentences; a silence closes the one it follows (a first one is alone)."""
    open_: list[Cell] = []
    size = 0
    gap = False
    silence: float | None = None
    for cell in cells:
        if isinstance(cell, Silence):
            silence = (silence or 0.0) + cell.seconds
            continue
        first = cell.text[0]
        if silence is not None and not first.isspace():
            yield Sentence(Aligned.of(open_), True, silence)
            open_, size, gap, silence = [], 0, False, None
        if first.isspace():
            gap = True
            if not open_ or (first == " " and open_[-1].text.isspace()):
                continue
        elif open_ and (gap or _ends_japanese(open_[-1].text[-1], first)):
            gap = False
            if _separate(open_, first):
                yield Sentence(Aligned.of(open_), True)
                open_, size = [], 0
        open_.append(cell)
        size += len(cell.text)
        if size >= MAX_CHARS:
            cut = _cut(open_)
            yield Sentence(Aligned.of(open_[:cut]), False)
            open_ = open_[cut:]
            size = sum(len(c.text) for c in open_)
    if open_ or silence:
        yield Sentence(Aligned.of(open_), True, silence or 0.0)


def _ends_japanese(last: str, first: str) -> bool:
    """Whether a mark ends the sentence although no space follows it."""
    if first in _CLOSERS or first in _ENDS:
        return False
    return last == "。" or (last in "!?" and is_japanese(first))


def _separate(open_: list[Cell], first: str) -> bool:
    """Whether a sentence ends between what is open (its last cell may be space) and `first`."""
    at = len(open_) - 1
    lines = 0
    while at >= 0 and open_[at].text.isspace():
        lines += open_[at].text.count("\n")
        at -= 1
    if at < 0:
        return False
    if lines:
        return lines > 1 or not (first.isascii() and first.islower())
    while at >= 0 and open_[at].text[-1] in _CLOSERS:
        at -= 1
    if at < 0 or open_[at].text[-1] not in _ENDS:
        return False
    last = open_[at].text[-1]
    if last == "…":
        return not first.islower()
    if last != ".":
        return last == "。" or not first.islower()
    return _full_stop(open_, at, first)


def _full_stop(open_: list[Cell], at: int, first: str) -> bool:
    word = ""
    for cell in reversed(open_[max(0, at - 12) : at]):
        if not (cell.text.isalnum() or cell.text == "."):
            break
        word = cell.text + word
    bare = word.lower().rstrip(".")
    if word.endswith(".") or (not bare and at):
        return not first.islower()
    if bare == "no":
        return not first.isdigit()
    if bare in _NEVER_LAST or (len(word) == 1 and word.isupper() and word != "I"):
        return False
    if bare in _LAST_BEFORE_CAPITAL or "." in bare:
        return first.isupper() or is_japanese(first)
    return not (bare.isdigit() and at <= len(bare))


def _cut(open_: list[Cell]) -> int:
    """Where to cut an overlong sentence: the last comma, else space, else start of a kanji word."""
    for is_place in (_after_pause, _after_space, _between_scripts):
        for at in range(len(open_) - 1, _MIN_CUT, -1):
            if is_place(open_[at - 1].text[-1], open_[at].text[0]):
                return at
    return len(open_)


def _after_pause(before: str, after: str) -> bool:
    return before in ",、;:" and not after.isdigit()


def _after_space(before: str, after: str) -> bool:
    return before.isspace()


def _between_scripts(before: str, after: str) -> bool:
    return "ぁ" <= before <= "ゖ" and not "ぁ" <= after <= "ゖ"
