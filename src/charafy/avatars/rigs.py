"""Rigs that were baked for videos: a bounded folder on this machine's disk."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

from charafy.kernel.files import write_atomic

MAX_BYTES = 256 * 1024 * 1024
_ENDING = ".rig"


class RigCache:
    """Files of rigs by photo and by what else makes them differ. Safe from many processes."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def get(self, photo_key: str, variant: str) -> dict[str, bytes] | None:
        path = self._path(photo_key, variant)
        try:
            with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
                files = {name: archive.read(name) for name in archive.namelist()}
            os.utime(path)  # the least lately used go first
        except (OSError, zipfile.BadZipFile):
            return None
        return files

    def put(self, photo_key: str, variant: str, files: Mapping[str, bytes]) -> None:
        """Keep them if there is room on the disk: nothing depends on it."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:  # stored: the pictures are packed already
            for name, data in files.items():
                archive.writestr(name, data)
        with suppress(OSError):
            write_atomic(self._path(photo_key, variant), packed.getvalue())
        self._shrink()

    def keep_only(self, alive: Callable[[Collection[str]], Collection[str]]) -> None:
        """Forget the rigs of photos that `alive` (of their keys) doesn't name any more."""
        kept = {_unwritten(path.name): path for path in self._photos()}
        if not kept:
            return
        gone = set(kept) - set(alive(kept))
        for key in gone:
            with suppress(OSError):  # another process removes it too, or has put one there just now
                for path in kept[key].iterdir():
                    path.unlink(missing_ok=True)
                kept[key].rmdir()

    def _path(self, photo_key: str, variant: str) -> Path:
        digest = hashlib.sha256(variant.encode()).hexdigest()[:32]
        return self._folder / _written(photo_key) / f"{digest}{_ENDING}"

    def _photos(self) -> list[Path]:
        return list(self._folder.iterdir()) if self._folder.is_dir() else []

    def _shrink(self) -> None:
        found = []
        for path in self._folder.glob(f"*/*{_ENDING}"):
            with suppress(OSError):  # someone else made room
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._max_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size


def _written(photo_key: str) -> str:
    """A key as one folder name; keys hold no `+`."""
    return photo_key.replace("/", "+")


def _unwritten(name: str) -> str:
    return name.replace("+", "/")
