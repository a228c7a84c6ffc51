"""A real S3-compatible server of the tests' own: started once in a session, thrown away after."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from pydantic import SecretStr

from charafy.kernel.storage_settings import Bucket

ACCESS_KEY: Final = "charafy-tests"
SECRET_KEY: Final = "se/cr+et-of-tests"
REGION: Final = "eu-test-1"
_PATIENCE_S: Final = 60.0
_SCRIPT: Final = Path(__file__).parents[2] / "scripts" / "s3"


def program() -> Path | None:
    """The server's program, which `scripts/s3` builds where it isn't installed; None without."""
    if found := shutil.which("versitygw"):
        return Path(found)
    asked = subprocess.run([_SCRIPT, "--where"], capture_output=True, text=True, check=True)
    built = Path(asked.stdout.strip())
    return built if os.access(built, os.X_OK) else None


@dataclass(frozen=True, slots=True)
class Server:
    """A gateway to a folder: each folder in it is a bucket, each file an object."""

    program: Path
    folder: Path
    port: int
    open_to_scripts: bool = False
    """Whether pages of any site may read what it answers."""
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def new(self) -> Bucket:
        """A bucket that nobody has used, with a prefix in it."""
        name = f"b{uuid4().hex}"
        (self.folder / "data" / name).mkdir()
        return Bucket(
            name=name,
            prefix="media/",
            region=REGION,
            access_key=ACCESS_KEY,
            secret_key=SECRET_KEY,
            endpoint=self.endpoint,
            timeout_s=10.0,
        )

    def drop(self, bucket: Bucket) -> None:
        """Bucket, objects and all, without asking the server."""
        shutil.rmtree(self.folder / "data" / bucket.name, ignore_errors=True)
        shutil.rmtree(self.folder / "about" / bucket.name, ignore_errors=True)

    def objects(self, bucket: Bucket) -> list[str]:
        """The keys of all objects there, prefix and all, sorted."""
        root = self.folder / "data" / bucket.name
        files = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
        return sorted(str(path) for path in files if not path.parts[0].startswith("."))

    def start(self) -> None:
        """Returns once it answers. What it was given before is there again."""
        words = (self.folder / "out").open("ab")
        with words:
            process = subprocess.Popen(
                [
                    *(str(self.program), "--port", f"127.0.0.1:{self.port}", "--region", REGION),
                    *("--keep-alive", "--quiet"),
                    *(("--cors-allow-origin", "*") if self.open_to_scripts else ()),
                    "posix",
                    # Not every file system of a test machine has extended attributes.
                    *("--sidecar", str(self.folder / "about"), str(self.folder / "data")),
                ],
                env={
                    "ROOT_ACCESS_KEY": ACCESS_KEY,
                    "ROOT_SECRET_KEY": SECRET_KEY,
                    "HOME": str(self.folder),
                },
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + _PATIENCE_S
        while not self._answers():
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                raise RuntimeError((self.folder / "out").read_text(errors="replace")[-2000:])
            time.sleep(0.05)
        self._processes.append(process)

    def kill(self) -> None:
        """As a power cut would."""
        while self._processes:
            process = self._processes.pop()
            process.kill()
            process.wait(_PATIENCE_S)

    def hang(self) -> None:
        """It takes connections, but answers nobody."""
        for process in self._processes:
            process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5):
            return True
        return False


@contextmanager
def running(program_: Path, *, open_to_scripts: bool = False) -> Iterator[Server]:
    """A server without any bucket that listens on loopback only."""
    folder = Path(tempfile.mkdtemp(prefix="charafy-s3-"))
    for name in ("data", "about"):
        (folder / name).mkdir()
    server = Server(program_, folder, _free_port(), open_to_scripts)
    try:
        server.start()
        try:
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def settings_of(bucket: Bucket) -> dict[str, Any]:
    """The settings that name it."""
    return {
        "storage_url": str(bucket),
        "storage_endpoint": bucket.endpoint,
        "storage_region": bucket.region,
        "storage_access_key": bucket.access_key,
        "storage_secret_key": SecretStr(bucket.secret_key),
        "storage_timeout_s": bucket.timeout_s,
    }


def environment_of(bucket: Bucket) -> dict[str, str]:
    """The same, as a process is told."""
    return {
        f"CHARAFY_{name.upper()}": value.get_secret_value()
        if isinstance(value, SecretStr)
        else str(value)
        for name, value in settings_of(bucket).items()
    }


def through(bucket: Bucket, port: int, **changes: Any) -> Bucket:
    """The same place, reached at another port of this machine."""
    return replace(bucket, endpoint=f"http://127.0.0.1:{port}", **changes)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
