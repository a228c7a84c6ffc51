"""Does what `npm install` of our package does, without npm and its registry."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path


def unpacked(package: bytes) -> dict[str, bytes]:
    """The files of a package by their names in it."""
    with tarfile.open(fileobj=io.BytesIO(package)) as tar:
        files = {member.name: tar.extractfile(member) for member in tar.getmembers()}
        return {name: file.read() for name, file in files.items() if file}


def install(package: bytes, folder: Path) -> None:
    """So that a program in `folder` can import `charafy-client`."""
    for name, content in unpacked(package).items():
        path = folder / "node_modules" / "charafy-client" / name.removeprefix("package/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
