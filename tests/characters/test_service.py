"""What the characters feature keeps true when things go wrong half-way."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from charafy.characters.models import Draft
from charafy.characters.service import ORPHAN_AGE
from charafy.kernel.errors import Forbidden, NotFound
from charafy.kernel.ids import new_id
from tests.support.clock import ManualClock
from tests.support.images import jpeg
from tests.support.neighbours import PHOTO, Street


def draft(street: Street, name: str = "Sakura") -> Draft:
    return Draft(name, street.alice.voice())


def test_an_account_that_is_gone_gets_no_character_and_keeps_no_photo(house_street: Street) -> None:
    nobody = new_id()
    with pytest.raises(NotFound):
        house_street.house.characters.create(nobody, draft(house_street), jpeg(), limit=9)
    assert house_street.files() == []


def test_making_the_same_character_twice_leaves_the_first_with_its_photo(
    house_street: Street,
) -> None:
    characters, account_id = house_street.house.characters, house_street.alice.account_id
    character_id = new_id()
    wanted = draft(house_street)
    first = characters.create(account_id, wanted, jpeg(), limit=9, character_id=character_id)
    kept = house_street.files()
    again = characters.create(account_id, wanted, jpeg(), limit=9, character_id=character_id)
    assert again == first
    assert house_street.files() == kept


def test_at_the_limit_no_image_is_even_looked_at(house_street: Street) -> None:
    with pytest.raises(Forbidden):
        house_street.house.characters.create(
            house_street.alice.account_id, draft(house_street), b"no image at all", limit=0
        )


def test_changing_a_character_that_is_gone_meanwhile_leaves_no_photo(
    house_street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    characters, alice = house_street.house.characters, house_street.alice
    character_id = alice.character()
    keep = characters._keep

    def keep_and_lose(character: str, photo: object) -> str:
        key = keep(character, photo)  # type: ignore[arg-type]
        characters.delete(alice.account_id, character_id)
        house_street.house.storage.put(key, b"written just after", "image/jpeg")
        return key

    monkeypatch.setattr(characters, "_keep", keep_and_lose)
    with pytest.raises(NotFound):
        characters.update(alice.account_id, character_id, {"image": PHOTO})
    assert house_street.files() == []


def test_what_a_dead_process_left_behind_is_removed_an_hour_later(
    house_street: Street, clock: ManualClock
) -> None:
    house, alice = house_street.house, house_street.alice
    kept_id = alice.character()
    (kept,) = house_street.files()
    house.storage.put(f"characters/{new_id()}/photo-1.jpg", b"1", "image/jpeg")
    house.storage.put(f"characters/{kept_id}/photo-2.jpg", b"2", "image/jpeg")
    house.storage.put(f"characters/{kept_id}/motion-3.mp4", b"3", "video/mp4")
    _let_the_clock_catch_up(clock)
    assert house.characters.remove_orphans() == 0
    for name in house_street.files():
        path = house.settings.media / name
        past = time.time() - ORPHAN_AGE.total_seconds() - 60
        os.utime(path, (past, past))
    assert house.characters.remove_orphans() == 2
    assert house_street.files() == sorted([kept, f"characters/{kept_id}/motion-3.mp4"])
    assert house.characters.get(alice.account_id, kept_id).photo_key == kept


def test_others_features_find_a_character_only_for_its_owner(house_street: Street) -> None:
    house, alice, bob = house_street.house, house_street.alice, house_street.bob
    character_id = alice.character()
    with house.db.read() as tx:
        found = house.characters.owned(tx, alice.account_id, character_id)
        assert (found.character_id, found.name) == (character_id, "Sakura")
        assert house.characters.count(tx, alice.account_id) == 1
        with pytest.raises(NotFound):
            house.characters.owned(tx, bob.account_id, character_id)


def _let_the_clock_catch_up(clock: ManualClock) -> None:
    """Files carry the machine's time: the house's clock must not be behind it."""
    clock.advance((datetime.now(UTC) - clock.now() + timedelta(seconds=1)).total_seconds())
