"""Processes of one Charafy on one PostgreSQL and one data folder, each by its own command."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import httpx
from pydantic import SecretStr

from charafy.kernel.settings import Settings

PATIENCE_S: Final = 180.0
ENGINES: Final = {
    "CHARAFY_VOICE_ENGINE": "scripted",
    "CHARAFY_PORTRAIT_ENGINE": "still",
    "CHARAFY_DEMO": "false",
    "CHARAFY_LOG_LEVEL": "warning",
}


@dataclass(slots=True)
class Process:
    """One that was started; what it says is in a file, so that it never waits for a reader."""

    popen: subprocess.Popen[bytes]
    _said: IO[str]

    @property
    def pid(self) -> int:
        return self.popen.pid

    def said(self) -> str:
        self._said.seek(0)
        return self._said.read()

    def signal(self, number: int) -> None:
        self.popen.send_signal(number)

    def wait(self, patience_s: float = PATIENCE_S) -> int:
        return self.popen.wait(patience_s)

    def end(self) -> None:
        """As a power cut would."""
        self.popen.kill()
        self.popen.wait(30)
        self._said.close()


@dataclass(slots=True)
class Many:
    """Starts processes of one house and ends those that still run."""

    home: Path
    database_url: str
    env: Mapping[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        """Those of a house on the same database and folder in the process that asks."""
        return Settings(
            home=self.home,
            database_url=SecretStr(self.database_url),
            voice_engine="scripted",
            portrait_engine="still",
            demo=False,
        )

    def start(
        self, *module: str, home: Path | None = None, env: Mapping[str, str] | None = None
    ) -> Process:
        """`python -m <module>` in this house, or with a data folder of its own."""
        said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed when the process is ended
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            env={
                **os.environ,
                **ENGINES,
                "CHARAFY_HOME": str(home or self.home),
                "CHARAFY_DATABASE_URL": self.database_url,
                **self.env,
                **(env or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        self.processes.append(Process(process, said))
        return self.processes[-1]

    def api(self, port: int, **env: str) -> Process:
        """Returns once it answers that it is ready, at `port` of loopback."""
        process = self.start("charafy", "api", "--port", str(port), env=env)
        self.ready(process, port)
        return process

    def ready(self, process: Process, port: int) -> None:
        """Wait until it answers so."""

        def answers() -> bool:
            assert process.popen.poll() is None, process.said()
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=10).status_code == 200
            return False

        until(answers, "the API is ready")

    def worker(self, **env: str) -> Process:
        return self.start("charafy", "worker", env=env)

    def talk(self, **env: str) -> Process:
        return self.start("charafy", "talk", env=env)


@contextlib.contextmanager
def many(home: Path, database_url: str, **env: str) -> Iterator[Many]:
    home.mkdir(parents=True, exist_ok=True)
    house = Many(home, database_url, env)
    try:
        yield house
    finally:
        for process in house.processes:
            process.end()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> float:
    """Wait for it; the seconds it took."""
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s < patience_s, f"still not: {what}"
        time.sleep(0.05)
    return time.monotonic() - began_s
