"""A character may think with a model of its own; its key is told to nobody but that model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from charafy.characters.service import OwnModel
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from tests.support.clock import ManualClock
from tests.support.neighbours import PHOTO, Customer, Street, street

URL = "https://llm.example.com/v1"
KEY = "sk-a-key-that-nobody-else-may-see"
MINE = {"llm_base_url": URL, "llm_model": "small", "llm_api_key": KEY}


@pytest.fixture
def local(settings: Settings, clock: ManualClock, db: Database) -> Iterator[Customer]:
    """A customer of a server whose operator lets characters ask a model on this machine."""
    allowing = settings.model_copy(update={"llm_allowed_hosts": ("127.0.0.1:11434",)})
    with street(allowing, clock, db) as made:
        yield made.alice


def made(customer: Customer, **fields: Any) -> str:
    answer = customer.post(
        "/characters", {"name": "Mai", "image": PHOTO, "voice_id": customer.voice(), **fields}
    )
    assert answer.status_code == 200, answer.text
    assert KEY not in answer.text
    return str(answer.json()["character_id"])


def shown(customer: Customer, character_id: str) -> tuple[Any, ...]:
    answer = customer.get(f"/characters/{character_id}")
    assert KEY not in answer.text
    said = answer.json()
    return said["llm_base_url"], said["llm_model"], said["llm_api_key_set"]


def changed(customer: Customer, character_id: str, **fields: Any) -> tuple[Any, ...]:
    answer = customer.patch(f"/characters/{character_id}", fields)
    assert answer.status_code == 200, answer.text
    assert KEY not in answer.text
    return shown(customer, character_id)


def known(at: Street, character_id: str) -> OwnModel | None:
    """What whoever leads its conversations is told."""
    characters = at.house.characters
    return characters.own_model(characters.get(at.alice.account_id, character_id))


def test_a_character_is_made_with_a_model_of_its_own(house_street: Street, alice: Customer) -> None:
    character_id = made(alice, **MINE)
    assert shown(alice, character_id) == (URL, "small", True)
    assert known(house_street, character_id) == OwnModel(URL, "small", KEY)
    assert KEY not in repr(known(house_street, character_id))


def test_without_one_it_thinks_with_the_servers(house_street: Street, alice: Customer) -> None:
    character_id = made(alice)
    assert shown(alice, character_id) == (None, None, False)
    assert known(house_street, character_id) is None


def test_the_database_holds_no_key_that_can_be_read(
    house_street: Street, alice: Customer, db: Database
) -> None:
    first, second = made(alice, **MINE), made(alice, **MINE)
    with db.write() as tx:
        rows = tx.exec_driver_sql("SELECT * FROM characters").mappings().all()
        assert KEY not in json.dumps([dict(row) for row in rows], default=str)
        seals = {row["id"]: row["llm_sealed_key"] for row in rows}
        assert len(set(seals.values())) == 2
        tx.execute(
            sa.text("UPDATE characters SET llm_sealed_key = :seal WHERE id = :id"),
            {"seal": seals[first], "id": second},
        )
    assert known(house_street, first) == OwnModel(URL, "small", KEY)
    assert known(house_street, second) == OwnModel(URL, "small", None)  # sealed for another


def test_what_is_not_sent_stays_and_null_takes_all_of_it_away(
    house_street: Street, alice: Customer
) -> None:
    character_id = made(alice, **MINE)
    assert changed(alice, character_id, name="Mei") == (URL, "small", True)
    assert changed(alice, character_id, llm_model="large") == (URL, "large", True)
    assert changed(alice, character_id, llm_base_url=f"{URL}/") == (URL, "large", True)
    assert changed(alice, character_id, llm_api_key=None) == (URL, "large", False)
    assert changed(alice, character_id, llm_api_key="another") == (URL, "large", True)
    assert known(house_street, character_id) == OwnModel(URL, "large", "another")
    assert changed(alice, character_id, llm_base_url=None) == (None, None, False)
    assert known(house_street, character_id) is None


def test_a_key_is_never_sent_to_an_address_it_was_not_given_for(alice: Customer) -> None:
    character_id = made(alice, **MINE)
    elsewhere = "https://elsewhere.example.com/v1"
    assert changed(alice, character_id, llm_base_url=elsewhere) == (elsewhere, "small", False)


@pytest.mark.parametrize(
    ("fields", "param", "sentence"),
    [
        ({"llm_base_url": "http://llm.example.com/v1"}, "llm_base_url", "must start with https://"),
        ({"llm_base_url": "https://127.0.0.1/v1"}, "llm_base_url", "not on the public Internet"),
        ({"llm_base_url": "https://[::1]/v1"}, "llm_base_url", "not on the public Internet"),
        ({"llm_base_url": "https://169.254.169.254/v1"}, "llm_base_url", "not on the public"),
        ({"llm_base_url": "https://me:you@llm.example.com"}, "llm_base_url", "user name"),
        ({"llm_base_url": "https://llm.example.com:8080/v1"}, "llm_base_url", "port 80 or 443"),
        ({"llm_base_url": "https://llm.example.com/v1?a=b"}, "llm_base_url", "end with its path"),
        ({"llm_base_url": "ftp://llm.example.com"}, "llm_base_url", "must start with http"),
        ({"llm_base_url": "llm"}, "llm_base_url", "must start with http"),
        ({"llm_base_url": None}, "llm_base_url", "need the address of a model"),
        ({"llm_model": None}, "llm_model", "needs the name of a model"),
        ({"llm_model": ""}, "llm_model", "must not be empty"),
        ({"llm_model": 5}, "llm_model", "must be a valid string"),
        ({"llm_api_key": ""}, "llm_api_key", "must not be empty"),
        ({"llm_api_key": "two words"}, "llm_api_key", "printable ASCII"),
        ({"llm_api_key": "a\r\nHost: b"}, "llm_api_key", "printable ASCII"),
        ({"llm_api_key": "k" * 501}, "llm_api_key", "at most 500"),
    ],
)
def test_half_a_model_or_a_refused_one_is_told_in_a_sentence(
    alice: Customer, fields: dict[str, Any], param: str, sentence: str
) -> None:
    new = {"name": "Mai", "image": PHOTO, "voice_id": alice.voice(), **MINE, **fields}
    character_id = made(alice)
    for answer in (
        alice.post("/characters", new),
        alice.patch(f"/characters/{character_id}", {**MINE, **fields}),
    ):
        assert answer.status_code == 400
        assert answer.json()["param"] == param
        assert sentence in answer.json()["error"]
        assert KEY not in answer.text
    assert shown(alice, character_id) == (None, None, False)


def test_an_operator_may_vouch_for_a_model_on_this_machine(local: Customer) -> None:
    here = "http://127.0.0.1:11434/v1"
    character_id = made(local, llm_base_url=here, llm_model="llama")
    assert shown(local, character_id) == (here, "llama", False)
    refused = local.patch(
        f"/characters/{character_id}", {"llm_base_url": "http://127.0.0.1:11435/v1"}
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "url_refused")
