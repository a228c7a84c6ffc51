"""The processes of one Charafy, each by its own command, which are killed and started again."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

ROLES: Final = ("api", "worker", "talk")
FINE: Final = (0, -signal.SIGTERM)
"""How a process ends that was asked to."""
START_S: Final = 300.0
_STOP_S: Final = 120.0
_LINES: Final = 2_000
ENGINES: Final = {
    "CHARAFY_VOICE_ENGINE": "scripted",
    "CHARAFY_PORTRAIT_ENGINE": "still",
    "CHARAFY_LLM_ENGINE": "scripted",
    "CHARAFY_DEMO": "false",
    "CHARAFY_LOG_LEVEL": "warning",
    "CHARAFY_LOG_FORMAT": "json",
    "CHARAFY_DRAIN_S": "1",
    "CHARAFY_TALK_DRAIN_S": "5",
}


@dataclass(slots=True)
class Member:
    """One process. What it says goes through a pipe, so that a full disk is only the house's."""

    popen: subprocess.Popen[bytes]
    said: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES))

    def listen(self) -> None:
        assert self.popen.stdout is not None
        with self.popen.stdout as lines:
            for line in lines:
                self.said.append(line.decode(errors="replace").rstrip())


class Fleet:
    """So many api, worker and talk as `each` says. Not thread-safe but for `said`.

    Members are named `api-1`, `worker-2` and so on; a name comes back when it is started again.
    """

    def __init__(
        self, home: Path, env_of: Callable[[str], Mapping[str, str]], each: int = 1
    ) -> None:
        self.names = [f"{role}-{number + 1}" for number in range(each) for role in ROLES]
        self._ports = [_free_port() for _ in range(each)]
        self.urls = [f"http://127.0.0.1:{port}" for port in self._ports]
        self.earlier: list[str] = []
        """What members said that are gone."""
        self._env = {**os.environ, **ENGINES, "CHARAFY_HOME": str(home)}
        self._env_of = env_of
        self._members: dict[str, Member] = {}

    def start(self, name: str) -> None:
        role, number = name.split("-")
        port = str(self._ports[int(number) - 1])
        popen = subprocess.Popen(
            [sys.executable, "-m", "charafy", role, *(("--port", port) if role == "api" else ())],
            env={**self._env, **self._env_of(name), "CHARAFY_PORT": port},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        member = self._members[name] = Member(popen)
        threading.Thread(target=member.listen, name=f"{name} listens", daemon=True).start()

    def pid(self, name: str) -> int:
        return self._members[name].popen.pid

    def runs(self, name: str) -> bool:
        return name in self._members and self._members[name].popen.poll() is None

    def kill(self, name: str) -> None:
        """As a power cut would."""
        self._members[name].popen.kill()
        self._gone(name)

    def end(self, name: str) -> int:
        """Ask it to finish; how it ended."""
        self._members[name].popen.send_signal(signal.SIGTERM)
        return self._gone(name)

    def freeze(self, name: str) -> None:
        """It stands still, and holds what it holds, until it goes on."""
        self._members[name].popen.send_signal(signal.SIGSTOP)

    def go_on(self, name: str) -> None:
        self._members[name].popen.send_signal(signal.SIGCONT)

    def bury(self, name: str) -> int | None:
        """How it ended, if it did by itself since it was started; then it is known no more."""
        if name not in self._members or self.runs(name):
            return None
        return self._gone(name)

    @property
    def last_words(self) -> str:
        """Of who ended last."""
        return self.earlier[-2][:300] if len(self.earlier) > 1 else ""

    def stop(self) -> dict[str, int]:
        """Ask all to finish; how each ended, -9 for what did not and was killed."""
        for member in self._members.values():
            member.popen.send_signal(signal.SIGTERM)
        return {name: self._gone(name) for name in list(self._members)}

    def limit_files(self, name: str, most: int) -> None:
        """No file of that process may grow beyond so many bytes: writes fail as on a full disk.

        -1: as large as they want.
        """
        with contextlib.suppress(ProcessLookupError):
            _soft, hard = resource.prlimit(self.pid(name), resource.RLIMIT_FSIZE)
            resource.prlimit(self.pid(name), resource.RLIMIT_FSIZE, (most, hard))

    def until_ready(self, meanwhile: Callable[[], object]) -> float:
        """Wait until each API answers and has its voice; the seconds it took."""
        began = time.monotonic()
        for url in self.urls:
            while not ready(url):
                if time.monotonic() - began > START_S:
                    raise TimeoutError("\n".join(["An API is not ready.", *self.said()[-60:]]))
                meanwhile()
                time.sleep(0.1)
        return time.monotonic() - began

    def said(self) -> list[str]:
        """Everything, up to some thousand lines of each."""
        now = [f"{name} {line}" for name, one in list(self._members.items()) for line in one.said]
        return self.earlier + now

    def _gone(self, name: str) -> int:
        member = self._members.pop(name)
        try:
            member.popen.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            member.popen.kill()
            member.popen.wait(10)
        self.earlier.extend(f"{name} {line}" for line in (*member.said, "is gone"))
        return int(member.popen.returncode)


def ready(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
