"""Phonemes on the timeline -> mouth shapes on the timeline.

The shapes are the fifteen of the Oculus/OVR lip-sync set, which most avatars know: `sil` rest,
`PP` p b m, `FF` f v, `TH` th, `DD` t d, `kk` k g, `CH` ch sh j, `SS` s z, `nn` n l, `RR` r,
`aa` father, `E` bed, `ih` bit, `oh` more, `ou` boot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import Mark
from charafy.engines.voice.loudness import STEP_S, levels, reference, runs, silent
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
    "PP": "bmp",
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
    "ou": "uʊɯwɥᵝɸβ",
}

SIMPLE: Mapping[str, Shape] = MappingProxyType(
    {symbol: shape for shape, symbols in _SOUNDS.items() for symbol in symbols}
)
"""Every symbol that stands for one sound."""


_SILENT_S: Final = 0.08
_HELD_S: Final = 0.22
"""How long a stop may hold its breath (a Japanese long consonant) before it counts as a pause."""
_BURST_S: Final = 0.08
"""A stop is formed this long before it is heard."""
_SLIVER_S: Final = 0.03
"""What is left of a shape before a pause is not shown if shorter."""
_STOPS: Final = frozenset(("PP", "DD", "kk", "CH"))
_VOWELS: Final = frozenset(("aa", "E", "ih", "oh", "ou"))
_LEAST: Final = 0.55
_MOST: Final = 1.15
_FULL_DB: Final = 30.0
"""A vowel this far below the speech's loud parts would not open the mouth."""


@dataclass(frozen=True, slots=True)
class Viseme:
    """One mouth shape from `start_s` to `end_s`, in seconds from the first sample."""

    shape: Shape
    start_s: float
    end_s: float
    weight: float = 1.0
    """How loud it is, 0.55 .. 1.15: how far the mouth opens for it."""


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


def trim_to_sound(
    shapes: Sequence[Viseme], pcm: NDArray[np.float32], sample_rate: int
) -> tuple[Viseme, ...]:
    """The same mouth shapes with `sil` wherever `pcm` is silent for 80 ms, and with weights.

    Stops keep the silence that belongs to them. `pcm`: mono in [-1, 1] from the time 0 of
    `shapes`. Weights of vowels follow their loudness beside the speech's loud parts.
    """
    level = levels(pcm, sample_rate)
    if not len(level):
        return tuple(shapes)
    rests = [rest for run in runs(silent(level)) for rest in _pause(run, shapes)]
    cut = _joined(piece for viseme in shapes for piece in _without(viseme, rests))
    relative_db = level - reference(level)
    return tuple(_weighted(viseme, relative_db) for viseme in cut)


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


def _pause(run: tuple[float, float], visemes: Sequence[Viseme]) -> Iterator[tuple[float, float]]:
    """What of a silent stretch is rest: without the stops that hold or begin in it."""
    begin, end = run
    if end - begin < _SILENT_S:
        return
    for viseme in visemes:
        if viseme.shape not in _STOPS or viseme.end_s <= begin or viseme.start_s >= end:
            continue
        if end - begin < _HELD_S:
            return
        if viseme.end_s >= end - _BURST_S / 2:
            end = max(viseme.start_s, end - _BURST_S)
    if end - begin >= _SILENT_S / 2:
        yield begin, end


def _without(viseme: Viseme, rests: Sequence[tuple[float, float]]) -> Iterator[Viseme]:
    at = viseme.start_s
    sliver = min(_SLIVER_S, 0.5 * (viseme.end_s - at))
    for begin, end in rests:
        if end <= at or begin >= viseme.end_s:
            continue
        if begin > at + sliver:
            yield replace(viseme, start_s=at, end_s=begin)
            at = begin
        until = min(end, viseme.end_s)
        yield Viseme("sil", at, until)
        at = until
    if at < viseme.end_s:
        yield replace(viseme, start_s=at)


def _joined(pieces: Iterable[Viseme]) -> list[Viseme]:
    out: list[Viseme] = []
    for piece in pieces:
        if out and out[-1].shape == piece.shape == "sil":
            out[-1] = replace(out[-1], end_s=piece.end_s)
        else:
            out.append(piece)
    return out


def _weighted(viseme: Viseme, relative_db: NDArray[np.float64]) -> Viseme:
    if viseme.shape not in _VOWELS:
        return viseme
    begin = min(int(viseme.start_s / STEP_S), len(relative_db) - 1)
    heard = relative_db[begin : max(begin + 1, round(viseme.end_s / STEP_S))]
    weight = 1.0 + float(np.percentile(heard, 75)) / _FULL_DB
    return replace(viseme, weight=min(max(weight, _LEAST), _MOST))
