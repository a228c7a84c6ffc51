"""How many SQL statements each operation takes, counted where SQLAlchemy sends them.

In this process, with scripted engines, on both databases. Begin, commit and rollback are no
statements here but are told, for on PostgreSQL each is a trip of its own, and so is the question
whether a pooled connection still lives. What DBOS asks for its own records is not counted.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
import structlog
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy.engine import Engine

from bench.ledger_data import New, on_each
from charafy.app import build_app
from charafy.conversations.models import Ending, TurnRecord
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.migrate import migrate
from charafy.kernel.settings import Settings
from tests.support.conversations import asked
from tests.support.videos import API, Customer, Hands, customer, ordered

TIMES: Final = 20
TURNS: Final = 12
_WARM: Final = 3


@dataclass(slots=True)
class Counted:
    """Since the last look."""

    statements: list[str] = field(default_factory=list)
    begun: int = 0
    committed: int = 0

    def clear(self) -> None:
        self.statements.clear()
        self.begun = self.committed = 0


@contextmanager
def counting(engine: Engine) -> Iterator[Counted]:
    found = Counted()

    def asked_for(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith("BEGIN"):  # SQLite's is sent as a statement
            found.statements.append(statement)

    def began(_connection: Any) -> None:
        found.begun += 1

    def committed(_connection: Any) -> None:
        found.committed += 1

    told = (("before_cursor_execute", asked_for), ("begin", began), ("commit", committed))
    for name, listener in told:
        sa.event.listen(engine, name, listener)
    try:
        yield found
    finally:
        for name, listener in told:
            sa.event.remove(engine, name, listener)


def run() -> dict[str, Any]:
    """By database and operation."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    return on_each(_measured)


def _measured(new: New) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        url = new(home)
        settings = Settings(home=home, voice_engine="scripted", portrait_engine="still", demo=False)
        if not url.startswith("sqlite"):
            settings = settings.model_copy(update={"database_url": SecretStr(url)})
        db = Database(settings.db_url)
        migrate(db)
        db.close()
        house = build_house(settings)
        try:
            return _of(house)
        finally:
            house.close()


def _of(house: House) -> dict[str, Any]:
    who = customer(house, credits=1_000_000, plan="owner")
    client = TestClient(build_app(house), base_url=house.settings.base_url)
    with counting(house.db.engine) as counted:
        found: dict[str, Any] = {
            name: _counted(operation, counted)
            for name, operation in _operations(house, client, who).items()
        }
        found["film_made"] = _films(house, client, who, counted)
        found |= _conversations(house, client, who, counted)
        return found


def _operations(
    house: House, client: TestClient, who: Customer
) -> Mapping[str, Callable[[], object]]:
    def get(path: str) -> Callable[[], object]:
        return lambda: client.get(f"{API}{path}", headers=who.headers).raise_for_status()

    def speak() -> None:
        body = {"character_id": who.character_id, "text": "a", "format": "pcm"}
        client.post(f"{API}/tts", json=body, headers=who.headers).raise_for_status()

    def key() -> None:
        made = client.post(f"{API}/keys", json={"name": "Bench"}, headers=who.headers)
        path = f"{API}/keys/{made.raise_for_status().json()['key_id']}"
        client.delete(path, headers=who.headers).raise_for_status()

    return {
        "get_credits": get("/credits"),
        "get_voices": get("/voices"),
        "get_characters": get("/characters"),
        "speech": speak,
        "key_made_and_deleted": key,
        "workers_look_for_orders": house.video_room.work.waiting,
        "film_ordered": lambda: ordered(client, who),
    }


def _counted(operation: Callable[[], object], counted: Counted, times: int = TIMES) -> Any:
    """Averages of an operation that may be repeated."""
    for _ in range(_WARM):
        operation()
    counted.clear()
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        operation()
    return _told(counted, times, time.perf_counter() - began, time.process_time() - cpu)


def _told(counted: Counted, times: int, wall_s: float, cpu_s: float) -> dict[str, float]:
    return {
        "statements": round(len(counted.statements) / times, 1),
        "units_of_work": round(counted.begun / times, 1),
        "commits": round(counted.committed / times, 1),
        "ms": round(wall_s / times * 1000, 2),
        "cpu_ms": round(cpu_s / times * 1000, 2),
    }


def _films(house: House, client: TestClient, who: Customer, counted: Counted) -> Any:
    """From a worker's taking it up to its end. These hands look at every frame whether it is still
    wanted, a worker twice a second: of a long film there are as many more as it takes seconds."""
    hands, waiting = Hands(house), [ordered(client, who) for _ in range(TIMES + _WARM)]
    return _counted(lambda: hands.make(waiting.pop()), counted)


def _conversations(
    house: House, client: TestClient, who: Customer, counted: Counted
) -> dict[str, Any]:
    """Each step of a conversation, and one of five minutes with all that it asks."""
    sessions = house.conversation_room.sessions
    record = TurnRecord("assistant", "Hello yourself!", False, 1.0, {"llm": 0.5})

    def talked() -> None:
        given = asked(client, who)
        conversation_id = given["conversation_id"]
        sessions.admit(given["token"], "node")
        sessions.reached(conversation_id)
        for beat in range(30):
            sessions.beat(conversation_id)
            if beat < 2 * TURNS:  # what each of the two said
                sessions.turn(conversation_id, record)
        sessions.end(conversation_id, Ending("hang_up", 300.0))

    found = {"token": _counted(lambda: asked(client, who), counted)}
    minted = [asked(client, who) for _ in range(TIMES + _WARM)]
    ids = [one["conversation_id"] for one in minted]
    left = list(minted)
    steps: dict[str, Callable[[], object]] = {
        "admitted": lambda: sessions.admit(left.pop()["token"], "node"),
        "connected": _each(ids, sessions.reached),
        "beat": _each(ids, sessions.beat),
        "turn": _each(ids, lambda one: sessions.turn(one, record)),
        "ended": _each(ids, lambda one: sessions.end(one, Ending("hang_up", 60.0))),
    }
    found |= {name: _counted(step, counted) for name, step in steps.items()}
    return found | {"conversation_of_5_minutes": _counted(talked, counted)}


def _each(ids: list[str], step: Callable[[str], object]) -> Callable[[], object]:
    """The step of one conversation after the other."""
    left = list(ids)
    return lambda: step(left.pop())
