"""A house with scripted engines, and a node that carries conversations in the test's own loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from tests.support.videos import Customer, customer


@pytest.fixture
def house(settings: Settings, db: Database) -> Iterator[House]:
    """On the database of `db`, by the real clock."""
    db.close()
    house = build_house(settings)
    yield house
    house.close()


@pytest.fixture
def client(house: House) -> TestClient:
    return TestClient(build_app(house), base_url=house.settings.base_url)


@pytest.fixture
def who(house: House) -> Customer:
    return customer(house)
