"""The house of these tests: Alice and Bob are its customers, and Alice's character has visitors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.conversations.models import Ending
from charafy.demo.world import create_demo_world
from charafy.embed.models import Opened
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from tests.support.chromium import chromium
from tests.support.clock import ManualClock
from tests.support.conversing import ConversationPeer
from tests.support.embedding import Neighbour, answered_by, free_port, neighbour, serving
from tests.support.neighbours import Customer, Street, street

__all__ = ["chromium"]

IFRAME = """<!doctype html><title>Shop</title><iframe
  src="{server}/embed/{character}" width="400" height="600" frameborder="0" allow="microphone"
></iframe>"""


@pytest.fixture
def house_street(settings: Settings, clock: ManualClock, db: Database) -> Iterator[Street]:
    with street(settings, clock, db) as made:
        yield made


@pytest.fixture
def alice(house_street: Street) -> Customer:
    return house_street.alice


@pytest.fixture
def bob(house_street: Street) -> Customer:
    return house_street.bob


@dataclass(frozen=True, slots=True)
class Stage:
    """An embedded character of Alice's, who has credits, and the way in for visitors."""

    house: House
    http: TestClient
    owner: Customer
    character_id: str
    clock: ManualClock

    @property
    def path(self) -> str:
        return f"/embed/{self.character_id}"

    def settings(self, **changes: Any) -> Any:
        answer = self.owner.put(f"/characters/{self.character_id}/embed", changes)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def limit(self, **limits: int | None) -> None:
        """`daily=60` and so on, in seconds."""
        names = {"max_concurrent": "embed_max_concurrent"}
        self.settings(
            **{names.get(name, f"embed_{name}_limit_seconds"): n for name, n in limits.items()}
        )

    def open(self) -> Opened:
        """A visitor's conversation, without the page."""
        return self.house.embed_room.visits.open(self.character_id, origin="https://shop.example")

    def connect(self, opened: Opened) -> None:
        sessions = self.house.conversation_room.sessions
        sessions.admit(opened.token, "node")
        sessions.reached(opened.conversation_id)

    def leave(self, opened: Opened, seconds: float) -> None:
        """Time passes, and then the visitor hangs up."""
        self.clock.advance(seconds)
        self.end(opened, seconds)

    def end(self, opened: Opened, seconds: float) -> None:
        ended = self.house.conversation_room.sessions.end(
            opened.conversation_id, Ending("hang_up", seconds)
        )
        assert ended

    def talk(self, seconds: float) -> Opened:
        """A whole conversation."""
        opened = self.open()
        self.connect(opened)
        self.leave(opened, seconds)
        return opened

    def sweep(self) -> None:
        self.house.sweeper.sweep()

    @property
    def credits(self) -> int:
        with self.house.db.read() as tx:
            return self.house.credits.balance(tx, self.owner.account_id).available

    def grant(self, credits: int) -> None:
        with self.house.db.write() as tx:
            self.house.credits.grant(
                tx,
                self.owner.account_id,
                credits,
                kind="grant",
                reference=f"test:{credits}",
                description="Test",
            )


@pytest.fixture
def stage(house_street: Street, clock: ManualClock) -> Stage:
    alice = house_street.alice
    character_id = alice.character(name="Sakura")
    made = Stage(house_street.house, house_street.http, alice, character_id, clock)
    made.settings(embed_enabled=True)
    made.grant(100_000)
    return made


@dataclass(frozen=True, slots=True)
class Theatre:
    """A whole server on a port of its own, and a shop on another that shows its character."""

    house: House
    server: str
    account_id: str
    character_id: str
    peer: ConversationPeer
    shop: Neighbour

    def allow(self, **changes: Any) -> None:
        self.house.embeds.update(self.account_id, self.character_id, changes)  # type: ignore[arg-type]

    def put(self, path: str, page: str) -> None:
        self.shop.pages[path] = page.replace("{server}", self.server).replace(
            "{character}", self.character_id
        )

    @property
    def credits(self) -> int:
        with self.house.db.read() as tx:
            return self.house.credits.balance(tx, self.account_id).available


@pytest.fixture
def theatre(settings: Settings, clock: ManualClock, db: Database) -> Iterator[Theatre]:
    del db
    port = free_port()
    server = f"http://127.0.0.1:{port}"
    changes = {"sign_up_credits": 200, "public_url": server}
    house = build_house(settings.model_copy(update=changes), clock=clock)
    account = house.accounts.create("sora@example.com")
    create_demo_world(house.characters, account.account_id)
    cast = house.characters.list(account.account_id)
    emma = next(one for one in cast if one.name == "Emma").character_id
    peer = ConversationPeer()
    try:
        with neighbour({}) as shop, serving(answered_by(build_app(house), peer), port):
            made = Theatre(house, server, account.account_id, emma, peer, shop)
            made.allow(embed_enabled=True)
            made.put("/", IFRAME)
            yield made
    finally:
        peer.close()
        house.close()
