"""Keeps the other processes alive beside the API, and takes them along when the API ends."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from charafy.kernel.observe import describe

log = structlog.get_logger("charafy.supervisor")

STOP_S: Final = 15.0
"""Longer than a worker takes to put its work down."""
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 30.0
_STEADY_S: Final = 60.0
"""A worker that lived so long is started again at once."""


class Supervisor:
    """Starts `command`, starts it again when it dies, with growing pauses, until `stop`.

    The child's standard input is a pipe that ends with this process, even if that is killed.
    """

    def __init__(self, command: list[str], env: Mapping[str, str], *, name: str = "worker") -> None:
        self._name = name
        self._command = command
        self._env = dict(env)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="supervisor", daemon=True)

    @property
    def pid(self) -> int | None:
        """Of the child, while there is one."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the child to finish, kill it when it does not, and start no other."""
        with self._lock:
            self._stopping.set()
            child = self._child
        if child is not None and child.poll() is None:
            child.terminate()
            try:
                child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(STOP_S)
        if self._thread.ident is not None:
            self._thread.join(STOP_S)

    def _keep(self) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            with self._lock:
                if self._stopping.is_set():
                    return
                self._child = child = self._spawn()
            began_s = time.monotonic()
            code = _ended(child)
            if self._stopping.is_set():
                return
            if time.monotonic() - began_s > _STEADY_S:
                wait_s = _FIRST_WAIT_S
            log.error(f"{self._name}_died", code=code, again_in_s=wait_s)
            if self._stopping.wait(wait_s):
                return
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        """None where the machine has no room for another process now."""
        try:
            return subprocess.Popen(  # noqa: S603 - our own program
                self._command,
                env=self._env,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
            )
        except OSError as error:
            log.error("not_started", name=self._name, **describe(error))
            return None


def _ended(child: subprocess.Popen[bytes] | None) -> int | None:
    """Wait for its end; what it ended with."""
    if child is None:
        return None
    code = child.wait()
    if child.stdin is not None:
        child.stdin.close()
    return code


def when_parent_ends(tell: Callable[[], object]) -> None:
    """In the child: have `tell` called once the supervisor is gone, however that happened.

    It never writes to its child's standard input; it ends this pipe by ending itself.
    """

    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 1):
                pass
        tell()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def worker(host: str, port: int) -> Supervisor:
    """Supervises `charafy worker` for the API that listens there."""
    return _process("worker", host, port)


def talk(host: str, port: int) -> Supervisor:
    """Supervises `charafy talk` for the API that listens there."""
    return _process("talk", host, port)


def _process(name: str, host: str, port: int) -> Supervisor:
    env = {**os.environ, "CHARAFY_HOST": host, "CHARAFY_PORT": str(port)}
    command = [sys.executable, "-m", "charafy", name, "--supervised"]
    return Supervisor(command, env, name=name)
