"""Text that remembers where each of its characters stood in the input."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch of cleaned text and the half-open span of the input that it was written as."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Aligned:
    """Cleaned text with the input span of every character (`starts[i]`..`ends[i]`)."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, cells: Iterable[Cell]) -> Aligned:
        text: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        for cell in cells:
            text.append(cell.text)
            starts.extend([cell.start] * len(cell.text))
            ends.extend([cell.end] * len(cell.text))
        return cls("".join(text), tuple(starts), tuple(ends))

    @classmethod
    def joined(cls, parts: Sequence[Aligned]) -> Aligned:
        return cls(
            "".join(part.text for part in parts),
            tuple(chain.from_iterable(part.starts for part in parts)),
            tuple(chain.from_iterable(part.ends for part in parts)),
        )

    def __len__(self) -> int:
        return len(self.text)

    def slice(self, start: int, end: int) -> Aligned:
        return Aligned(self.text[start:end], self.starts[start:end], self.ends[start:end])

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Input offsets written as the characters `start`..`end` (at least one)."""
        return self.starts[start], self.ends[end - 1]

    def sub(
        self, pattern: re.Pattern[str], spoken: Callable[[re.Match[str]], str | None]
    ) -> Aligned:
        """Rewrite matches; what is written anew takes the whole span of what it replaces.

        `spoken` returns None to leave a match as it is.
        """
        text: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        done = 0
        for match in pattern.finditer(self.text):
            new = spoken(match)
            if new is None or match.start() == match.end():
                continue
            text += (self.text[done : match.start()], new)
            first, last = self.span(match.start(), match.end())
            starts += (*self.starts[done : match.start()], *[first] * len(new))
            ends += (*self.ends[done : match.start()], *[last] * len(new))
            done = match.end()
        if not done:
            return self
        return Aligned(
            "".join((*text, self.text[done:])),
            (*starts, *self.starts[done:]),
            (*ends, *self.ends[done:]),
        )
