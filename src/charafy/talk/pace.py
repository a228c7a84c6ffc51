"""How fast this machine speaks, learned as it does: whether a reply may begin and not stutter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from charafy.engines.voice import Language

_NEW: Final = 0.3
"""Weight of the newest measurement."""
_CHARS_PER_S: Final[dict[Language, float]] = {"en": 15.0, "ja": 7.5}
_TOLERATED_S: Final = 0.15
"""A pause between two clauses that nobody takes for a stutter, less some."""
_LONGEST_WAIT_S: Final = 3.5
"""Somebody who waits longer would rather hear it stutter."""
_OVERDUE: Final = 0.25
"""Of the time that something took already: how much more it takes when it should be there."""


@dataclass(slots=True)
class Pace:
    """Shared by the sessions of a process. Everything is an estimate; nothing fails by it."""

    rate: float = 1.6
    """Seconds of speech that are made in a second."""
    next_clause_s: float = 0.8
    """From the last audio of a clause until the first of the next."""
    thinks_s: dict[Language, float] = field(default_factory=lambda: {"en": 0.7, "ja": 0.8})
    """From what was understood until the first clause of the answer."""
    first_sound_s: float = 0.2
    """From there until its first audio."""
    follows_s: float = 3.5
    """Seconds of speech that follow on the first clause."""

    def made(self, audio_s: float, took_s: float) -> None:
        if audio_s > 0.3 and took_s > 0:
            self.rate += _NEW * (min(audio_s / took_s, 8.0) - self.rate)

    def waited(self, took_s: float) -> None:
        self.next_clause_s += _NEW * (took_s - self.next_clause_s)

    def thought(self, language: Language, took_s: float) -> None:
        self.thinks_s[language] += _NEW * (took_s - self.thinks_s[language])

    def sounded(self, took_s: float) -> None:
        self.first_sound_s += _NEW * (took_s - self.first_sound_s)

    def followed(self, audio_s: float) -> None:
        self.follows_s += _NEW * (audio_s - self.follows_s)

    def sounds_in(
        self, language: Language, *, asked_s: float, thought_s: float | None, now_s: float
    ) -> float:
        """Seconds until an answer will be heard that was `asked_s` for, and `thought_s` of.

        Who is late already will be for some time.
        """
        if thought_s is None:
            since_s, whole_s = asked_s, self.thinks_s[language] + self.first_sound_s
        else:
            since_s, whole_s = thought_s, self.first_sound_s
        gone_s = now_s - since_s
        return max(whole_s - gone_s, _OVERDUE * gone_s)

    def may_go_on(
        self, clause: str, language: Language, *, waited_s: float, made_s: float, stored_s: float
    ) -> bool:
        """Whether a later clause may follow, of which so much is made and before which so much is
        still to be heard: a pause before a clause is better than one inside it.
        """
        if waited_s <= 0:
            return True
        audio_s = max(made_s, len(clause) / _CHARS_PER_S[language])
        missing_s = audio_s * (1.0 - min(self.rate, made_s / waited_s))
        return made_s + stored_s >= missing_s

    def starts_in(
        self, clause: str, language: Language, *, waited_s: float, made_s: float, clause_made: bool
    ) -> float:
        """Seconds until a reply may be heard, `waited_s` after its voice began on the first clause.

        Later than the first audio where the clause would otherwise run out before the next is
        there, or a voice that is slower than time before all is said; never more than 3.5 s later.
        """
        if made_s <= 0 or waited_s <= 0:
            return self.first_sound_s
        audio_s = max(made_s, made_s if clause_made else len(clause) / _CHARS_PER_S[language])
        # What the machine does right now counts more than what it did.
        rate = self.rate if clause_made else min(self.rate, made_s / waited_s)
        done_s = waited_s if clause_made else audio_s / rate
        behind_s = max(0.0, self.follows_s / rate - self.follows_s)
        begin_s = max(done_s, waited_s) + self.next_clause_s + behind_s - _TOLERATED_S - audio_s
        return min(begin_s, _LONGEST_WAIT_S) - waited_s
