"""Files written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` so that a reader or a crash never sees half of it."""
    _write(path, data, mode=0o644, replace=True)


def write_private(path: Path, data: bytes, *, replace: bool = True) -> None:
    """As `write_atomic`, for this user alone; `replace=False` keeps a file that is there first."""
    _write(path, data, mode=0o600, replace=replace)


def _write(path: Path, data: bytes, *, mode: int, replace: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        if replace:
            Path(name).replace(path)
        else:
            _link_unless_there(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def _link_unless_there(name: str, path: Path) -> None:
    """Two processes may start at once: the first one's file stays."""
    try:
        os.link(name, path)
    except FileExistsError:
        return
