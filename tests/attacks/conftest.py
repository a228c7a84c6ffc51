"""A whole house in this process, for those who wish it ill."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.house import House, build_house
from charafy.kernel.migrate import migrate
from charafy.kernel.settings import Settings
from tests.support.clock import ManualClock

MakeHouse = Callable[..., House]


@pytest.fixture
def make_house(settings: Settings, clock: ManualClock) -> Iterator[MakeHouse]:
    """A house with changed settings; all are closed at the end."""
    with contextlib.ExitStack() as stack:

        def make(**changes: object) -> House:
            house = build_house(settings.model_copy(update=changes), clock=clock)
            stack.callback(house.close)
            migrate(house.db)
            return house

        yield make


def client_of(house: House) -> TestClient:
    """Without the app's lifespan: nothing runs in the background."""
    return TestClient(
        build_app(house), base_url=house.settings.base_url, raise_server_exceptions=False
    )
