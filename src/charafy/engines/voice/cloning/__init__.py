"""Cloning: a recording of somebody in, a voice that speaks as they sound out.

A `Cloner` makes a `Clone`: one small file that says how to speak like the person, which a `Voice`
reads by name. Making it is all that needs the recording; speaking with it needs nothing new.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from charafy.engines.voice import Language, Pcm

Method = Literal["matching", "cloning"]
"""How honest to be about it: `matching` seeks the nearest voice that an engine can speak with;
`cloning` lets a model that was trained for it imitate the recording."""

Progress = Callable[[float], None]
"""Called now and then with the share of the work that is done, 0..1. It may raise to stop it."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Somebody's speech, decoded."""

    pcm: Pcm
    """Mono at `charafy.engines.voice.SAMPLE_RATE`."""
    language: Language
    """What is (most likely) spoken in it."""


@dataclass(frozen=True, slots=True)
class Clone:
    """A voice that was made."""

    data: bytes
    """The file: JSON whose `engine` says who can speak with it (see `clonefile`)."""
    method: Method
    similarity: float | None
    """Cosine of speaker embeddings, recording against the voice's own speech, measured with an
    encoder that the method did not optimise on. 1 = the same; two recordings of one person come
    to 0.70-0.85 (Resemblyzer). None where it wasn't measured."""
    refined: bool = False


class Unclonable(ValueError):
    """The recording won't do for this cloner. The message is a sentence for whoever sent it."""


class CloningFailed(RuntimeError):
    """The cloner could not work: its model or the service behind it failed. Says nothing secret."""


class Cloner(Protocol):
    """Safe to call from many threads."""

    @property
    def method(self) -> Method: ...

    @property
    def refines(self) -> bool:
        """Whether `refine` may give something better."""
        ...

    def clone(self, reference: Reference, name: str, progress: Progress) -> Clone:
        """A voice like the one in `reference`, within about ten seconds.

        `name` is what the account calls it, for services that keep a list. Raises `Unclonable` and
        `CloningFailed`.
        """
        ...

    def refine(self, reference: Reference, clone: Clone, progress: Progress) -> Clone | None:
        """A better one than `clone` for the same recording, or None where none was found.

        May take minutes. Raises `CloningFailed`.
        """
        ...

    def forget(self, data: bytes) -> None:
        """Remove what a service keeps of a clone (by its file). Nothing to do for local ones.

        Raises `CloningFailed`; asking again is harmless.
        """
        ...
