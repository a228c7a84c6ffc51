"""A house that speaks in tones, a customer, and time that stands still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.conversations.sessions import Sessions
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.settings import Plan, Settings
from tests.support.clock import ManualClock
from tests.support.videos import Customer, customer

SECRET = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def house(settings: Settings, clock: ManualClock, db: Database) -> Iterator[House]:
    """On the database of `db`; nothing runs in its background."""
    db.close()
    (settings.home / "secret").write_bytes(SECRET)
    plans = {"standard": Plan(test_conversation_seconds_per_day=1_200)}
    house = build_house(settings.model_copy(update={"plans": plans}), clock=clock)
    yield house
    house.close()


@pytest.fixture
def client(house: House) -> TestClient:
    return TestClient(
        build_app(house), base_url=house.settings.base_url, raise_server_exceptions=False
    )


@pytest.fixture
def who(house: House) -> Customer:
    return customer(house)


@pytest.fixture
def sessions(house: House) -> Sessions:
    return house.conversation_room.sessions
