"""The house of these tests: Alice and Bob are its customers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from tests.support.clock import ManualClock
from tests.support.neighbours import Customer, Street, street


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
