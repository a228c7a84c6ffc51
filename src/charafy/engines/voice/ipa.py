"""The voice model's symbols on the timeline -> sounds as phoneticians write them (IPA)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from charafy.engines.voice import Mark
from charafy.engines.voice.visemes import CODA_MARKS, ONSET_MARKS
from charafy.engines.voice.vocabulary import PUNCTUATION

WRITTEN: Mapping[str, str] = MappingProxyType(
    {
        "A": "eɪ",
        "I": "aɪ",
        "O": "oʊ",
        "Q": "əʊ",
        "W": "aʊ",
        "Y": "ɔɪ",
        "T": "ɾ",
        "ʣ": "dz",
        "ʤ": "dʒ",
        "ʥ": "dʑ",
        "ʦ": "ts",
        "ʧ": "tʃ",
        "ʨ": "tɕ",
        "ꭧ": "tʂ",
        "ᵊ": "ə",
    }
)
"""Symbols of the voice model's own; all others are IPA already."""


def sounds(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """The phonemes among `marks` in IPA, one mark for each sound.

    Stress is written before the sound that bears it, length and the like behind the one before;
    the time of such a mark belongs to that sound. Pauses and punctuation are left out.
    """
    found: list[Mark] = []
    stress: Mark | None = None
    for mark in marks:
        if mark.kind != "phoneme":
            continue
        if mark.text in ONSET_MARKS:
            stress = stress or mark
        elif mark.text in CODA_MARKS:
            if found:
                found[-1] = replace(found[-1], text=found[-1].text + mark.text, end_s=mark.end_s)
                stress = None
        elif not mark.text.strip() or mark.text in PUNCTUATION:
            stress = None
        else:
            found.append(_sound(mark, stress))
            stress = None
    return tuple(found)


def _sound(mark: Mark, stress: Mark | None) -> Mark:
    text = WRITTEN.get(mark.text, mark.text)
    if stress is None:
        return replace(mark, text=text)
    return replace(mark, text=stress.text + text, start_s=stress.start_s)
