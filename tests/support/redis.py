"""A real Redis of a test's own, to be killed, stopped and started again."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.support.needed import needed

PASSWORD: Final = "pass-word"
_PATIENCE_S: Final = 20.0


def program() -> str:
    """Redis' or Valkey's server. Without one the test is skipped, and fails where CI is set."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    return needed(found, "neither redis-server nor valkey-server is installed")


@dataclass
class Redis:
    """One server on loopback that keeps nothing on disk."""

    program: str
    folder: Path
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def url(self, *, user: str = "", password: str = PASSWORD, db: int = 0) -> str:
        return f"redis://{user}:{password}@127.0.0.1:{self.port}/{db}"

    def start(self) -> None:
        """Returns once it answers. Empty: what it held before is gone."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self.program,
                    *("--bind", "127.0.0.1", "--port", str(self.port)),
                    *("--requirepass", PASSWORD, "--save", "", "--appendonly", "no"),
                    *("--dir", str(self.folder)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline_s = time.monotonic() + _PATIENCE_S
        while not self._answers():
            if time.monotonic() > deadline_s or self._process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.02)

    def kill(self) -> None:
        """As a power cut would."""
        self._send(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(timeout=_PATIENCE_S)
        self._process = None

    def hang(self) -> None:
        """It takes connections, but answers nobody."""
        self._send(signal.SIGSTOP)

    def go_on(self) -> None:
        self._send(signal.SIGCONT)

    def close(self) -> None:
        if self._process is not None:
            self.kill()

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                probe.sendall(f"AUTH {PASSWORD}\r\n".encode())
                return probe.recv(100).startswith(b"+OK")
        except OSError:
            return False


@contextmanager
def running() -> Iterator[Redis]:
    """A fresh one; gone afterwards, whatever became of it."""
    folder = Path(tempfile.mkdtemp(prefix="charafy-redis-"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = Redis(program(), folder, int(probe.getsockname()[1]))
    try:
        server.start()
        yield server
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)
