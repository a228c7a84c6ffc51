"""Names of processes that do the same work side by side: one each, held as long as it lives."""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from charafy.kernel.refused import StartRefused

if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[str]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


MOST_SEATS: Final = 64
"""Processes of one kind on one data folder."""
_LOOK_S: Final = 0.2
_LONGEST: Final = 36
"""Of a name, with the number behind it within what a talk process may be called."""


class SeatTaken(StartRefused):
    """No name is free; the message says what to do."""


def names_here(hostname: str | None = None) -> tuple[str, ...]:
    """Names of this machine, `host-1` and on: the same after a restart, none on two machines."""
    found = (hostname or socket.gethostname()).lower().partition(".")[0]
    host = re.sub(r"[^a-z0-9]+", "-", found).strip("-")[:_LONGEST].rstrip("-") or "host"
    return tuple(f"{host}-{number}" for number in range(1, MOST_SEATS + 1))


@contextlib.contextmanager
def seat(
    folder: Path,
    kind: str,
    names: Sequence[str],
    *,
    patience_s: float,
    taken: str,
    sleep: Callable[[float], object] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[str]:
    """The first of `names` that no process of this `kind` on the data folder has; held to the end.

    The end may be `kill -9`: the system gives the name back. Waits `patience_s` seconds, as who
    has it may be ending; then raises `SeatTaken`, which says `taken`.
    """
    with contextlib.ExitStack() as held:
        give_up = monotonic() + patience_s
        while (name := _first_free(folder, kind, names, held)) is None:
            if monotonic() >= give_up:
                raise SeatTaken(taken)
            sleep(_LOOK_S)
        yield name


def _first_free(
    folder: Path, kind: str, names: Sequence[str], held: contextlib.ExitStack
) -> str | None:
    for name in names:
        file = (folder / f"{kind}-{name}.lock").open("a")
        try:
            _take(file)
        except (BlockingIOError, PermissionError):  # Windows says the latter
            file.close()
            continue
        held.callback(file.close)
        return name
    return None
