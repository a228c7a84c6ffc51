"""One house on one PostgreSQL, in which processes are started by their own commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.house import House, build_house
from tests.support import postgresql
from tests.support.many import Many, many
from tests.support.videos import Customer, customer


@pytest.fixture
def started(tmp_path: Path, postgres: postgresql.Server) -> Iterator[Many]:
    """Nothing runs yet."""
    url = postgres.new()
    with many(tmp_path / "home", url) as processes:
        yield processes
    postgres.drop(url)


@pytest.fixture
def house(started: Many) -> Iterator[House]:
    """The same house in this process, to look at; nothing runs in its background."""
    house = build_house(started.settings)
    yield house
    house.close()


@pytest.fixture
def client(house: House) -> TestClient:
    return TestClient(build_app(house), base_url=house.settings.base_url)


@pytest.fixture
def who(house: House) -> Customer:
    return customer(house, credits=10_000)
