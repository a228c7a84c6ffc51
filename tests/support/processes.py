"""What processes spend: CPU-seconds and resident memory, of one and of all that it started."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """The process and all below it that are alive."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [child for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *(one for child in children for one in family(int(child)))]


def cpu_s(pids: list[int]) -> float:
    """CPU-seconds so far, of those that are alive."""
    spent = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        spent += int(fields[11]) + int(fields[12])
    return spent * _TICK_S


def resident_mb(pids: list[int]) -> float:
    """Resident memory of those that are alive; what they share counts for each."""
    kilobytes = 0
    for pid in pids:
        try:
            found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        except OSError:
            continue
        kilobytes += int(found[1]) if found else 0
    return kilobytes / 1024


def named(pids: list[int], word: str) -> int:
    """The first of them that was started with that word. Raises `LookupError`."""
    for pid in pids:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if word.encode() in words:
            return pid
    raise LookupError(f"no process was started with {word!r}")
