"""A worker that does what workers do at their worst; it lives in a child process of a test."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path


class Clumsy:
    def __init__(self, name: str = "") -> None:
        self._name = name
        self._calls = 0

    def whoami(self) -> tuple[int, str, int]:
        """Process id, name, and how many calls this object has had."""
        self._calls += 1
        return os.getpid(), self._name, self._calls

    def print_much(self) -> str:
        sys.stdout.write("a library's chatter " * 10_000)
        sys.stdout.flush()
        os.write(1, b"and from C")
        return "quiet"

    def echo(self, data: bytes) -> bytes:
        return data

    def secrets(self) -> list[str]:
        return [name for name in os.environ if name.startswith("CHARAFY_")]

    def fail(self) -> None:
        raise ValueError("a customer's own words")

    def crash(self) -> None:
        ctypes.string_at(0)

    def hang(self, begun: Path | None = None) -> None:
        """Touch `begun`, then never return."""
        if begun:
            begun.touch()
        time.sleep(600)

    def devour(self, size: int) -> int:
        return len(bytes(size))
