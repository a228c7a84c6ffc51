"""Phonemes on the timeline -> mouth shapes on the timeline.

The shapes are the fifteen of the Oculus/OVR lip-sync set, which most avatars know: `sil` rest,
`PP` p b m, `FF` f v, `TH` th, `DD` t d, `kk` k g, `CH` ch sh j, `SS` s z, `nn` n l, `RR` r,
`aa` father, `E` bed, `ih` bit, `oh` more, `ou` boot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, get_args

from charafy.engines.voice import Mark
from charafy.engines.voice.vocabulary import PUNCTUATION

Shape = Literal[
    "sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou"
]
SHAPES: tuple[Shape, ...] = get_args(Shape)

_REST_S = 0.08
"""A pause between words shorter than this keeps the mouth moving instead of closing it."""

ONSET_MARKS = frozenset("ˈˌ")
"""Stress: its time belongs to the sound that follows."""

CODA_MARKS = frozenset("ːʰʲ\u0303↓→↗↘")
"""Length, breath, palatal, nasal and tone marks: their time belongs to the sound before."""

GLIDES: Mapping[str, tuple[Shape, Shape]] = MappingProxyType(
    {
        "A": ("E", "ih"),
        "I": ("aa", "ih"),
        "O": ("oh", "ou"),
        "Q": ("oh", "ou"),
        "W": ("aa", "ou"),
        "Y": ("oh", "ih"),
    }
)
"""Symbols that stand for two vowels: the shapes of its first and second half."""

_SOUNDS: Mapping[Shape, str] = {
    "PP": "bmpɸβ",
    "FF": "fvʋ",
    "TH": "ðθ",
    "DD": "dtɖʈɾTɽ",
    "kk": "kɡxqɟcŋɣχʁhçʝɰʔɴꭧ",
    "CH": "ʃʒʤʧɕʥʨʂj",
    "SS": "szʣʦ",
    "nn": "nlɲɳʎ",
    "RR": "ɹrɻɚɜ",
    "aa": "aɑɐæʌɒ",
    "E": "eɛəᵊ",
    "ih": "iɪɨᵻyS",
    "oh": "oɔɤøœ",
    "ou": "uʊɯwɥᵝ",
}

SIMPLE: Mapping[str, Shape] = MappingProxyType(
    {symbol: shape for shape, symbols in _SOUNDS.items() for symbol in symbols}
)
"""Every symbol that stands for one sound."""


@dataclass(frozen=True, slots=True)
class Viseme:
    """One mouth shape from `start_s` to `end_s`, in seconds from the first sample."""

    shape: Shape
    start_s: float
    end_s: float


def visemes(marks: Iterable[Mark], duration_s: float) -> tuple[Viseme, ...]:
    """Mouth shapes that cover 0..`duration_s` without gap or overlap, equal neighbours joined.

    `marks` are those of one speech in order; words among them are passed over. Raises `KeyError`
    for a phoneme that is not in the vocabulary.
    """
    track: list[Viseme] = []
    at = 0.0
    for shape, start, end in _sounds(marks):
        if start - at >= _REST_S or not track:
            _append(track, Viseme("sil", at, start))
        elif start > at:
            track[-1] = replace(track[-1], end_s=start)
        _append(track, Viseme(shape, start, end))
        at = end
    if duration_s - at >= _REST_S or not track:
        _append(track, Viseme("sil", at, duration_s))
    else:
        track[-1] = replace(track[-1], end_s=max(duration_s, track[-1].start_s))
    return tuple(track)


def _append(track: list[Viseme], viseme: Viseme) -> None:
    if viseme.end_s <= viseme.start_s:
        return
    if track and track[-1].shape == viseme.shape:
        track[-1] = replace(track[-1], end_s=viseme.end_s)
    else:
        track.append(viseme)


def _sounds(marks: Iterable[Mark]) -> Iterator[tuple[Shape, float, float]]:
    """Shapes of sounding phonemes; modifiers lend them their time, pauses are left out."""
    onset: float | None = None
    held: list[tuple[Shape, float, float]] = []
    for mark in marks:
        if mark.kind != "phoneme":
            continue
        if mark.text in ONSET_MARKS:
            onset = mark.start_s if onset is None else onset
        elif mark.text in CODA_MARKS:
            if held:
                shape, start, _ = held[-1]
                # A stress mark in between is part of what this one lengthens.
                held[-1], onset = (shape, start, mark.end_s), None
        elif mark.text == " " or mark.text in PUNCTUATION:
            yield from held
            held, onset = [], None
        else:
            yield from held
            held = _shapes(mark, mark.start_s if onset is None else onset)
            onset = None
    yield from held


def _shapes(mark: Mark, start_s: float) -> list[tuple[Shape, float, float]]:
    if mark.text in GLIDES:
        first, second = GLIDES[mark.text]
        middle = (start_s + mark.end_s) / 2
        return [(first, start_s, middle), (second, middle, mark.end_s)]
    return [(SIMPLE[mark.text], start_s, mark.end_s)]
