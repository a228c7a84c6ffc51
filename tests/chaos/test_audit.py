"""The auditor of the chaos finds what is wrong; a run in which it finds nothing means something."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from charafy.conversations.tables import conversations
from charafy.credits.tables import accounts, holds
from charafy.house import House, build_house
from charafy.kernel.ids import new_id
from charafy.kernel.migrate import migrate
from charafy.kernel.settings import Settings
from tests.chaos.audit import audit


@pytest.fixture
def house(settings: Settings) -> Iterator[House]:
    house = build_house(settings)
    migrate(house.db)
    yield house
    house.close()


@pytest.fixture
def owner(house: House) -> str:
    return house.accounts.create("ann@example.com", credits=100).account_id


def hold(house: House, owner: str, kind: str) -> str:
    with house.db.write() as tx:
        made = house.credits.hold(
            tx, owner, 10, lease_s=90_000, kind=kind, reference=new_id(), description="x"
        )
    return made.id


def complaints(settings: Settings, **accepted: str) -> list[str]:
    return [what for one in audit(settings, accepted, set()) for what in one.wrong]


def test_a_house_in_order_gives_no_complaint(house: House, settings: Settings, owner: str) -> None:
    hold(house, owner, "tts")
    assert complaints(settings) == []


def test_a_balance_beside_its_entries_is_found(
    house: House, settings: Settings, owner: str
) -> None:
    with house.db.write() as tx:
        tx.execute(sa.update(accounts).where(accounts.c.account_id == owner).values(balance=101))
    assert complaints(settings) == [f"{owner} has 101, its entries sum up to 100"]


def test_credits_held_for_nothing_are_found_before_a_sweeper_hides_them(
    house: House, settings: Settings, owner: str
) -> None:
    hold_id = hold(house, owner, "video")
    assert complaints(settings) == [f"video {hold_id} holds credits for nothing"]


def test_a_video_that_was_promised_and_is_lost_is_found(
    house: House, settings: Settings, owner: str
) -> None:
    assert complaints(settings, gone="its key") == ["video gone is lost"]


def test_a_conversation_that_nobody_ended_is_found_while_it_still_costs(
    house: House, settings: Settings, owner: str
) -> None:
    now = datetime.now(UTC)
    row = {
        "id": new_id(),
        "account_id": owner,
        "character_id": new_id(),
        "mode": "audio-only",
        "is_test": False,
        "state": "live",
        "hold_id": hold(house, owner, "conversation"),
        "held": 10,
        "charged": 0,
        "rate": 1,
        "audio_rate": 1,
        "limit_s": 600,
        "node": "talk-1",
        "lease_until": now,
        "created_at": now,
        "connected_at": now,
        "seconds": 0.0,
    }
    with house.db.write() as tx:
        tx.execute(conversations.insert(), row)
    assert complaints(settings) == [f"conversation {row['id']} still costs, led by talk-1"]


def test_a_charge_that_its_hold_does_not_know_of_is_found(
    house: House, settings: Settings, owner: str
) -> None:
    hold_id = hold(house, owner, "tts")
    with house.db.write() as tx:
        house.credits.capture(tx, hold_id, 3)
        tx.execute(sa.update(holds).where(holds.c.id == hold_id).values(captured=7))
    (complaint,) = complaints(settings)
    assert complaint.endswith("took 7, its entry 3")


def test_a_speech_that_was_paid_twice_is_found(
    house: House, settings: Settings, owner: str
) -> None:
    for hold_id in (hold(house, owner, "tts"), hold(house, owner, "tts")):
        with house.db.write() as tx:
            house.credits.capture(tx, hold_id, 3)
    found = audit(settings, {}, set(), {owner: 1})
    assert [what for one in found for what in one.wrong] == [
        f"{owner} asked for 1 speeches and paid for 2"
    ]


def test_files_nobody_speaks_of_are_counted_and_tidied_up(
    house: House, settings: Settings, owner: str
) -> None:
    house.storage.put(f"videos/{new_id()}/speech.wav", b"RIFF", "audio/wav")
    house.storage.put(f"characters/{new_id()}/photo.jpg", b"x", "image/jpeg")
    house.storage.put(f"speech/{new_id()}.mp3", b"x", "audio/mpeg")
    found = {one.what: one for one in audit(settings, {}, set())}
    assert found["files without a row, before tidying up"].seen == "3"
    assert complaints(settings) == []
    assert house.storage.keys("videos/") == []
