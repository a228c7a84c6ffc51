"""One run: a house, clients, faults, and the auditor at the end."""

from __future__ import annotations

import contextlib
import json
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from charafy.characters.service import Draft
from charafy.house import House, build_house
from charafy.kernel.migrate import migrate
from charafy.kernel.settings import Settings
from charafy.voices.service import preset_id
from tests.chaos import outside
from tests.chaos.audit import Finding, audit, ended_videos, under_way
from tests.chaos.callers import Calls, visit, visit_room
from tests.chaos.clients import Client, Notes
from tests.chaos.faults import Gremlin
from tests.chaos.fleet import Fleet
from tests.chaos.ground import ServerKind, ground
from tests.chaos.probes import Hasty, Probed, Revoker, tried
from tests.support.images import jpeg
from tests.support.servers import LocalServer, answer

CREDITS: Final = 2_000
"""Of each account: enough for a while, so that some run out in a long run."""
_ENDING_S: Final = 300.0
"""How long what is under way may take to come to an end once the faults are over."""


@dataclass(frozen=True, slots=True)
class Plan:
    seconds: float
    seed: int
    clients: int = 6
    callers: int = 1
    each: int = 1
    """How many api, worker and talk there are; more than one only with PostgreSQL and Redis."""
    servers: tuple[ServerKind, ...] = ()
    """Without PostgreSQL: SQLite."""
    faults: tuple[str, ...] = ("*",)
    """Patterns of the names of those that may happen."""


@dataclass(frozen=True, slots=True)
class Outcome:
    plan: Plan
    findings: list[Finding]
    notes: Notes
    faults: Counter[str]
    calls: Counter[str]
    unasked: list[str]
    """Which processes ended by themselves."""
    said: list[str]

    @property
    def wrong(self) -> list[str]:
        return [f"{one.what}: {what}" for one in self.findings for what in one.wrong]


@dataclass(frozen=True, slots=True)
class Guests:
    """Who lives in the house: the key of each ordinary account -> the account, and two others."""

    accounts: dict[str, str]
    hasty: str
    revoker: str
    character_id: str
    """Of the first ordinary account."""

    @property
    def keys(self) -> list[str]:
        return list(self.accounts)


@contextlib.contextmanager
def told(env: dict[str, str]) -> Iterator[LocalServer]:
    """Who is told by webhook; makes the house allow it."""
    with LocalServer(answer(b"")) as ear:
        env["CHARAFY_WEBHOOK_ALLOWED_HOSTS"] = json.dumps([f"127.0.0.1:{ear.port}"])
        yield ear


def settle_in(settings: Settings, count: int, ear: LocalServer) -> Guests:
    """Accounts with a webhook each; a character of the first one's, and two who probe."""
    house = build_house(
        settings.model_copy(update={"webhook_allowed_hosts": (f"127.0.0.1:{ear.port}",)})
    )
    url = f"http://127.0.0.1:{ear.port}/told"
    try:
        migrate(house.db)
        made = [_account(house, f"client{number}", "owner", url) for number in range(count)]
        draft = Draft("Aria", preset_id("af_heart"), "en")
        first = house.characters.create(made[0][1], draft, jpeg((96, 120)), limit=3)
        hasty, _ = _account(house, "hasty", "hasty", url)
        revoker, _ = _account(house, "revoker", "owner", url)
        return Guests(dict(made), hasty, revoker, first.character_id)
    finally:
        house.close()


def _account(house: House, name: str, plan: str, url: str) -> tuple[str, str]:
    """Its key and its id."""
    account = house.accounts.create(f"{name}@example.com", plan=plan, credits=CREDITS)
    with house.db.write() as tx:
        house.webhooks.add(tx, account.account_id, url, events=None)
    return house.keys.create(account.account_id, "Chaos").key, account.account_id


def run(plan: Plan) -> Outcome:
    """Takes `plan.seconds` and what it takes to come to an end."""
    with (
        tempfile.TemporaryDirectory(prefix="charafy-chaos-") as folder,
        ground(Path(folder) / "home", plan.servers) as where,
        told(where.env) as ear,
    ):
        guests = settle_in(where.settings, plan.clients, ear)
        fleet = Fleet(where.settings.home, where.env_of, plan.each)
        gremlin = Gremlin(fleet, where, random.Random(plan.seed), plan.faults)
        for name in fleet.names:
            fleet.start(name)
        try:
            fleet.until_ready(gremlin.mend)
            notes, calls, probed = trouble(plan, gremlin, guests)
            _come_to_an_end(gremlin, where.settings)
            with httpx.Client(timeout=60) as http:
                still = [what for key in probed.revoked for what in tried(http, fleet.urls, key)]
        finally:
            ends = fleet.stop()
        orders = {guests.accounts[key]: number for key, number in notes.orders.items()}
        unasked = [what for _at, what in gremlin.unasked]
        findings = audit(where.settings, notes.videos, notes.deleted, orders)
        findings += [
            outside.answers(notes, gremlin.excuses),
            outside.told(list(ear.exchanges), ended_videos(where.settings)),
            outside.keys(probed, still),
            outside.limits(probed, gremlin.forgot_limits),
            outside.lasted(gremlin.unasked, gremlin.explains),
            outside.stopped(ends),
        ]
        return Outcome(plan, findings, notes, gremlin.done, calls.ends, unasked, fleet.said())


def trouble(plan: Plan, gremlin: Gremlin, guests: Guests) -> tuple[Notes, Calls, Probed]:
    """Clients and faults side by side, until the time is over."""
    notes, calls, probed = Notes(), Calls(), Probed()
    urls, end = gremlin.fleet.urls, time.monotonic() + plan.seconds

    def over() -> bool:
        return time.monotonic() >= end

    work: list[Callable[[Callable[[], bool]], None]] = [
        Client(urls, key, plan.seed * 1_000 + number, notes).run
        for number, key in enumerate(guests.keys)
    ]
    work += [
        Hasty(urls, guests.hasty, plan.seed, probed).run,
        Revoker(urls, guests.revoker, plan.seed, probed).run,
    ]
    ways = (visit, visit_room) if "livekit" in plan.servers else (visit,)
    for number in range(plan.callers):
        for way in ways:
            seed = random.Random(plan.seed + number)
            work.append(partial(way, urls, guests.keys[0], guests.character_id, seed, calls))
    threads = [threading.Thread(target=one, args=(over,), name="a client") for one in work]
    for thread in threads:
        thread.start()
    gremlin.work(over)
    for thread in threads:
        thread.join()
    gremlin.mend()
    return notes, calls, probed


def _come_to_an_end(gremlin: Gremlin, settings: Settings) -> None:
    """Let what waits be finished; what still waits then is a finding."""
    gremlin.fleet.until_ready(gremlin.mend)
    house = build_house(settings)
    began = time.monotonic()
    try:
        while under_way(house) and time.monotonic() - began < _ENDING_S:
            gremlin.mend()
            time.sleep(0.5)
    finally:
        house.close()
