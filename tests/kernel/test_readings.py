"""Numbers of the house are read from its database when somebody asks, and not too often."""

from __future__ import annotations

import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from charafy.kernel.db import Database, Tx
from charafy.kernel.readings import Gauge, Reading, Readings, Values

ROOMS = Gauge("charafy_rooms", "Rooms.", ("floor",))


class House:
    """How often it was looked at."""

    def __init__(self) -> None:
        self.looks = 0
        self.now_s = 0.0

    def read(self, tx: Tx) -> tuple[Values]:
        self.looks += 1
        tx.execute(sa.text("SELECT 1"))
        return ({("first",): 3.0, ("second",): float(self.looks)},)


def registry_of(house: House, db: Database) -> CollectorRegistry:
    registry = CollectorRegistry()
    readings = (Reading((ROOMS,), house.read),)
    registry.register(Readings(db, readings, now=lambda: house.now_s, keep_s=5.0))
    return registry


def test_the_database_is_asked_when_it_is_due_and_not_before(db: Database) -> None:
    house = House()
    told = registry_of(house, db)
    assert house.looks == 0, "nothing is read before anybody asks"
    second = {"floor": "second"}
    assert told.get_sample_value("charafy_rooms", second) == 1
    assert told.get_sample_value("charafy_rooms", second) == 1
    house.now_s = 5.0
    assert told.get_sample_value("charafy_rooms", second) == 2
    assert told.get_sample_value("charafy_rooms", {"floor": "first"}) == 3
    assert told.get_sample_value("charafy_database_up") == 1


def test_a_database_that_does_not_answer_is_told_and_the_rest_left_out(db: Database) -> None:
    def broken(tx: Tx) -> tuple[Values]:
        tx.execute(sa.text("SELECT nothing FROM nowhere"))
        return ({},)

    registry = CollectorRegistry()
    registry.register(Readings(db, (Reading((ROOMS,), broken),)))
    assert registry.get_sample_value("charafy_database_up") == 0
    assert registry.get_sample_value("charafy_rooms", {"floor": "first"}) is None
