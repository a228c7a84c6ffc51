"""The house of these tests: Alice and Bob are its customers, and a scripted cloner clones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from charafy.engines.voice.cloning.scripted import ScriptedCloner
from charafy.house import House
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from tests.support import recordings
from tests.support.clock import ManualClock
from tests.support.neighbours import Customer, Street, street

PRICE = 100
START = 350
"""Credits of a new account: enough for three voices."""
STATEMENT = "I am the speaker and agree to my voice being cloned."

Credits = Callable[[], tuple[int, int]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"sign_up_credits": START})


@pytest.fixture
def cloner() -> ScriptedCloner:
    return ScriptedCloner()


@pytest.fixture
def house_street(
    settings: Settings, clock: ManualClock, db: Database, cloner: ScriptedCloner
) -> Iterator[Street]:
    with street(settings, clock, db, cloner) as made:
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
def credits(house: House, alice: Customer) -> Credits:
    """Alice's credits in total, and how many of them are held."""

    def now() -> tuple[int, int]:
        with house.db.read() as tx:
            assert house.credits.audit(tx) == []
            balance = house.credits.balance(tx, alice.account_id)
        return balance.total, balance.held

    return now


def clone(customer: Customer, audio: bytes | None = None, **fields: Any) -> Any:
    """Ask for a clone of the first speaker, in English unless said otherwise."""
    sent = {"name": "My Voice", "language": "en", **fields}
    return customer.send("/voice/clone", recordings.speech() if audio is None else audio, **sent)


def cloned(customer: Customer, audio: bytes | None = None, **fields: Any) -> str:
    """The id of a new voice."""
    answer = clone(customer, audio, **fields)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["voice_id"])
