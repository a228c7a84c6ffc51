"""What of a reply is to be heard, when: audio against the clock, and what was heard of it so far.

Pure bookkeeping: whoever plays asks every few milliseconds what is due. Times are seconds from the
first sample of the reply; the audio is the only clock, so a pause stops them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from charafy.engines.voice import SAMPLE_RATE, Mark, Pcm, SpeechChunk
from charafy.engines.voice.visemes import Viseme, visemes

LEAD_S: Final = 0.06
"""Audio is handed on this much ahead: enough for a late wake-up, little to take back."""
_NOTICED_S: Final = 0.03
"""Shorter gaps are those that speech has itself."""


@dataclass(frozen=True, slots=True)
class Piece:
    """The next stretch of a reply's audio, and what is said in it."""

    start_s: float
    pcm: Pcm
    words: tuple[Mark, ...]
    visemes: tuple[Viseme, ...]
    clause: str | None
    """The written clause, where this piece begins one."""

    @property
    def end_s(self) -> float:
        return self.start_s + len(self.pcm) / SAMPLE_RATE


class Playout:
    """The audio of one reply: filled clause by clause, emptied by the clock."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._made = 0
        """Samples so far."""
        self._sent = 0
        self._announced = 0
        self._clause: str | None = None
        self._began_s: float | None = None
        self._paused_s: float | None = None
        self._gaps: list[float] = []
        self._gap_at = -1
        self.complete = False
        """Nothing more will come."""

    @property
    def made_s(self) -> float:
        return self._made / SAMPLE_RATE

    @property
    def sent_s(self) -> float:
        return self._sent / SAMPLE_RATE

    @property
    def started(self) -> bool:
        return self._began_s is not None

    @property
    def paused(self) -> bool:
        return self._paused_s is not None

    @property
    def zero_s(self) -> float | None:
        """When its first sample was heard, or would have been had there been no pause or gap.

        None while nothing of it is being heard.
        """
        return None if self.paused else self._began_s

    @property
    def shapes(self) -> tuple[Viseme, ...]:
        """What the mouth does in all that is made so far."""
        return tuple(shape for piece in self._pieces for shape in piece.visemes)

    @property
    def gaps(self) -> tuple[float, ...]:
        """Seconds, in order, that somebody heard nothing because nothing was there in time."""
        return tuple(gap for gap in self._gaps if gap >= _NOTICED_S)

    @property
    def over(self) -> bool:
        """Everything was handed on."""
        return self.complete and self._sent >= self._made

    def begin_clause(self, text: str) -> None:
        self._clause = text

    def add(self, chunk: SpeechChunk, base_s: float) -> None:
        """Append a clause's next chunk; its marks count from `base_s`, where the clause began."""
        start = self.made_s
        marks = tuple(
            replace(mark, start_s=base_s + mark.start_s, end_s=base_s + mark.end_s)
            for mark in chunk.marks
        )
        length = len(chunk.pcm) / SAMPLE_RATE
        self._pieces.append(
            Piece(
                start,
                chunk.pcm,
                tuple(mark for mark in marks if mark.kind == "word"),
                _shapes(marks, start, length),
                self._clause,
            )
        )
        self._clause = None
        self._made += len(chunk.pcm)

    def start(self, now_s: float) -> None:
        """From here on the clock empties it. `now_s`: any steady clock, the same throughout."""
        self._began_s = now_s

    def pause(self, now_s: float) -> None:
        """Hand on nothing more until `resume`; what was handed on ahead is to be taken back."""
        if self._paused_s is None:
            self._sent = int(self.heard_s(now_s) * SAMPLE_RATE)
            self._paused_s = now_s

    def resume(self, now_s: float) -> None:
        if self._paused_s is not None and self._began_s is not None:
            self._began_s = now_s - self.sent_s
        self._paused_s = None

    def due(self, now_s: float) -> tuple[Pcm, list[Piece]]:
        """The audio to hand on now (may be empty), and the pieces that begin in it."""
        if self._began_s is None or self._paused_s is not None:
            return _NOTHING, []
        until = int((now_s - self._began_s + LEAD_S) * SAMPLE_RATE)
        end = min(max(until, self._sent), self._made)
        if end == self._sent and until > self._sent and not self.complete:
            self._wait(now_s)
        if end == self._sent:
            return _NOTHING, []
        pcm = self._cut(self._sent, end)
        self._sent = end
        return pcm, self._begun()

    def heard_s(self, now_s: float) -> float:
        """How far somebody has heard by now."""
        if self._began_s is None:
            return 0.0
        if self._paused_s is not None:
            return self.sent_s
        return min(self.sent_s, max(0.0, now_s - self._began_s))

    def heard_text(self, until_s: float) -> str:
        """What was said before `until_s`, as it was written."""
        said: list[str] = []
        clause = ""
        words: list[Mark] = []
        for piece in self._pieces:
            if piece.clause is not None:
                said.append(_spoken_part(clause, words, until_s))
                clause, words = piece.clause, []
            words.extend(piece.words)
        # The last clause may still be without its last words.
        said.append(_spoken_part(clause, words, until_s, self.complete and until_s >= self.made_s))
        return "".join(said).strip()

    def _wait(self, now_s: float) -> None:
        """Nothing is there that should be heard now: the clock stands still until there is."""
        assert self._began_s is not None
        late_s = now_s - self._began_s - self.sent_s
        if late_s <= 0:
            return
        self._began_s += late_s
        if self._gaps and self._gap_at == self._sent:
            self._gaps[-1] += late_s
        else:
            self._gaps.append(late_s)
            self._gap_at = self._sent

    def _cut(self, begin: int, end: int) -> Pcm:
        parts = []
        for piece in self._pieces:
            at = round(piece.start_s * SAMPLE_RATE)
            if at < end and at + len(piece.pcm) > begin:
                parts.append(piece.pcm[max(0, begin - at) : end - at])
        return np.concatenate(parts)

    def _begun(self) -> list[Piece]:
        begun = []
        while self._announced < len(self._pieces):
            piece = self._pieces[self._announced]
            if round(piece.start_s * SAMPLE_RATE) >= self._sent:
                break
            begun.append(piece)
            self._announced += 1
        return begun


_NOTHING: Final[Pcm] = np.zeros(0, np.float32)


def _shapes(marks: Sequence[Mark], start_s: float, length_s: float) -> tuple[Viseme, ...]:
    """Mouth shapes of a piece. A sound that goes on beyond it keeps its end."""
    own = [
        replace(m, start_s=max(0.0, m.start_s - start_s), end_s=m.end_s - start_s)
        for m in marks
        if m.kind == "phoneme" and m.end_s > start_s
    ]
    return tuple(
        replace(v, start_s=round(v.start_s + start_s, 3), end_s=round(v.end_s + start_s, 3))
        for v in visemes(own, length_s)
    )


def _spoken_part(clause: str, words: Sequence[Mark], until_s: float, whole: bool = False) -> str:
    """The clause up to its last word that began before `until_s`, with what follows it closely."""
    if whole or (words and until_s >= words[-1].end_s):
        return clause
    at = 0
    for word in words:
        if word.start_s >= until_s:
            break
        found = clause.find(word.text, at)
        at = found + len(word.text) if found >= 0 else at
    return clause[:at]
