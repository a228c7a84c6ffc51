"""What pages show of a character: a small picture, made once, opened by its link alone."""

from __future__ import annotations

import io

from fastapi.testclient import TestClient
from PIL import Image

from charafy.app import build_app
from charafy.characters.portraits import SIDE, small_key
from charafy.characters.service import Character, Draft
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from charafy.voices.service import preset_id
from tests.support.clock import ManualClock
from tests.support.images import jpeg
from tests.support.neighbours import data_uri


def made(house: House) -> Character:
    account = house.accounts.create("sora@example.com", credits=0)
    draft = Draft(name="Mia", voice_id=preset_id("af_heart"), language="en")
    return house.characters.create(account.account_id, draft, jpeg((1_200, 900)), limit=10)


def test_a_portrait_is_a_small_picture_of_the_photo(
    settings: Settings, clock: ManualClock, db: Database
) -> None:
    del db
    house = build_house(settings, clock=clock)
    http = TestClient(build_app(house))
    mia = made(house)
    first = http.get(mia.portrait)
    assert first.status_code == 200
    assert first.headers["content-type"] == "image/webp"
    assert max(Image.open(io.BytesIO(first.content)).size) == SIDE
    assert len(first.content) < len(http.get(mia.photo_url).content)
    assert http.get(mia.portrait).content == first.content

    assert http.get(mia.portrait[:-3] + "AAA").status_code == 403
    house.characters.delete(mia.account_id, mia.character_id)
    assert http.get(mia.portrait).status_code == 404
    house.close()


def test_the_portrait_of_a_photo_that_was_replaced_is_removed_with_it(
    settings: Settings, clock: ManualClock, db: Database
) -> None:
    del db
    house = build_house(settings, clock=clock)
    http = TestClient(build_app(house))
    mia = made(house)
    assert http.get(mia.portrait).status_code == 200
    house.characters.update(mia.account_id, mia.character_id, {"image": data_uri(jpeg((800, 800)))})
    now = house.characters.get(mia.account_id, mia.character_id)
    assert http.get(now.portrait).status_code == 200
    assert now.portrait != mia.portrait
    clock.advance(400 * 86_400)
    house.characters.remove_orphans()
    assert house.storage.exists(small_key(now.photo_key))
    assert not house.storage.exists(small_key(mia.photo_key))
    house.close()
