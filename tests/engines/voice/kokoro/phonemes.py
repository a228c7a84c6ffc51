"""Phonemes to speak, and a front end for them, so that the engine is tested without the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from charafy.engines.voice import Clause, Language, NothingToSay, Spoken

HELLO = "həlˈO, hˌW ɑɹ jˈu?"
KONNICHIWA = "koɲɲiʨiβa, ɡeŋki desɨ ka."
LONG = "ðˈæts ɐ ɡɹˈAt kwˈɛsʧən, lˈɛt mˌi θˈɪŋk əbˌWt ˌɪt fɔɹ ɐ mˈOmᵊnt bəfˌɔɹ ˌI ˈænsəɹ."


@dataclass(frozen=True, slots=True)
class Phonemes:
    """A front end whose text is phonemes already: `|` ends a clause, `<s>` asks for s seconds."""

    def clauses(self, text: str, language: Language) -> Iterator[Clause]:
        if not text.strip():
            raise NothingToSay("nothing")
        at = 0
        for part in text.split("|"):
            found = re.fullmatch(r"(.*?)(?:<([\d.]+)>)?", part)
            assert found is not None
            words = tuple(
                Spoken(m[1], m[1], bool(m[2]), at + m.start(1), at + m.end(1))
                for m in re.finditer(r"([^\s,.?!]+|[,.?!])(\s*)", found[1])
            )
            yield Clause(words, language, float(found[2] or 0))
            at += len(part) + 1
