"""A real TURN server of a test's own: coturn, as docs/operate.md sets it up."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.needed import needed

SECRET: Final = "turn-secret-of-the-tests"
CERTIFICATE: Final = Path(__file__).parent / "localhost.pem"
_PATIENCE_S: Final = 60.0


def program() -> str:
    """coturn's server. Without one the test is skipped, and fails where CI is set."""
    reason = "turnserver (coturn) is not installed: scripts/turn does it where apt-get is"
    return needed(shutil.which("turnserver"), reason)


@dataclass(frozen=True, slots=True)
class Turn:
    """Where it listens on loopback."""

    port: int
    tls_port: int


@contextmanager
def running(folder: Path) -> Iterator[Turn]:
    """Returns once it answers; gone afterwards."""
    server = Turn(_free(), _free())
    log = folder / "turn.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [
                *(program(), "-n", "--use-auth-secret", f"--static-auth-secret={SECRET}"),
                *("--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--realm=turn.example"),
                *(f"--listening-port={server.port}", f"--tls-listening-port={server.tls_port}"),
                *(f"--cert={CERTIFICATE}", f"--pkey={CERTIFICATE}", "--no-cli"),
                *(f"--userdb={folder / 'turn.db'}", f"--pidfile={folder / 'turn.pid'}"),
                *("--log-file=stdout", "--simple-log", "--relay-threads=1"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        deadline_s = time.monotonic() + _PATIENCE_S
        while not (_takes(server.port) and _takes(server.tls_port)):
            if time.monotonic() > deadline_s or process.poll() is not None:
                raise RuntimeError(log.read_text(errors="replace")[-2000:])
            time.sleep(0.05)
        yield server
    finally:
        process.kill()
        process.wait(_PATIENCE_S)


def _takes(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _free() -> int:
    """A port that neither TCP nor UDP has, in all likelihood until it is used."""
    with socket.socket() as probe, socket.socket(type=socket.SOCK_DGRAM) as other:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
        other.bind(("127.0.0.1", port))
        return port
