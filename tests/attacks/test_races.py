"""Things that happen at the same moment although nobody meant them to."""

from __future__ import annotations

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from charafy.characters.photos import PhotoSource
from charafy.demo.world import create_demo_world
from charafy.house import House
from charafy.kernel.media.images import Photo
from charafy.voices.service import preset_id
from tests.attacks.conftest import MakeHouse, client_of
from tests.support.images import jpeg


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    return make_house()


def _meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Once, while a photo is being read, something else happens."""
    read = PhotoSource.read
    left = [happens]

    def read_slowly(self: PhotoSource, image: Any) -> Photo:
        photo = read(self, image)
        if left:
            left.pop()()
        return photo

    monkeypatch.setattr(PhotoSource, "read", read_slowly)


def _create() -> dict[str, str]:
    image = f"data:image/jpeg;base64,{base64.b64encode(jpeg()).decode()}"
    return {"name": "Sakura", "image": image, "voice_id": preset_id("af_heart")}


def test_an_account_deleted_while_its_character_is_made_leaves_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = house.accounts.create("sora@example.com")
    key = house.keys.create(account.account_id, "Key").key
    _meanwhile(monkeypatch, lambda: house.accounts.delete(account.account_id))

    answer = client_of(house).post("/api/v1/characters", json=_create(), headers={"x-api-key": key})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert house.storage.keys("characters/") == []


def test_a_double_click_makes_the_demo_characters_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id = house.accounts.create("sora@example.com").account_id
    _meanwhile(monkeypatch, lambda: create_demo_world(house.characters, account_id))

    made = create_demo_world(house.characters, account_id)

    assert len({character.character_id for character in made}) == len(made) == 3
    assert len(house.characters.list(account_id)) == 3
    assert len(house.storage.keys("characters/")) == 3


def test_a_deleted_account_is_deleted_once(house: House) -> None:
    account = house.accounts.create("sora@example.com", credits=100)
    key = house.keys.create(account.account_id, "Key").key
    client = client_of(house)

    def delete(_: int) -> int:
        headers = {"x-api-key": key}
        body = {"confirmation": "sora@example.com"}
        return client.request("DELETE", "/api/v1/account", json=body, headers=headers).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(delete, range(4)))
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {200, 401, 404}
    with house.db.read() as tx:
        assert house.credits.audit(tx) == []
