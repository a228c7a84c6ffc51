"""Mouth shapes from the timeline: what an avatar shows while it speaks.

The fifteen shapes and their names are those of Oculus' lip sync, which avatar tools understand:
they can be told apart by eye, while the sounds that share one can't.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal, get_args

from charafy.engines.voice import Mark

# fmt: off
Shape = Literal[
    "sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou"
]
# fmt: on
SHAPES: Final[tuple[Shape, ...]] = get_args(Shape)

REST_S: Final = 0.08
"""A pause shorter than this does not close the mouth."""
_GLIDE: Final = 0.6
"""Share of a diphthong that its first sound takes."""


@dataclass(frozen=True, slots=True)
class Viseme:
    """One mouth shape and its time, in seconds from the first sample of the speech."""

    shape: Shape
    start_s: float
    end_s: float


_SOUNDS: Final[Mapping[Shape, str]] = MappingProxyType(
    {
        "PP": "pbm",
        "FF": "fv",
        "TH": "θð",
        "DD": "tdɖʈɾT",
        "kk": "kɡcqxɣɰŋɴɟʔhçʝɳχ",
        "CH": "Sʃʒʧʤɕʑʨʥʂ",
        "SS": "szʦʣꭧʐ",
        "nn": "nlɲʎ",
        "RR": "ɹrɻʁɽɚɜ",
        "aa": "aɑɐæʌɒ",
        "E": "eɛəᵊœø",
        "ih": "iɪᵻɨyj",
        "oh": "oɔɤ",
        "ou": "uʊɯwɥʋɸβᵝ",
    }
)
_SHAPE_OF: Final[Mapping[str, Shape]] = MappingProxyType(
    {symbol: shape for shape, symbols in _SOUNDS.items() for symbol in symbols}
)
_DIPHTHONGS: Final[Mapping[str, tuple[Shape, Shape]]] = MappingProxyType(
    {
        "A": ("E", "ih"),  # day
        "I": ("aa", "ih"),  # my
        "O": ("oh", "ou"),  # go, American
        "Q": ("E", "ou"),  # go, British
        "W": ("aa", "ou"),  # now
        "Y": ("oh", "ih"),  # boy
    }
)
_STRESS: Final = frozenset("ˈˌ")
"""Belongs to the sound that follows: the mouth is already on its way."""
_LENGTH: Final = frozenset("ːʰʲ\u0303↓→↗↘")
"""Belongs to the sound before."""


def visemes(marks: Iterable[Mark]) -> tuple[Viseme, ...]:
    """Mouth shapes for the phonemes among `marks` (ordered by start), without gaps between them.

    Neighbours differ. A pause of at least `REST_S` is "sil"; a shorter one, and a symbol that is no
    sound, belongs to the shape before it.
    """
    segments = _joined(_segments(marks))
    return tuple(_joined(_without_short_rests(segments)))


def _segments(marks: Iterable[Mark]) -> Iterator[Viseme]:
    """One or two shapes for every sound, and "sil" for punctuation and spaces."""
    stressed_s: float | None = None
    last: Shape = "sil"
    for mark in marks:
        if mark.kind != "phoneme":
            continue
        if mark.text in _STRESS:
            stressed_s = mark.start_s if stressed_s is None else stressed_s
            continue
        start_s = mark.start_s if stressed_s is None else stressed_s
        stressed_s = None
        if mark.text in _DIPHTHONGS:
            first, last = _DIPHTHONGS[mark.text]
            turn_s = start_s + _GLIDE * (mark.end_s - start_s)
            yield Viseme(first, start_s, turn_s)
            start_s = turn_s
        elif mark.text not in _LENGTH:
            last = _SHAPE_OF.get(mark.text, "sil")
        yield Viseme(last, start_s, mark.end_s)


def _joined(segments: Iterable[Viseme]) -> list[Viseme]:
    """One for neighbours of the same shape, and "sil" where nothing is."""
    found: list[Viseme] = []
    for segment in segments:
        if segment.end_s <= segment.start_s:
            continue
        if found and segment.start_s > found[-1].end_s:
            _add(found, Viseme("sil", found[-1].end_s, segment.start_s))
        _add(found, segment)
    return found


def _add(found: list[Viseme], segment: Viseme) -> None:
    if found and found[-1].shape == segment.shape:
        found[-1] = replace(found[-1], end_s=segment.end_s)
    else:
        found.append(segment)


def _without_short_rests(segments: Iterable[Viseme]) -> Iterator[Viseme]:
    before: Viseme | None = None
    for segment in segments:
        if before and segment.shape == "sil" and segment.end_s - segment.start_s < REST_S:
            before = replace(before, end_s=segment.end_s)
            continue
        if before:
            yield before
        before = segment
    if before:
        yield before
