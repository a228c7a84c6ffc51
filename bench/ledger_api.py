"""What API processes do together on one database: requests and debits per second over HTTP.

A debit is a request for the shortest speech: its credits are held, its bytes go out, they are
captured. The voice is scripted, so that next to nothing but the house itself is measured.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr

from bench.http import SHORTEST, Load, get, post, rates
from bench.ledger_data import New, fill
from charafy.demo.world import create_demo_world
from charafy.house import build_house
from charafy.kernel.db import Database
from charafy.kernel.migrate import migrate
from charafy.kernel.settings import Settings
from tests.support.processes import cpu_s
from tests.support.server import running

CUSTOMERS: Final = 16
CONNECTIONS: Final = 16
SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Customer:
    key: str
    character_id: str


def measure(new: New, rows: int, processes: int) -> dict[str, Any]:
    """Figures of so many processes on a database of their own with so many rows in its ledger."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        url = new(home)
        customers = _customers(home, url, rows)
        surroundings = {"CHARAFY_VOICE_ENGINE": "scripted", "CHARAFY_DEMO": "false"}
        if not url.startswith("sqlite"):
            surroundings["CHARAFY_DATABASE_URL"] = url
        servers = [stack.enter_context(running(home, **surroundings)) for _ in range(processes)]
        pids = [server.process.pid for server in servers]
        found: dict[str, Any] = {}
        for name, asking in (
            ("get_credits", customers),
            ("debits", customers),
            ("debits_of_one_account", customers[:1]),
        ):
            urls = [server.base_url for server in servers]
            load = Load(_asked(name, urls, asking), SECONDS)
            before = cpu_s(pids)
            found |= rates(name, load)
            # The client warms up for a second, which costs, too.
            answered = found[f"{name}_per_s"] * (SECONDS + 1)
            found[f"{name}_cpu_ms"] = round((cpu_s(pids) - before) / max(answered, 1) * 1000, 2)
    return found


def _customers(home: Path, url: str, rows: int) -> list[_Customer]:
    """Accounts with a key and a character each, which have spent credits before."""
    settings = Settings(home=home, voice_engine="scripted", demo=False)
    if not url.startswith("sqlite"):
        settings = settings.model_copy(update={"database_url": SecretStr(url)})
    db = Database(settings.db_url)
    migrate(db)
    house = build_house(settings)
    ids, made = [], []
    for number in range(CUSTOMERS):
        account = house.accounts.create(f"{number}@example.com", plan="owner", credits=rows + 10**6)
        key = house.keys.create(account.account_id, "Bench").key
        character = create_demo_world(house.characters, account.account_id)[0]
        ids.append(account.account_id)
        made.append(_Customer(key, character.character_id))
    house.close()
    fill(db, ids, rows)
    db.close()
    return made


def _asked(name: str, urls: list[str], customers: list[_Customer]) -> tuple[tuple[str, bytes], ...]:
    """One request for each connection, over all processes and customers."""
    whose, where = cycle(customers), cycle(urls)
    found = []
    for _ in range(CONNECTIONS):
        customer, url = next(whose), next(where)
        speech = {"character_id": customer.character_id, "text": SHORTEST, "format": "pcm"}
        request = (
            get("/api/v1/credits", customer.key, url)
            if name == "get_credits"
            else post("/api/v1/tts", customer.key, url, speech)
        )
        found.append((url, request))
    return tuple(found)
