"""An avatar is made for its price, or nothing is charged and nothing stays."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urljoin

import pytest

from charafy.avatars.bakery import AsideBakery
from charafy.engines.portrait import Framing, Kind, rigfile
from charafy.house import House
from charafy.kernel.errors import BadRequest, TooManyRequests
from charafy.kernel.storage import Storage
from tests.avatars.conftest import DRAWING, NOT_A_FACE, PHOTO, PRICE, START, avatar
from tests.support.clock import ManualClock
from tests.support.neighbours import Customer, Street

Credits = Callable[[], tuple[int, int]]


def character_body(customer: Customer, **fields: Any) -> dict[str, Any]:
    return {"name": "Sakura", "image": PHOTO, "voice_id": customer.voice(), **fields}


def files_of_avatars(made: Street) -> list[str]:
    return [name for name in made.files() if "/avatar-" in name]


def test_a_motion_avatar_answers_in_the_contract_s_words_and_order(
    alice: Customer, character_id: str
) -> None:
    answer = avatar(alice, character_id)
    assert answer.status_code == 200, answer.text
    assert list(answer.json().items()) == [
        ("character_id", character_id),
        ("sprite_ready", False),
        ("motion_ready", True),
        ("credits_used", PRICE),
        ("credits_remaining", START - PRICE),
    ]


def test_the_ledger_shows_what_was_paid_for(alice: Customer, character_id: str) -> None:
    avatar(alice, character_id)
    (entry, _grant) = alice.get("/credits").json()["transactions"]
    assert (entry["amount"], entry["type"], entry["description"]) == (
        -PRICE,
        "avatar",
        "Avatar (motion)",
    )
    assert entry["character_id"] == character_id


def test_the_character_shows_the_avatars_that_it_has(alice: Customer, character_id: str) -> None:
    path = f"/characters/{character_id}"
    assert alice.get(path).json()["avatars"] == {"sprite": False, "motion": False}

    avatar(alice, character_id, avatar_type="sprite")
    one = alice.get(path).json()
    assert (one["avatars"], one["avatar_type"]) == ({"sprite": True, "motion": False}, "sprite")

    both = avatar(alice, character_id, avatar_type="motion").json()
    assert (both["sprite_ready"], both["motion_ready"]) == (True, True)
    one = alice.get(path).json()
    assert (one["avatars"], one["avatar_type"]) == ({"sprite": True, "motion": True}, "motion")
    assert alice.get("/credits").json()["credits_remaining"] == START - 2 * PRICE


def test_a_character_is_made_with_its_avatar(alice: Customer) -> None:
    answer = alice.post("/characters", character_body(alice, avatar_type="motion"))
    made = answer.json()
    assert answer.status_code == 200, answer.text
    (paid, _grant) = alice.get("/credits").json()["transactions"]
    assert paid["character_id"] == made["character_id"]
    assert list(made)[:5] == [
        "character_id",
        "embed_url",
        "avatars",
        "credits_used",
        "credits_remaining",
    ]
    assert made["avatars"] == {"sprite": False, "motion": True}
    assert (made["credits_used"], made["credits_remaining"]) == (PRICE, START - PRICE)
    one = alice.get(f"/characters/{made['character_id']}").json()
    assert (one["avatars"], one["avatar_type"]) == (made["avatars"], "motion")


def test_without_a_face_there_is_no_character_and_no_charge(
    alice: Customer, house_street: Street, credits: Credits
) -> None:
    body = character_body(alice, avatar_type="motion", image=NOT_A_FACE)
    answer = alice.post("/characters", body)

    assert answer.status_code == 400
    error = answer.json()
    assert (error["code"], error["param"]) == ("no_face", "image")
    assert error["error"].startswith("No face was found in this picture. Use a picture")
    assert alice.get("/characters").json()["characters"] == []
    assert house_street.files() == []
    assert credits() == (START, 0)


def test_the_same_picture_makes_a_character_without_an_avatar(alice: Customer) -> None:
    answer = alice.post("/characters", character_body(alice, image=NOT_A_FACE))
    assert answer.status_code == 200
    refused = avatar(alice, answer.json()["character_id"])
    assert (refused.status_code, refused.json()["code"]) == (400, "no_face")
    assert refused.json()["param"] is None


@pytest.mark.parametrize("way", ["creation", "avatar"])
def test_with_too_few_credits_no_work_is_begun(
    alice: Customer, house: House, character_id: str, way: str
) -> None:
    with house.db.write() as tx:
        house.credits.charge(
            tx, alice.account_id, START - PRICE + 1, kind="tts", reference="r", description="d"
        )
    if way == "creation":
        answer = alice.post("/characters", character_body(alice, avatar_type="motion"))
    else:
        answer = avatar(alice, character_id)

    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_credits")
    assert house.avatars.processes() == []
    assert len(alice.get("/characters").json()["characters"]) == 1


def test_with_exactly_the_price_it_is_made(
    alice: Customer, house: House, character_id: str, credits: Credits
) -> None:
    with house.db.write() as tx:
        house.credits.charge(
            tx, alice.account_id, START - PRICE, kind="tts", reference="r", description="d"
        )
    assert avatar(alice, character_id).status_code == 200
    assert credits() == (0, 0)


def test_test_keys_make_avatars_for_nothing(
    house_street: Street, character_id: str, credits: Credits
) -> None:
    made = avatar(house_street.tester, character_id).json()
    assert (made["motion_ready"], made["credits_used"]) == (True, 0)
    created = house_street.tester.post(
        "/characters", character_body(house_street.tester, avatar_type="sprite")
    ).json()
    assert (created["avatars"]["sprite"], created["credits_used"]) == (True, 0)
    assert credits() == (START, 0)


def test_test_keys_make_a_few_avatars_a_day(
    house_street: Street, alice: Customer, clock: ManualClock
) -> None:
    per_day = house_street.house.settings.plan("standard").test_avatars_per_day
    faceless = alice.character(image=NOT_A_FACE)
    for _ in range(per_day):
        # What fails counts as well: it took the same work.
        assert avatar(house_street.tester, faceless).status_code == 400
    refused = avatar(house_street.tester, faceless)
    assert (refused.status_code, refused.json()["code"]) == (429, "test_limit_reached")
    assert avatar(alice, faceless).status_code == 400
    clock.advance(24 * 3600)
    assert avatar(house_street.tester, faceless).status_code == 400


def test_a_stranger_gets_404_and_makes_nobody_pay(
    bob: Customer, character_id: str, house: House, credits: Credits
) -> None:
    assert avatar(bob, character_id).status_code == 404
    assert bob.get(f"/characters/{character_id}/avatar").status_code == 404
    assert house.avatars.processes() == []
    assert credits() == (START, 0)


def test_a_request_sent_again_is_answered_again_and_paid_once(
    alice: Customer, character_id: str, credits: Credits
) -> None:
    headers = {"Idempotency-Key": "once"}
    first = avatar(alice, character_id, headers=headers)
    again = avatar(alice, character_id, headers=headers)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert credits() == (START - PRICE, 0)

    body = character_body(alice, avatar_type="motion")
    made = alice.post("/characters", body, headers=headers)
    assert alice.post("/characters", body, headers=headers).content == made.content
    assert credits() == (START - 2 * PRICE, 0)
    assert len(alice.get("/characters").json()["characters"]) == 2


def test_the_player_finds_the_rig_and_its_textures_from_any_page(
    alice: Customer, house_street: Street, character_id: str
) -> None:
    nothing = alice.get(f"/characters/{character_id}/avatar").json()
    assert nothing == {
        "character_id": character_id,
        "sprite_ready": False,
        "motion_ready": False,
        "kind": None,
        "anchors": None,
        "problems": [],
        "rig_url": None,
        "sprite_url": None,
        "idle_url": None,
    }
    avatar(alice, character_id)
    found = alice.get(f"/characters/{character_id}/avatar").json()

    assert (found["kind"], found["motion_ready"], found["sprite_url"]) == ("photo", True, None)
    files = load(house_street, found["rig_url"], "rig.json")
    rig = rigfile.from_files(files)
    assert (rig.kind, rig.width, rig.height) == (Kind.PHOTO, 512, 512)
    idle = house_street.http.get(found["idle_url"])
    assert (idle.status_code, idle.headers["content-type"]) == (200, "image/webp")


def test_the_player_finds_sprites_likewise(
    alice: Customer, house_street: Street, character_id: str
) -> None:
    avatar(alice, character_id, avatar_type="sprite")
    found = alice.get(f"/characters/{character_id}/avatar").json()
    assert found["rig_url"] is None
    assert len(load(house_street, found["sprite_url"], "sprites.json")) == 4


def load(made: Street, url: str, name: str) -> dict[str, bytes]:
    """What a page of another origin loads: the manifest, then the textures relative to it."""
    manifest = made.http.get(url)
    assert manifest.headers["access-control-allow-origin"] == "*"
    files = {name: manifest.content}
    for texture in json.loads(manifest.content)["textures"].values():
        answer = made.http.get(urljoin(url, texture))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
        assert answer.headers["access-control-allow-origin"] == "*"
        files[texture] = answer.content
    return files


def test_an_avatar_made_anew_replaces_the_files_of_the_old_one(
    alice: Customer, house_street: Street, character_id: str
) -> None:
    avatar(alice, character_id)
    before = files_of_avatars(house_street)
    old = alice.get(f"/characters/{character_id}/avatar").json()["rig_url"]
    avatar(alice, character_id)
    after = files_of_avatars(house_street)

    assert len(after) == len(before)
    assert not set(after) & set(before)
    assert house_street.http.get(old).status_code == 404


def test_with_another_photo_the_character_has_no_avatar_until_one_is_made(
    alice: Customer, character_id: str, credits: Credits
) -> None:
    avatar(alice, character_id)
    path = f"/characters/{character_id}"
    changed = alice.patch(path, {"image": DRAWING}).json()
    assert changed["avatars"] == {"sprite": False, "motion": False}
    assert alice.get(path).json()["avatars"] == {"sprite": False, "motion": False}
    assert alice.get(f"{path}/avatar").json()["rig_url"] is None
    assert credits() == (START - PRICE, 0), "nobody is charged for what was not asked for"

    avatar(alice, character_id)
    assert alice.get(f"{path}/avatar").json()["kind"] == "drawing"


def test_a_name_changes_without_the_avatar(alice: Customer, character_id: str) -> None:
    avatar(alice, character_id)
    changed = alice.patch(f"/characters/{character_id}", {"name": "Hana"}).json()
    assert changed["avatars"] == {"sprite": False, "motion": True}


@pytest.mark.parametrize("way", ["character", "account"])
def test_what_is_deleted_takes_its_avatar_along(
    alice: Customer, house_street: Street, character_id: str, way: str
) -> None:
    avatar(alice, character_id)
    house_street.house.avatars.rig_for(alice.account_id, character_id, Framing(128, 160))
    assert files_of_avatars(house_street)
    if way == "character":
        assert alice.delete(f"/characters/{character_id}").status_code == 200
    else:
        house_street.house.accounts.delete(alice.account_id)
    assert house_street.files() == []

    house_street.house.sweeper.sweep()
    cache = house_street.house.settings.home / "cache" / "rigs"
    assert [path for path in cache.rglob("*") if path.is_file()] == []


class Interrupted:
    """A storage that does something just before the first file of an avatar is written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
        put = Storage.put
        self.happened = False

        def interrupted(storage: Storage, key: str, data: bytes, content_type: str) -> None:
            if "/avatar-" in key and not self.happened:
                self.happened = True
                act()
            put(storage, key, data, content_type)

        monkeypatch.setattr(Storage, "put", interrupted)


