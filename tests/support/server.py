"""A real Charafy server as its own process, started as a newcomer would."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from charafy.first_start import LAST_LINE

START_S = 60.0
_QUIET: Final = {"CHARAFY_LOG_LEVEL": "warning", "CHARAFY_WORKER": "off", "CHARAFY_TALK": "off"}
"""Unless a test asks for more; only videos need the worker."""


class DidNotStart(RuntimeError):
    """The process ended or stayed silent; the message holds what it said."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers at `base_url`."""

    process: subprocess.Popen[str]
    home: Path
    base_url: str
    api_key: str
    """The first start's key; empty on a later start."""
    start_s: float
    """Seconds from starting the process until it said that it is ready."""
    said: str

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self._gone(10)

    def stop(self) -> None:
        """Ask it to finish; kill it when it does not."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self._gone(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def _gone(self, patience_s: float) -> None:
        self.process.wait(timeout=patience_s)
        if self.process.stdout:
            self.process.stdout.close()


@contextlib.contextmanager
def running(home: Path, **env: str) -> Iterator[Server]:
    """`charafy serve` on a free port and the data folder `home`; stopped at the end."""
    server = start(home, env)
    try:
        yield server
    finally:
        server.stop()


def start(home: Path, env: Mapping[str, str], port: int = 0) -> Server:
    """Start the server; the caller stops it. Raises `DidNotStart`."""
    began = time.monotonic()
    # A file, not a pipe: a server that logs a lot must never wait for us to read.
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "charafy", "serve", "--port", str(port)],
            env={**os.environ, "CHARAFY_HOME": str(home), **_QUIET, **env},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        said = _until_ready(process, began)
        took = time.monotonic() - began
        url = re.search(r"ready at (http://\S+)", said)
        if url is None:
            process.kill()
            process.wait(timeout=10)
            log.seek(0)
            raise DidNotStart(said + log.read())
    key = re.search(r"ck_live_\w+", said)
    return Server(process, home, url[1], key[0] if key else "", took, said)


def _until_ready(process: subprocess.Popen[str], began: float) -> str:
    """What it printed up to the last line of its welcome, or until it ended or time ran out."""
    assert process.stdout is not None
    timer = threading.Timer(START_S - (time.monotonic() - began), process.kill)
    timer.start()
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines.append(line)
            if line.strip() == LAST_LINE:
                break
    finally:
        timer.cancel()
    return "".join(lines)
