"""A house whose faces stay still and whose voice is a tone: exact, quick and without models."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.settings import Plan, Settings
from tests.support.clock import ManualClock
from tests.support.videos import Customer, Hands, customer


@pytest.fixture
def house(settings: Settings, clock: ManualClock, db: Database) -> Iterator[House]:
    """On the database of `db`; nothing runs in its background."""
    db.close()
    plans = {
        "standard": Plan(video_queue_limit=3, test_video_seconds_per_day=10),
        "free": Plan(video_queue_limit=1),
    }
    changed = {"portrait_engine": "still", "plans": plans}
    house = build_house(settings.model_copy(update=changed), clock=clock)
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
def hands(house: House) -> Hands:
    return Hands(house)
