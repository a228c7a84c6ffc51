"""The places that files can lie in: what `storage.Storage` asks of one, and a local folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore

from charafy.kernel.errors import CharafyError
from charafy.kernel.storage_settings import Bucket, StorageRefused

if TYPE_CHECKING:  # obstore has these in its stubs alone
    from obstore import GetOptions

log = structlog.get_logger("charafy.storage")

CHUNK_BYTES: Final = 256 * 1024
PART_BYTES: Final = 5 * 1024 * 1024
_RETRY_AFTER_S: Final = 5
_UNAVAILABLE: Final = "Files can't be stored or read at the moment. Try again in a few seconds."


class StorageUnavailable(CharafyError):
    """The place itself fails: it refuses, is slow or gone. Nothing is known about the file."""

    status, code = 503, "storage_unavailable"

    def __init__(self, message: str = _UNAVAILABLE) -> None:
        super().__init__(message, headers={"Retry-After": str(_RETRY_AFTER_S)})


@dataclass(frozen=True, slots=True)
class Meta:
    """What a place knows of a file."""

    size: int
    etag: str | None
    """Quoted, as it stands in the HTTP header."""


class Store(Protocol):
    """A place for files by key. Thread-safe.

    Everything raises `StorageUnavailable` when the place fails, within a bounded time; what reads
    one file raises `FileNotFoundError` when it isn't there.
    """

    def put(self, key: str, data: bytes | Path, content_type: str) -> None:
        """Whole or not at all, for good; of a path, in pieces."""

    def get(self, key: str) -> bytes: ...

    def head(self, key: str) -> Meta: ...

    def stream(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes `start`..`end` (exclusive); opened before it returns."""

    def keys(self, prefix: str, older_than: datetime | None) -> list[str]:
        """Of all files under a folder, in any order."""

    def delete(self, key: str) -> None:
        """Nothing happens when it is gone already."""

    def signed_url(self, key: str, ttl_s: int) -> str | None:
        """Where the place itself hands the file to anyone, for so long; None: it can't."""

    def check(self) -> None:
        """Write, read and delete a file. Raises `StorageRefused`: what is wrong, in a sentence."""

    def claim(self, mark: str) -> None:
        """Have it marked as this house's. Raises `StorageRefused` where another's mark is."""


class FolderStore:
    """Files in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        """Raises `StorageRefused` for a folder that can't be made."""
        self._root = root
        try:
            self._store = LocalStore(root, mkdir=True, automatic_cleanup=True)
        except OSError as error:
            raise _unusable(root, error) from None

    def put(self, key: str, data: bytes | Path, content_type: str) -> None:
        """It survives a power cut once this has returned."""
        try:
            if isinstance(data, Path):
                self._store.put(key, data, use_multipart=True, chunk_size=PART_BYTES)
            else:
                self._store.put(key, data)
            _sync(self._root / key)
        except (BaseError, OSError) as error:  # a full disk, one that became read-only
            log.warning("storage_failed", operation="put", why=type(error).__name__)
            raise StorageUnavailable from None

    def get(self, key: str) -> bytes:
        return bytes(self._store.get(key).bytes())

    def head(self, key: str) -> Meta:
        meta = self._store.head(key)
        return Meta(meta["size"], meta["e_tag"])

    def stream(self, key: str, start: int, end: int) -> Iterator[bytes]:
        options: GetOptions = {"range": (start, end)}
        found = self._store.get(key, options=options)
        return (bytes(piece) for piece in found.stream(CHUNK_BYTES))

    def keys(self, prefix: str, older_than: datetime | None) -> list[str]:
        return [
            item["path"]
            for page in self._store.list(prefix)
            for item in page
            if older_than is None or item["last_modified"] < older_than
        ]

    def delete(self, key: str) -> None:
        try:
            self._store.delete(key)
        except FileNotFoundError:
            return

    def signed_url(self, key: str, ttl_s: int) -> None:
        return None

    def check(self) -> None:
        probe = self._root / f".probe-{os.getpid()}"
        try:
            probe.write_bytes(b"?")
            probe.unlink()
        except OSError as error:
            raise _unusable(self._root, error) from None

    def claim(self, mark: str) -> None:
        """A folder lies with the database, or was chosen by who has both."""


def store_of(bucket: Bucket | None, folder: Path) -> Store:
    """The bucket, or where there is none the folder. Raises `StorageRefused`."""
    if bucket is None:
        return FolderStore(folder)
    from charafy.kernel.s3 import BucketStore

    return BucketStore(bucket)


def _unusable(root: Path, error: OSError) -> StorageRefused:
    why = error.strerror or str(error).partition(" (os")[0]
    return StorageRefused(
        f"Media can't be kept in {root} ({why}): set CHARAFY_STORAGE_URL or CHARAFY_HOME."
    )


def _sync(path: Path) -> None:
    """Push a file and its name to the disk: the store renames it into place without doing so."""
    for target in (path, path.parent):
        try:
            handle = os.open(target, os.O_RDONLY)
        except FileNotFoundError:  # deleted again already, with the folder it was alone in
            return
        except PermissionError:  # Windows opens no folders
            return
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
