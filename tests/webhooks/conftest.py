"""Alice has an endpoint on this machine; Bob is a stranger to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from charafy.house import House
from charafy.kernel.bell import Bell
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from charafy.webhooks.deliverer import Deliverer
from charafy.webhooks.sending import Sender
from charafy.webhooks.signing import Secrets
from tests.support.clock import ManualClock
from tests.support.neighbours import Customer, Street, street
from tests.support.webhooks import Receiver

Emit = Callable[..., None]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture
def other_receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture
def settings(settings: Settings, receiver: Receiver, other_receiver: Receiver) -> Settings:
    """The two receivers may be told although they are here and speak plain HTTP."""
    hosts = (receiver.host, other_receiver.host)
    return settings.model_copy(update={"webhook_allowed_hosts": hosts})


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
def deliverer(house: House, clock: ManualClock) -> Iterator[Deliverer]:
    """Sends when told to; its retries come exactly on time."""
    made = new_deliverer(house, clock)
    yield made
    made.close()


def new_deliverer(house: House, clock: ManualClock, **options: Any) -> Deliverer:
    sender = options.pop("sender", None) or Sender(clock, Secrets(house.secret), house.outside)
    options = {"bell": Bell(), "jitter": lambda: 0.0, **options}
    return Deliverer(house.db, clock, sender, house.metrics, **options)


@pytest.fixture
def endpoint(alice: Customer, receiver: Receiver) -> dict[str, Any]:
    """Alice's endpoint for all events, with its secret."""
    made = alice.post("/webhooks", {"url": receiver.url})
    assert made.status_code == 200, made.text
    return dict(made.json())


@pytest.fixture
def emit(house: House, alice: Customer) -> Emit:
    """Let something happen in Alice's account."""

    def happen(
        event_type: str = "video.completed",
        data: Mapping[str, object] | None = None,
        account_id: str = alice.account_id,
    ) -> None:
        with house.db.write() as tx:
            house.webhooks.emit(tx, account_id, event_type, data or {"video_id": "v1"})

    return happen


@pytest.fixture
def log_of(alice: Customer) -> Callable[[dict[str, Any]], list[Any]]:
    """The deliveries of one of Alice's endpoints, newest first, as the API shows them."""

    def read(endpoint: dict[str, Any]) -> list[Any]:
        answer = alice.get(f"/webhooks/{endpoint['endpoint_id']}/deliveries")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["deliveries"])

    return read
