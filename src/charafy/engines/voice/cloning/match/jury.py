"""Whether a refined voice is better: decided by ears that the refinement was not moved by.

A second encoder must hear it as more alike, and a recogniser must understand it as well as before,
in both languages: gradients know how to please one listener and to mumble.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from charafy.engines.voice import FrontEnd, Language, NothingToSay, Pcm
from charafy.engines.voice.cloning.match.said import PROVED
from charafy.engines.voice.cloning.speakers import SpeakerEncoder

_CLEARLY: Final = 0.005
"""By how much the second encoder must hear it as more alike: less is the sentences' doing."""
_MUMBLED: Final = 0.02
"""Share of sounds that may be misheard more than before."""

Say = Callable[[str, Language], Pcm]
Recognise = Callable[[Pcm, Language], str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one voice did."""

    likeness: float
    """Cosine with the recording, heard by the second encoder, mean of the recording's language."""
    misheard: Mapping[Language, float]
    """Share of the sounds that the recogniser got wrong."""

    def improves_on(self, other: Verdict) -> bool:
        """Whether it is clearly more alike and understood as well."""
        understood = all(
            share <= other.misheard[spoken] + _MUMBLED for spoken, share in self.misheard.items()
        )
        return understood and self.likeness >= other.likeness + _CLEARLY


class Jury:
    """Safe to use from many threads. Hearing a voice takes about 20 CPU-seconds."""

    def __init__(self, ear: SpeakerEncoder, recognise: Recognise, front_end: FrontEnd) -> None:
        self._ear = ear
        self._recognise = recognise
        self._front_end = front_end

    def hear(self, reference: Pcm, language: Language, say: Say) -> Verdict:
        """Have `say` speak, and listen."""
        wanted = self._ear.embed(reference)
        alike: list[float] = []
        misheard: dict[Language, float] = {}
        for spoken, texts in PROVED.items():
            errors, sounds = 0, 0
            for text in texts:
                said = say(text, spoken)
                if spoken == language:
                    alike.append(float(self._ear.embed(said) @ wanted))
                expected = self._sounds(text, spoken)
                errors += distance(expected, self._sounds(self._recognise(said, spoken), spoken))
                sounds += len(expected)
            misheard[spoken] = min(1.0, errors / sounds)
        return Verdict(sum(alike) / len(alike), MappingProxyType(misheard))

    def _sounds(self, text: str, language: Language) -> str:
        """Phonemes, so that it doesn't matter how the recogniser writes a word."""
        try:
            clauses = list(self._front_end.clauses(text, language))
        except NothingToSay:
            return ""
        spoken = "".join(clause.phonemes for clause in clauses)
        return "".join(symbol for symbol in spoken if symbol.isalpha())


def distance(wanted: str, found: str) -> int:
    """Sounds to insert, delete or replace (Levenshtein)."""
    row = list(range(len(found) + 1))
    for count, sound in enumerate(wanted, 1):
        before, row[0] = row[0], count
        for at, other in enumerate(found, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (sound != other))
    return row[-1]
