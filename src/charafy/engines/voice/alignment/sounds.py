"""A clause as the sounds and rests that should be heard, each with the time it usually takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from charafy.engines.voice import Language
from charafy.engines.voice.heard.features import HOP_S
from charafy.engines.voice.kokoro.timeline import Script
from charafy.engines.voice.visemes import CODA_MARKS, GLIDES, ONSET_MARKS, SHAPES, SIMPLE
from charafy.engines.voice.vocabulary import PUNCTUATION

_USUAL_MS: Final[Mapping[str, int]] = MappingProxyType(
    {
        symbol: milliseconds
        for milliseconds, symbols in (
            (36, "ðw"),
            (44, "fhɐjv"),
            (52, "tndɹlmɾŋ"),
            (54, "əᵊɨ"),
            (58, "kbɡpɲ"),
            (62, "zʦʥçɴʣ"),
            (68, "sʃɕθʧʨTʤβɪɯʊ"),
            (80, "ʔaoeæʌɒᵻi"),
            (98, "ɛɔɜ"),
            (112, "ɑu"),
            (148, "AIOQWY"),
        )
        for symbol in symbols
    }
)
"""Means over a thousand clauses of the stock voices that no measurement here uses."""
_OTHER_MS: Final = 60
_LENGTHENED_MS: Final[Mapping[str, int]] = MappingProxyType({"ː": 65, "ʲ": 24})
_OTHER_CODA_MS: Final = 15
_STRESSABLE: Final = frozenset("əᵊɨɪɯʊaoeæʌɒᵻiɛɔɜɑuAIOQWYɐɚɤøœy")
_STRESS: Final = {"ˈ": 1.35, "ˌ": 1.0, "": 0.8}
"""How much longer an English vowel is for its stress; Japanese knows none."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One phoneme with its stress and length marks, or a place where the voice may rest."""

    first: int
    last: int
    """Symbols of the script, half open: the sound itself and the marks around it."""
    word: int
    """Index of the clause's word; -1 for a rest."""
    shapes: tuple[int, ...] = ()
    """Indices of mouth shapes, in order; none for a rest."""
    frames: float = 0.0
    """Usual length in `HOP_S`; 0 for a rest."""
    is_pause: bool = False
    """A rest at a punctuation mark, where one is to be expected."""


def sounds(said: Script) -> tuple[Sound, ...]:
    """Sounds and rests in order; together they cover every symbol exactly once."""
    out: list[Sound] = []
    onset: int | None = None
    for at, (symbol, owner) in enumerate(zip(said.symbols, said.owners, strict=True)):
        if symbol in ONSET_MARKS:
            onset = at if onset is None else onset
            continue
        if symbol in CODA_MARKS and onset is None and out and out[-1].shapes:
            out[-1] = _lengthened(out[-1], symbol)
            continue
        first, onset = (at if onset is None else onset), None
        if symbol == " " or symbol in PUNCTUATION:
            out.append(Sound(first, at + 1, -1, is_pause=symbol != " "))
        else:
            stress = said.symbols[first] if first < at else ""
            out.append(Sound(first, at + 1, owner, *_shapes(symbol, stress, said.clause.language)))
    if onset is not None:
        out.append(Sound(onset, len(said.symbols), -1))
    return tuple(_joined(out))


def usual_parts(said: Script, sound: Sound) -> list[float]:
    """Shares of a sound's time for its symbols, adding up to 1: stress marks take none."""
    weights = []
    for symbol in said.symbols[sound.first : sound.last]:
        if symbol in ONSET_MARKS:
            weights.append(0.0)
        elif symbol in CODA_MARKS:
            weights.append(_LENGTHENED_MS.get(symbol, _OTHER_CODA_MS))
        else:
            weights.append(_USUAL_MS.get(symbol, _OTHER_MS))
    total = sum(weights)
    return [weight / total for weight in weights] if total else [1.0, *[0.0] * (len(weights) - 1)]


def _shapes(symbol: str, stress: str, language: Language) -> tuple[tuple[int, ...], float]:
    """Mouth shapes of one phoneme and the frames it usually takes."""
    names = GLIDES.get(symbol) or (SIMPLE.get(symbol, "E"),)
    milliseconds = float(_USUAL_MS.get(symbol, _OTHER_MS))
    if language == "en" and symbol in _STRESSABLE:
        milliseconds *= _STRESS.get(stress, 1.0)
    return tuple(SHAPES.index(name) for name in names), milliseconds / 1000 / HOP_S


def _lengthened(sound: Sound, mark: str) -> Sound:
    more = _LENGTHENED_MS.get(mark, _OTHER_CODA_MS) / 1000 / HOP_S
    return replace(sound, last=sound.last + 1, frames=sound.frames + more)


def _joined(every: list[Sound]) -> Iterator[Sound]:
    """One rest instead of several in a row."""
    held: Sound | None = None
    for sound in every:
        if held and not held.shapes and not sound.shapes:
            held = replace(held, last=sound.last, is_pause=held.is_pause or sound.is_pause)
            continue
        if held:
            yield held
        held = sound
    if held:
        yield held
