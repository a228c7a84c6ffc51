"""A real LiveKit server of the tests' own, on loopback, thrown away afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from pydantic import SecretStr

from tests.support.needed import needed

KEY: Final = "testkey"
SECRET: Final = "a secret of the tests, of 32 and more characters"
_SCRIPT: Final = Path(__file__).parents[2] / "scripts" / "livekit"
_PATIENCE_S: Final = 60
_TRIES: Final = 5


def program() -> Path | None:
    """Where the server is; None where there is none."""
    found = shutil.which("livekit-server")
    if found:
        return Path(found)
    said = subprocess.run([_SCRIPT, "--where"], capture_output=True, text=True, check=True)
    built = Path(said.stdout.strip())
    return built if built.exists() else None


def needed_program() -> Path:
    """As `program`; without one the test is skipped, and fails where CI is set."""
    reason = "there is no LiveKit server: scripts/livekit builds one where Go is"
    return needed(program(), reason)


@dataclass(slots=True)
class Server:
    """One server; it may be stopped and started again at the same port."""

    program: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "--config", self.folder / "config.yaml"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ.get("PATH", "")},
            )
        deadline = time.monotonic() + _PATIENCE_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"LiveKit did not start: {self.log[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """At once, as when its machine fails."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(_PATIENCE_S)
            self.process = None

    def _answers(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}", timeout=2) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


def settings_of(server: Server) -> dict[str, Any]:
    """What a house's settings are to say of it."""
    return {
        "livekit_url": server.url,
        "livekit_api_key": KEY,
        "livekit_api_secret": SecretStr(SECRET),
    }


def surroundings_of(server: Server) -> dict[str, str]:
    """The same in the environment of a process."""
    return {
        "CHARAFY_LIVEKIT_URL": server.url,
        "CHARAFY_LIVEKIT_API_KEY": KEY,
        "CHARAFY_LIVEKIT_API_SECRET": SECRET,
    }


@contextmanager
def running(program: Path) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="charafy-livekit-"))
    server = _started(program, folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _started(program: Path, folder: Path) -> Server:
    for _ in range(_TRIES):
        server = _prepared(program, folder)
        try:
            server.start()
        except RuntimeError:  # somebody may have taken a port since it was found free
            server.stop()
            said = server.log
        else:
            return server
    raise RuntimeError(f"LiveKit did not start: {said[-2000:]}")


def _prepared(program: Path, folder: Path) -> Server:
    """With ports that are free now."""
    server = Server(program, folder, _free(socket.SOCK_STREAM))
    tcp, udp = _free(socket.SOCK_STREAM), _free(socket.SOCK_DGRAM)
    (folder / "config.yaml").write_text(
        f"port: {server.port}\n"
        "bind_addresses: [127.0.0.1]\n"
        f"rtc: {{tcp_port: {tcp}, udp_port: {udp}, use_external_ip: false, node_ip: 127.0.0.1,\n"
        "  interfaces: {includes: [lo]}, enable_loopback_candidate: true}\n"
        f"keys: {{{KEY}: '{SECRET}'}}\n"
        "logging: {level: info}\n"
    )
    return server


def _free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