def test_a_character_deleted_while_its_avatar_is_made_leaves_nothing_and_costs_nothing(
    alice: Customer,
    house_street: Street,
    character_id: str,
    credits: Credits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = Interrupted(monkeypatch, lambda: alice.delete(f"/characters/{character_id}"))
    answer = avatar(alice, character_id)
    assert gone.happened
    assert answer.status_code == 404
    assert house_street.files() == []
    assert credits() == (START, 0)


def test_a_photo_replaced_while_its_avatar_is_made_gets_none(
    alice: Customer,
    house_street: Street,
    character_id: str,
    credits: Credits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = f"/characters/{character_id}"
    Interrupted(monkeypatch, lambda: alice.patch(path, {"image": DRAWING}))
    answer = avatar(alice, character_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "photo_replaced")
    assert files_of_avatars(house_street) == []
    assert alice.get(path).json()["avatars"]["motion"] is False
    assert credits() == (START, 0)


@pytest.mark.parametrize("way", ["creation", "avatar"])
def test_a_full_disk_costs_nothing_and_leaves_nothing(
    alice: Customer,
    house_street: Street,
    character_id: str,
    credits: Credits,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    Interrupted(monkeypatch, full)
    before = house_street.files()
    if way == "creation":
        answer = alice.post("/characters", character_body(alice, avatar_type="motion"))
    else:
        answer = avatar(alice, character_id)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert house_street.files() == before
    assert credits() == (START, 0)
    assert len(alice.get("/characters").json()["characters"]) == 1


def test_two_wishes_at_once_are_both_fulfilled_and_paid(
    alice: Customer, house_street: Street, character_id: str, credits: Credits
) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(
                lambda kind: avatar(alice, character_id, avatar_type=kind), ["sprite", "motion"]
            )
        )
    assert [answer.status_code for answer in answers] == [200, 200]
    one = alice.get(f"/characters/{character_id}").json()
    assert one["avatars"] == {"sprite": True, "motion": True}
    assert credits() == (START - 2 * PRICE, 0)
    assert len({name.split("/")[2] for name in files_of_avatars(house_street)}) == 1


def test_what_a_killed_server_left_is_removed_and_what_is_used_stays(
    alice: Customer, house_street: Street, character_id: str, clock: ManualClock
) -> None:
    avatar(alice, character_id)
    kept = house_street.files()
    stray = f"characters/{character_id}/avatar-0123/rig.json"
    house_street.house.storage.put(stray, b"{}", "application/json")
    assert house_street.house.avatars.remove_orphans() == 0, "it may be about to get its row"

    clock.advance(10 * 365 * 86_400)
    assert house_street.house.avatars.remove_orphans() == 1
    assert house_street.house.characters.remove_orphans() == 0
    assert house_street.files() == kept


def test_a_better_way_of_baking_renews_old_avatars_for_nothing(
    alice: Customer,
    house_street: Street,
    character_id: str,
    credits: Credits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    avatar(alice, character_id)
    old = alice.get(f"/characters/{character_id}/avatar").json()
    for module in ("making", "queries", "service"):
        monkeypatch.setattr(f"charafy.avatars.{module}.VERSION", "9.9")
    new = alice.get(f"/characters/{character_id}/avatar").json()

    assert new["motion_ready"] is True
    assert new["rig_url"] != old["rig_url"]
    assert house_street.http.get(new["rig_url"]).status_code == 200
    assert house_street.http.get(old["rig_url"]).status_code == 404
    assert alice.get(f"/characters/{character_id}/avatar").json() == new
    assert credits() == (START - PRICE, 0)


def test_readers_who_renew_an_avatar_at_once_agree_on_its_links(
    alice: Customer,
    house_street: Street,
    character_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    avatar(alice, character_id)
    for module in ("making", "queries", "service"):
        monkeypatch.setattr(f"charafy.avatars.{module}.VERSION", "9.9")
    with ThreadPoolExecutor(3) as readers:
        path = f"/characters/{character_id}/avatar"
        seen = [answer.json()["rig_url"] for answer in readers.map(alice.get, [path] * 3)]

    assert len(set(seen)) == 1
    assert house_street.http.get(seen[0]).status_code == 200


def test_an_avatar_that_can_t_be_renewed_now_is_shown_as_it_is(
    alice: Customer,
    house_street: Street,
    character_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    avatar(alice, character_id)
    old = alice.get(f"/characters/{character_id}/avatar").json()
    for module in ("making", "queries", "service"):
        monkeypatch.setattr(f"charafy.avatars.{module}.VERSION", "9.9")
    monkeypatch.setattr(AsideBakery, "bake", _too_busy)

    assert alice.get(f"/characters/{character_id}/avatar").json() == old
    assert house_street.http.get(old["rig_url"]).status_code == 200


def test_files_that_can_t_be_removed_don_t_undo_an_avatar_that_is_paid(
    alice: Customer, character_id: str, credits: Credits, monkeypatch: pytest.MonkeyPatch
) -> None:
    avatar(alice, character_id)
    monkeypatch.setattr(Storage, "delete_prefix", _read_only)
    assert avatar(alice, character_id).status_code == 200
    assert credits() == (START - 2 * PRICE, 0)


def _too_busy(*_arguments: object, **_options: object) -> None:
    raise TooManyRequests("The avatar has to wait for others.", retry_after_s=10)


def _read_only(*_arguments: object) -> None:
    raise PermissionError("a folder that nobody may write to")


def test_a_child_killed_while_it_bakes_is_a_clear_error_and_costs_nothing(
    alice: Customer, house_street: Street, character_id: str, credits: Credits
) -> None:
    """Whenever it is killed: the murderer strikes as soon as there is a child."""
    import os
    import signal

    house = house_street.house
    done = threading.Event()

    def murder() -> None:
        while not done.is_set() and not house.avatars.processes():
            done.wait(0.005)
        for pid in house.avatars.processes():
            os.kill(pid, signal.SIGKILL)

    with ThreadPoolExecutor(1) as pool:
        murderer = pool.submit(murder)
        answer = avatar(alice, character_id)
        done.set()
        murderer.result(10)

    assert answer.status_code == 500
    assert answer.json()["code"] == "work_failed"
    assert answer.json()["error"] == (
        "The avatar could not be made: the process that made it ended unexpectedly. "
        "Please try again."
    )
    assert credits() == (START, 0)
    assert files_of_avatars(house_street) == []
    assert avatar(alice, character_id).status_code == 200


def test_videos_get_a_rig_in_their_framing_paid_for_or_not(
    alice: Customer, house: House, character_id: str
) -> None:
    tall = house.avatars.rig_for(alice.account_id, character_id, Framing(180, 320))
    assert (tall.width, tall.height) == (180, 320)
    pids = house.avatars.processes()
    house.avatars.close()
    again = house.avatars.rig_for(alice.account_id, character_id, Framing(180, 320))
    assert pids
    assert rigfile.to_files(again).keys() == rigfile.to_files(tall).keys()
    assert (again.width, again.height) == (180, 320)


def test_videos_get_the_avatar_s_own_rig_where_it_fits(
    alice: Customer, house: House, character_id: str
) -> None:
    avatar(alice, character_id)
    house.avatars.close()
    rig = house.avatars.rig_for(alice.account_id, character_id, Framing(512, 512))
    assert (rig.width, rig.height) == (512, 512)


def test_no_rig_without_a_face(alice: Customer, house: House) -> None:
    character_id = alice.character(image=NOT_A_FACE)
    with pytest.raises(BadRequest) as refused:
        house.avatars.rig_for(alice.account_id, character_id, Framing())
    assert refused.value.code == "no_face"
