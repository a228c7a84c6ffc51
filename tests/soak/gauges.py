"""What each process of a server holds, looked at again and again: memory, files, threads."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.processes import family, named, resident_mb

ROLES: Final = ("api", "worker", "talk")


@dataclass(frozen=True, slots=True)
class Look:
    """At one process and what it started, `at_s` seconds (`time.monotonic()`)."""

    at_s: float
    role: str
    resident_mb: float
    files: int
    threads: int


def look(server_pid: int) -> list[Look]:
    """Of `charafy serve`; what doesn't run just now is not in it."""
    everybody = family(server_pid)
    families: dict[str, list[int]] = {}
    for role in ("worker", "talk"):
        with contextlib.suppress(LookupError):
            families[role] = family(named(everybody, role))
    others = {pid for one in families.values() for pid in one}
    families["api"] = [pid for pid in everybody if pid not in others]
    now = time.monotonic()
    return [
        Look(now, role, resident_mb(pids), _count(pids, "fd"), _count(pids, "task"))
        for role, pids in sorted(families.items())
        if pids
    ]


def watch(server_pid: int, every_s: float, until: threading.Event) -> list[Look]:
    """Look until told to stop."""
    found: list[Look] = []
    while not until.wait(every_s):
        found += look(server_pid)
    return found


def series(
    looks: Sequence[Look], role: str, of: Callable[[Look], float]
) -> tuple[list[float], list[float]]:
    """When, and how much, of one process."""
    own = [one for one in looks if one.role == role]
    return [one.at_s for one in own], [of(one) for one in own]


def _count(pids: Sequence[int], kind: str) -> int:
    """Entries of /proc/<pid>/<kind>; those that ended meanwhile hold nothing."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += sum(1 for _ in Path(f"/proc/{pid}/{kind}").iterdir())
    return total
