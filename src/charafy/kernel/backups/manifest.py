"""What a backup is: a folder of files, and the list that says what each of them must be.

    manifest.json        the list; written last, so that a folder without it is no backup
    database.sqlite      or database.dump, of PostgreSQL
    secret               which keys, sessions and links derive from
    media/<key>          every file of the storage, under its key

Nothing in it is believed: a path is one of these or refused, and a file is what the list says.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from charafy.kernel.errors import NotFound
from charafy.kernel.storage import content_type_of

FORMAT: Final = 1
LIST: Final = "manifest.json"
SECRET: Final = "secret"  # noqa: S105 - the name of its file
MEDIA: Final = "media/"
PIECE_BYTES: Final = 1 << 20
_MOST_LIST_BYTES: Final = 1 << 30
_SECRET_BYTES: Final = 32

Kind = Literal["sqlite", "postgresql"]
DATABASE: Final[dict[Kind, str]] = {"sqlite": "database.sqlite", "postgresql": "database.dump"}


class BackupRefused(RuntimeError):
    """A backup can't be made or used as it is; the message is one sentence and holds no secret."""


class Entry(BaseModel):
    """One file."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(max_length=1_000)
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    @property
    def key(self) -> str | None:
        """Of a file of the storage."""
        return self.path.removeprefix(MEDIA) if self.path.startswith(MEDIA) else None


class Manifest(BaseModel):
    """The list. `database_at` is the moment that the database is as of, to a second or so."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = FORMAT
    charafy: str
    database: Kind
    revision: str
    begun_at: str
    database_at: str
    files: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files)

    @property
    def media(self) -> tuple[str, ...]:
        """The keys of all files of the storage."""
        return tuple(entry.key for entry in self.files if entry.key is not None)

    def to_json(self) -> bytes:
        return self.model_dump_json(indent=1).encode()


def read_manifest(folder: Path) -> Manifest:
    """The list of the backup in `folder`. Raises `BackupRefused` for what isn't one."""
    try:
        with opened(folder, LIST) as file:
            words = file.read(_MOST_LIST_BYTES)
    except FileNotFoundError:
        raise BackupRefused(f"{folder} is no backup: it has no {LIST}.") from None
    try:
        found = json.loads(words)
        written = found["format"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise BackupRefused(f"{folder} is damaged: its {LIST} can't be read.") from None
    if isinstance(written, int) and written > FORMAT:
        raise BackupRefused(
            f"{folder} was made by a later version of Charafy: restore it with that version."
        )
    try:
        manifest = Manifest.model_validate(found)
    except ValidationError:
        raise BackupRefused(f"{folder} is damaged: its {LIST} can't be read.") from None
    _require_whole(folder, manifest)
    return manifest


def verify(folder: Path, manifest: Manifest) -> None:
    """Read every file, and raise `BackupRefused` unless each is what the list says."""
    for entry in manifest.files:
        try:
            with opened(folder, entry.path) as file:
                found = digest(pieces_of(file))
        except FileNotFoundError:
            raise BackupRefused(f"{folder} is damaged: {entry.path} is missing.") from None
        if found != (entry.size, entry.sha256):
            raise BackupRefused(f"{folder} is damaged: {entry.path} is not what was saved.")


def opened(folder: Path, path: str) -> BinaryIO:
    """A file of the backup to read; `BackupRefused` for one that lies elsewhere or is no file."""
    whole = folder / path
    if whole.resolve() != folder.resolve() / path:
        raise BackupRefused(f"{folder} is no backup of Charafy's: {path} is a link.")
    # Not to wait for whoever writes into a pipe of that name.
    handle = os.open(whole, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise BackupRefused(f"{folder} is no backup of Charafy's: {path} is no file.")
    return os.fdopen(handle, "rb")


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece


def digest(pieces: Iterable[bytes]) -> tuple[int, str]:
    """Size and SHA-256."""
    size, sha = 0, hashlib.sha256()
    for piece in pieces:
        size += len(piece)
        sha.update(piece)
    return size, sha.hexdigest()


def _require_whole(folder: Path, manifest: Manifest) -> None:
    """One database, one secret, and besides nothing but files that a storage can hold."""
    paths = [entry.path for entry in manifest.files]
    needed = {DATABASE[manifest.database], SECRET}
    if len(set(paths)) != len(paths) or not needed <= set(paths):
        raise BackupRefused(f"{folder} is damaged: its {LIST} names too much or too little.")
    for entry in manifest.files:
        if entry.path == SECRET and entry.size != _SECRET_BYTES:
            raise BackupRefused(f"{folder} is damaged: its {SECRET} is none.")
        if entry.path in needed:
            continue
        try:
            content_type_of(entry.key or "")
        except NotFound:
            raise BackupRefused(
                f"{folder} is no backup of Charafy's: its {LIST} names a file that none holds."
            ) from None
