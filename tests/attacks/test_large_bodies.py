"""A stranger can't make the server work for bodies that it was never going to accept."""

from __future__ import annotations

from charafy.kernel.http.intake import STRANGERS_BODY_BYTES
from tests.attacks.conftest import MakeHouse, client_of


def test_a_megabyte_without_a_key_is_not_parsed(make_house: MakeHouse) -> None:
    house = make_house()
    content = b'{"text": "%s"}' % (b"a" * STRANGERS_BODY_BYTES)
    json = {"content-type": "application/json"}
    client = client_of(house)

    stranger = client.post("/api/v1/characters", content=content, headers=json)
    forger = client.post("/api/v1/characters", content=content, headers=json | {"x-api-key": "no"})
    assert [stranger.status_code, forger.status_code] == [401, 401]

    account = house.accounts.create("someone@example.com")
    key = house.keys.create(account.account_id, "Key").key
    known = client.post("/api/v1/characters", content=content, headers=json | {"x-api-key": key})
    assert (known.status_code, known.json()["param"]) == (400, "name")
