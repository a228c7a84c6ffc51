"""A house with two customers, real models, and pictures of faces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image

from charafy.house import House
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from tests.support import faces
from tests.support.clock import ManualClock
from tests.support.neighbours import Customer, Street, data_uri, street

PHOTO = data_uri(faces.file("astronaut.jpg"))
DRAWING = data_uri(faces.file("eileen.png"), "image/png")
NOT_A_FACE = data_uri(faces.written(Image.new("RGB", (300, 300), "#d2452d")), "image/png")
PRICE = 8
START = 100
"""Credits of a new account."""


@pytest.fixture
def house_street(settings: Settings, clock: ManualClock, db: Database) -> Iterator[Street]:
    with street(settings, clock, db) as made:
        yield made


@pytest.fixture
def house(house_street: Street) -> House:
    return house_street.house


@pytest.fixture
def alice(house_street: Street) -> Customer:
    return house_street.alice


@pytest.fixture
def bob(house_street: Street) -> Customer:
    return house_street.bob


@pytest.fixture
def character_id(alice: Customer) -> str:
    """Alice's, with a photo and without an avatar."""
    return alice.character(image=PHOTO)


@pytest.fixture
def credits(house_street: Street) -> Callable[[], tuple[int, int]]:
    """Alice's credits in total, and how many of them are held."""

    def now() -> tuple[int, int]:
        house = house_street.house
        with house.db.read() as tx:
            balance = house.credits.balance(tx, house_street.alice.account_id)
        return balance.total, balance.held

    return now


def avatar(customer: Customer, character_id: str, **fields: Any) -> Any:
    """Ask for an avatar."""
    body = {"avatar_type": "motion", **fields}
    headers = body.pop("headers", {})
    return customer.put(f"/characters/{character_id}/avatar", body, headers=headers)
