"""A text as the pieces that are sent to a service one by one: as written, and as it should sound.

The pieces are the clauses that the embedded voice speaks at once, so the first is short and sound
starts early. A service gets them in writing, cleaned of what is never read aloud.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from charafy.engines.voice import Clause, FrontEnd, Language, Spoken
from charafy.engines.voice.text.aligned import Cell
from charafy.engines.voice.text.cleaning import Silence, clean

_DANGLING: Final = frozenset(" “(")
"""What opens the next piece has no place at the end of this one."""
_ENDS: Final = frozenset(".,!?;:…—。、！？”)")
_JAPANESE: Final = {".": "。", ",": "、"}


@dataclass(frozen=True, slots=True)
class Line:
    """What is sent at once."""

    clause: Clause
    written: str
    places: tuple[int, ...]
    """Offset in the input text of every character of `written`; ascending."""
    silence_s: float = 0.0
    """Asked for by the text before its first word."""
    before: str = ""
    """What was written in the line before; "" for the first."""

    def position(self, word: Spoken) -> int | None:
        """Where a word of the clause begins in `written`; None if nothing is written there."""
        return next((at for at, place in enumerate(self.places) if place >= word.start), None)


def lines(text: str, front_end: FrontEnd, language: Language) -> Iterator[Line]:
    """Lazily, one clause ahead. Raises `NothingToSay` as the front end does."""
    cells = _Cells(text)
    held: tuple[Spoken, ...] = ()
    silence_s, before = 0.0, ""
    clauses = front_end.clauses(text, language)
    upcoming = next(clauses, None)
    while upcoming is not None:
        clause, upcoming = upcoming, next(clauses, None)
        if not clause.words:
            silence_s += clause.pause_s
            continue
        clause = replace(clause, words=held + clause.words)
        stop = upcoming.words[0].start if upcoming and upcoming.words else len(text)
        written, places = _written(cells.until(stop), clause)
        if not written and upcoming is not None:
            # One written form that takes several clauses to say: it is sent once.
            held = clause.words
            continue
        held = ()
        yield Line(clause, written, places, silence_s, before)
        silence_s, before = 0.0, written


class _Cells:
    """The cleaned text, taken from the front."""

    def __init__(self, text: str) -> None:
        self._cells = (cell for cell in clean(text) if not isinstance(cell, Silence))
        self._next = next(self._cells, None)

    def until(self, stop: int) -> Iterator[Cell]:
        while self._next is not None and self._next.start < stop:
            yield self._next
            self._next = next(self._cells, None)


def _written(cells: Iterator[Cell], clause: Clause) -> tuple[str, tuple[int, ...]]:
    """The characters and their places, without needless space, with marks where sentences end."""
    found: list[tuple[str, int]] = []
    for cell in cells:
        for character in cell.text:
            if not character.isspace():
                found.append((character, cell.start))
            elif found and found[-1][0] != " ":
                found.append((" ", cell.start))
    while found and found[-1][0] in _DANGLING:
        found.pop()
    for word in reversed(clause.words):
        if found and not word.text and word.phonemes in _JAPANESE:
            _end(found, word, japanese=clause.language == "ja")
    return "".join(character for character, _ in found), tuple(place for _, place in found)


def _end(found: list[tuple[str, int]], mark: Spoken, *, japanese: bool) -> None:
    """Write down a mark that is only heard: the end of a line, or a cut."""
    at = next((at for at, (_, place) in enumerate(found) if place >= mark.end), len(found))
    if at and found[at - 1][0] not in _ENDS:
        written = _JAPANESE[mark.phonemes] if japanese else mark.phonemes
        found.insert(at, (written, found[at - 1][1]))
