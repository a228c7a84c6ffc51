"""What goes wrong, and when. The disk is full as far as one process can see: no file of it may
grow (RLIMIT_FSIZE), which needs no mount and hits nobody else; what it overwrites fails as well."""

from __future__ import annotations

import contextlib
import fnmatch
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.fleet import FINE, ROLES, Fleet, ready
from tests.chaos.ground import Ground
from tests.support.network import Trouble

GRACE_S: Final = 30.0
LONG_S: Final = (32.0, 50.0)
"""How long a process stands still that is to be given up by the others."""
_FULL: Final = 4_096
"""Bytes that a file may have on a full disk."""
_DIES_OF: Final = 90.0
"""Seconds after a fault in which a process may still end because of it."""


@dataclass(frozen=True, slots=True)
class Window:
    """A fault from when to when, by `time.monotonic()`."""

    name: str
    began: float
    ended: float


@dataclass(slots=True)
class Gremlin:
    """Works in one thread."""

    fleet: Fleet
    ground: Ground
    chance: random.Random
    only: tuple[str, ...] = ("*",)
    """Patterns of the names of faults that may happen."""
    done: Counter[str] = field(default_factory=Counter)
    windows: list[Window] = field(default_factory=list)
    unasked: list[tuple[float, str]] = field(default_factory=list)
    """What ended by itself, and when that was seen."""

    def work(self, until: Callable[[], bool]) -> None:
        """One fault after the other, and one at least."""
        while not (self.done and until()):
            self._wait(self.chance.uniform(1.0, 4.0), until)
            self._until_somebody_answers(until)
            self.one(self.chance.choice(self.names()))
            self.mend()

    def names(self) -> list[str]:
        """Every fault that is possible here and allowed, "<kind> <what>"."""
        found = [f"{kind} {role}" for kind in ("kill", "freeze", "roll") for role in ROLES]
        found += ["disk api", "disk worker", "long-freeze worker", "long-freeze talk"]
        for server in self.ground.servers.kinds:
            found += [f"{kind} {server}" for kind in ("restart", "cut", "silent", "late")]
            found += [f"pause {server}"] if server != "livekit" else []
        if self.ground.servers.postgresql is not None:
            found.append("disk postgresql")
        if self.ground.servers.s3 is not None:
            found.append("errors s3")
        allowed = [n for n in found if any(fnmatch.fnmatch(n, one) for one in self.only)]
        if not allowed:
            raise LookupError(f"no fault is named so; there are: {', '.join(found)}")
        return allowed

    def one(self, name: str) -> None:
        kind, what = name.split()
        self.done[name] += 1
        began = time.monotonic()
        if what in ROLES:
            self._of_process(kind, what)
        elif kind in ("cut", "silent", "late", "errors"):
            self._of_network(kind, what)
        else:
            self._of_server(kind, what)
        self.windows.append(Window(name, began, time.monotonic()))

    def mend(self) -> None:
        """Start again what ended, as whoever runs such processes does."""
        for name in self.fleet.names:
            code = self.fleet.bury(name)
            if code is not None:
                self.done[f"{name.split('-')[0]} ended by itself"] += 1
                words = f"{name} ended by itself with {code}: {self.fleet.last_words}"
                self.unasked.append((time.monotonic(), words))
            if not self.fleet.runs(name):
                self.fleet.start(name)

    def excuses(self, at: float) -> bool:
        """Whether a 500 is an honest answer then: a disk was full."""
        return any(
            one.began <= at <= one.ended + GRACE_S
            for one in self.windows
            if one.name.startswith("disk")
        )

    def explains(self, at: float) -> bool:
        """Whether a process may have ended then, because of a fault that it does not survive."""
        fatal = [w for w in self.windows if not w.name.startswith(("kill", "roll"))]
        return any(one.began <= at <= one.ended + _DIES_OF for one in fatal)

    def forgot_limits(self, since: float, until: float) -> int:
        """How often the counts of limits were lost between those times: with Redis, when that was
        restarted; without, when an API was.
        """
        redis = self.ground.servers.redis is not None
        signs = ("restart redis",) if redis else ("kill", "roll", "disk", "freeze", "cut", "silent")
        return sum(
            one.name.startswith(signs) and since <= one.ended and one.began <= until
            for one in self.windows
        )

    def _of_process(self, kind: str, role: str) -> None:
        names = [one for one in self.fleet.names if one.startswith(role) and self.fleet.runs(one)]
        if not names:
            return
        name = self.chance.choice(names)
        if kind == "kill":
            self.fleet.kill(name)
            time.sleep(self.chance.uniform(0.0, 1.0))
            self.fleet.start(name)
        elif kind == "roll":
            self._roll(names)
        elif kind == "disk":
            self.fleet.limit_files(name, _FULL)
            self._last(0.5, 3.0)
            if self.fleet.runs(name):
                self.fleet.limit_files(name, -1)
        else:
            self.fleet.freeze(name)
            self._last(*(LONG_S if kind == "long-freeze" else (1.0, 8.0)), spare=name)
            self.fleet.go_on(name)

    def _roll(self, names: list[str]) -> None:
        """One after the other, as for a new version; the APIs wait for each other to be ready."""
        for name in names:
            if self.fleet.runs(name):
                code = self.fleet.end(name)
                if code not in FINE:
                    self.unasked.append((time.monotonic(), f"{name} was stopped and said {code}"))
            self.fleet.start(name)
            if name.startswith("api"):
                self.fleet.until_ready(self.mend)

    def _of_network(self, kind: str, what: str) -> None:
        """Between one process or all of them and that server."""
        members = [member for member, server in self.ground.ways if server == what]
        if self.chance.random() < 0.5:
            members = [self.chance.choice(members)]
        ways = [
            way
            for (member, server), way in self.ground.ways.items()
            if server == what and member in members
        ]
        trouble: Trouble | bytes = _SLOW_DOWN if kind == "errors" else _TROUBLES[kind]
        for way in ways:
            way.be(trouble)
        self._last(0.5, 12.0 if kind in ("silent", "late") else 5.0)
        for way in ways:
            way.be("none")

    def _of_server(self, kind: str, what: str) -> None:
        server = getattr(self.ground.servers, what)
        if kind == "pause":
            server.hang()
            self._last(0.5, 8.0)
            server.go_on()
            return
        if kind == "disk":
            server.fill(_FULL)
            self._last(0.5, 2.0)
        stop = server.stop if what in ("postgresql", "livekit") else server.kill
        with contextlib.suppress(RuntimeError):  # PostgreSQL may have ended of the full disk
            stop()
        self._last(0.0, 4.0)
        server.start()

    def _last(self, least: float, most: float, spare: str = "") -> None:
        """So many seconds; sometimes another fault strikes within."""
        end = time.monotonic() + self.chance.uniform(least, most)
        others = [n for n in self.fleet.names if n != spare and self.fleet.runs(n)]
        if others and self.chance.random() < 0.3:
            time.sleep(self.chance.uniform(0.0, least))
            name = self.chance.choice(others)
            self.done["kill meanwhile"] += 1
            self.fleet.kill(name)
            self.fleet.start(name)
        while time.monotonic() < end:
            time.sleep(0.05)

    def _until_somebody_answers(self, until: Callable[[], bool]) -> None:
        """On a busy machine a start takes long: with nobody to ask, nothing would be tried."""
        while not until() and not any(ready(url) for url in self.fleet.urls):
            self.mend()
            time.sleep(0.2)

    @staticmethod
    def _wait(seconds: float, until: Callable[[], bool]) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            time.sleep(0.1)


_TROUBLES: Final[dict[str, Trouble]] = {"cut": "cut", "silent": "silent", "late": "late"}
_SLOW_DOWN: Final = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: 63\r\n"
    b"Connection: close\r\n\r\n"
    b"<Error><Code>SlowDown</Code><Message>Later.</Message></Error> \n"
)
