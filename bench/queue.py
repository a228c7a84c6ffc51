"""How long an order waits: from the API's answer to the moment a worker takes the film up.

Real processes, one `charafy serve` with its API and its worker, on both databases; the voice is
scripted and the photo does not move, so that a film costs next to nothing and the wait is left.
Environment: BENCH_ORDERS (40, to an idle worker), BENCH_BACKLOG (40, at once).
"""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import httpx
import sqlalchemy as sa
from pydantic import SecretStr

from bench.ledger_data import New, on_each
from charafy.house import build_house
from charafy.kernel.db import Database
from charafy.kernel.migrate import migrate
from charafy.kernel.settings import Settings
from charafy.videos.tables import videos
from tests.support.processes import cpu_s, family
from tests.support.server import Server, running
from tests.support.videos import TINY, Customer, customer

CREDITS: Final = 1_000_000
PATIENCE_S: Final = 300.0
_QUIET_S: Final = 10.0
_ENV: Final = {
    "CHARAFY_VOICE_ENGINE": "scripted",
    "CHARAFY_PORTRAIT_ENGINE": "still",
    "CHARAFY_DEMO": "false",
    "CHARAFY_WORKER": "on",
}


@dataclass(frozen=True, slots=True)
class Film:
    """When it was ordered (answered), begun and made, in seconds since the epoch."""

    ordered: float
    begun: float
    made: float

    @property
    def waited(self) -> float:
        return self.begun - self.ordered


@dataclass(frozen=True, slots=True)
class Scene:
    server: Server
    db: Database
    many: Customer
    """Who orders all the time."""
    one: Customer
    """Who orders a single film while the other's wait."""

    def cpu_s(self) -> float:
        return cpu_s(family(self.server.process.pid))

    def order(self, who: Customer, client: httpx.Client) -> tuple[str, float]:
        """The id of a new video, and when the answer was here."""
        body = {"character_id": who.character_id, "text": "Hello!", **TINY}
        answer = client.post("/video", json=body, headers=who.headers)
        now = time.time()
        return str(answer.raise_for_status().json()["video_id"]), now

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.server.base_url}/api/v1", timeout=60)

    def films(self, ordered: dict[str, float]) -> list[Film]:
        """Wait until all are made. Raises `RuntimeError` when one failed, `TimeoutError`."""
        until = time.monotonic() + PATIENCE_S
        asked = sa.select(videos.c.id, videos.c.status, videos.c.started_at, videos.c.completed_at)
        while time.monotonic() < until:
            time.sleep(0.2)  # seldom, for the worker shares the cores with whoever looks
            with self.db.read() as tx:
                rows = tx.execute(asked.where(videos.c.id.in_(ordered))).all()
            if any(row.status == "failed" for row in rows):
                raise RuntimeError("a film failed")
            if len(rows) == len(ordered) and all(row.status == "completed" for row in rows):
                return [
                    Film(ordered[row.id], row.started_at.timestamp(), row.completed_at.timestamp())
                    for row in rows
                ]
        raise TimeoutError("the films were never made")


def run() -> dict[str, Any]:
    """By database."""
    return on_each(_measured)


def _measured(new: New) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        url = new(home)
        settings = Settings(home=home, voice_engine="scripted", portrait_engine="still", demo=False)
        env = dict(_ENV)
        if not url.startswith("sqlite"):
            settings = settings.model_copy(update={"database_url": SecretStr(url)})
            env["CHARAFY_DATABASE_URL"] = url
        many, one = _customers(settings)
        db = Database(settings.db_url)
        try:
            with running(home, **env) as server:
                scene = Scene(server, db, many, one)
                _warm(scene)
                return _idle(scene) | _backlog(scene)
        finally:
            db.close()


def _customers(settings: Settings) -> tuple[Customer, Customer]:
    db = Database(settings.db_url)
    migrate(db)
    db.close()
    house = build_house(settings)
    try:
        return (
            customer(house, credits=CREDITS, plan="owner"),
            customer(house, credits=CREDITS, plan="owner"),
        )
    finally:
        house.close()


def _warm(scene: Scene) -> None:
    """Two films: the worker's start and its models are no part of anybody's wait."""
    with scene.client() as client:
        for _ in range(2):
            scene.films(dict([scene.order(scene.many, client)]))


def _idle(scene: Scene) -> dict[str, Any]:
    """One order at a time, at any moment of the worker's rounds."""
    orders = int(os.environ.get("BENCH_ORDERS", "40"))
    chance = random.Random(7)
    before, began = scene.cpu_s(), time.monotonic()
    time.sleep(_QUIET_S)
    idle = (scene.cpu_s() - before) / (time.monotonic() - began)
    before, began = scene.cpu_s(), time.monotonic()
    films: list[Film] = []
    with scene.client() as client:
        for _ in range(orders):
            time.sleep(chance.uniform(0.0, 1.0))
            films += scene.films(dict([scene.order(scene.many, client)]))
    spent = scene.cpu_s() - before - idle * (time.monotonic() - began)
    waits = [film.waited for film in films]
    return {
        "idle_orders": orders,
        "idle_wait_p50_s": _at(waits, 50),
        "idle_wait_p95_s": _at(waits, 95),
        "idle_wait_worst_s": round(max(waits), 3),
        "film_made_in_p50_s": _at([film.made - film.begun for film in films], 50),
        "cpu_s_a_film": round(spent / orders, 3),
        "cpu_s_a_second_of_idle_processes": round(idle, 4),
    }


def _backlog(scene: Scene) -> dict[str, Any]:
    """All orders of one customer at once, and one of another behind them."""
    orders = int(os.environ.get("BENCH_BACKLOG", "40"))
    before = scene.cpu_s()
    with scene.client() as client:
        ordered = dict(scene.order(scene.many, client) for _ in range(orders))
        newcomer, at = scene.order(scene.one, client)
    films = scene.films({**ordered, newcomer: at})
    films.sort(key=lambda film: film.begun)
    waits = [film.waited for film in films]
    seconds = max(film.made for film in films) - min(film.ordered for film in films)
    last_two = [later.begun - earlier.made for earlier, later in pairwise(films)]
    behind = [film for film in films if film.ordered == at]
    return {
        "backlog": orders,
        "backlog_wait_p50_s": _at(waits, 50),
        "backlog_wait_of_the_last_s": round(max(waits), 2),
        "backlog_films_a_second": round(len(films) / seconds, 2),
        "between_two_films_p50_s": _at(last_two, 50),
        "another_customers_wait_s": round(behind[0].waited, 2),
        "backlog_cpu_s_a_film": round((scene.cpu_s() - before) / len(films), 3),
    }


def _at(values: Sequence[float], percent: int) -> float:
    if percent == 50:
        return round(statistics.median(values), 3)
    return round(statistics.quantiles(values, n=100)[percent - 1], 3)
