"""One run: a server, steady traffic, looks at its processes, and a verdict."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import httpx

from tests.soak import traffic
from tests.soak.gauges import ROLES, Look, series, watch
from tests.soak.traffic import Client, Notes
from tests.soak.verdict import (
    SETTLED,
    SHORTEST_S,
    Trend,
    Waits,
    memory_grew,
    slowed_down,
    things_grew,
    trend,
    waits,
)
from tests.support import postgresql
from tests.support.server import Server, running

DatabaseKind = Literal["sqlite", "postgresql"]
_READY_S: Final = 180.0
_ENV: Final = {
    "CHARAFY_VOICE_ENGINE": "scripted",
    "CHARAFY_PORTRAIT_ENGINE": "still",
    "CHARAFY_LLM_ENGINE": "scripted",
    "CHARAFY_DEMO": "false",
    "CHARAFY_WORKER": "on",
    "CHARAFY_TALK": "on",
    "CHARAFY_OWNER_CREDITS": "100000000",
}


@dataclass(frozen=True, slots=True)
class Plan:
    seconds: float
    seed: int
    database: DatabaseKind = "sqlite"
    look_every_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """`trends` by process and quantity, `waits` by operation: None where too little was seen."""

    plan: Plan
    looks: list[Look]
    notes: Notes
    trends: dict[tuple[str, str], Trend | None]
    waits: dict[str, Waits | None]
    wrong: list[str] = field(default_factory=list)

    @property
    def long_enough(self) -> bool:
        """For memory, threads and latency to be judged."""
        return enough(self.plan.seconds)


def run(plan: Plan) -> Outcome:
    """Takes `plan.seconds` and the start of a server. Raises `LookupError` without PostgreSQL."""
    with (
        tempfile.TemporaryDirectory(prefix="charafy-soak-") as folder,
        _database(plan.database) as env,
        running(Path(folder) / "home", **_ENV, **env) as server,
    ):
        _until_ready(server)
        looks, notes = _under_traffic(plan, server)
    return judged(plan, looks, notes)


def judged(plan: Plan, looks: list[Look], notes: Notes) -> Outcome:
    trends: dict[tuple[str, str], Trend | None] = {}
    wrong = [f"{what} ({number} times)" for what, number in sorted(notes.failed.items())]
    for role in ROLES:
        for quantity, of in _QUANTITIES.items():
            found = trends[role, quantity] = trend(*series(looks, role, of))
            wrong += _wrong_with(role, quantity, found, plan.seconds)
    compared: dict[str, Waits | None] = {}
    for operation in sorted({one[0] for one in notes.waits}):
        own = [(at, took) for name, at, took in notes.waits if name == operation]
        found_waits = waits([at for at, _ in own], [took for _, took in own])
        compared[operation] = found_waits
        if found_waits is not None and enough(plan.seconds) and slowed_down(found_waits):
            wrong.append(f"{operation} became slower")
    return Outcome(plan, looks, notes, trends, compared, wrong)


def enough(seconds: float) -> bool:
    return seconds * (1 - SETTLED) >= SHORTEST_S


def _wrong_with(role: str, quantity: str, found: Trend | None, seconds: float) -> list[str]:
    if found is None:
        return [f"{role} was not seen"] if quantity == "memory" else []
    if quantity == "memory":
        grew = enough(seconds) and memory_grew(found)
        return [f"{role}: memory grew by {found.growth:.0f} MB"] if grew else []
    # Pools of threads fill as they are needed; whoever forgets to close a file does so at once.
    judged_now = quantity == "open files" or enough(seconds)
    grew = judged_now and things_grew(found)
    return [f"{role}: {quantity} grew by {found.growth:.0f}"] if grew else []


_QUANTITIES: Final[dict[str, Callable[[Look], float]]] = {
    "memory": lambda one: one.resident_mb,
    "open files": lambda one: one.files,
    "threads": lambda one: one.threads,
}


def _under_traffic(plan: Plan, server: Server) -> tuple[list[Look], Notes]:
    notes, over = Notes(), threading.Event()
    character_id = traffic.make_character(server.base_url, server.api_key)
    works: list[tuple[Callable[[Client], object], float]] = [
        (lambda one: traffic.speak(one, character_id), 0.6),
        (lambda one: traffic.speak(one, character_id), 0.6),
        (traffic.look_around, 0.4),
        (traffic.change_things, 2.0),
        (lambda one: traffic.film(one, character_id), 5.0),
        (lambda one: traffic.converse(one, character_id), 2.0),
        (lambda one: traffic.converse(one, character_id), 2.0),
    ]
    with ThreadPoolExecutor(len(works) + 1) as pool:
        watching = pool.submit(watch, server.process.pid, plan.look_every_s, over)
        clients = [
            pool.submit(_client(server, plan.seed + number, notes, over), work, pause_s)
            for number, (work, pause_s) in enumerate(works)
        ]
        try:
            over.wait(plan.seconds)
        finally:
            over.set()
        for client in clients:
            client.result()
        return watching.result(), notes


def _client(
    server: Server, seed: int, notes: Notes, over: threading.Event
) -> Callable[[Callable[[Client], object], float], None]:
    def work(what: Callable[[Client], object], pause_s: float) -> None:
        with Client(server.base_url, server.api_key, seed, notes, over) as client:
            client.repeat(lambda: what(client), pause_s)

    return work


@contextlib.contextmanager
def _database(kind: DatabaseKind) -> Iterator[dict[str, str]]:
    if kind == "sqlite":
        yield {}
        return
    programs = postgresql.programs()
    if programs is None:
        raise LookupError("PostgreSQL's server programs (initdb, pg_ctl) are not installed")
    with postgresql.running(programs) as server:
        yield {"CHARAFY_DATABASE_URL": server.new()}


def _until_ready(server: Server) -> None:
    """Until the voice is there, and somebody was greeted. Raises `TimeoutError`."""
    began, notes = time.monotonic(), Notes()
    while httpx.get(f"{server.base_url}/readyz", timeout=10).status_code != 200:
        _still_waiting(began)
    character_id = traffic.make_character(server.base_url, server.api_key)
    with Client(server.base_url, server.api_key, 0, notes, threading.Event()) as client:
        while not any(operation == "greeted" for operation, _, _ in notes.waits):
            _still_waiting(began)
            traffic.converse(client, character_id)


def _still_waiting(began: float) -> None:
    if time.monotonic() - began > _READY_S:
        raise TimeoutError("the server was never ready")
    time.sleep(0.2)
