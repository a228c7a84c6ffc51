"""Characters over HTTP: made, listed, read, changed, deleted, and never seen by strangers."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from PIL import Image

from charafy.kernel.db import Database
from charafy.kernel.ids import is_id, new_id
from charafy.kernel.settings import Plan, Settings
from tests.support.clock import ManualClock
from tests.support.images import image_host, jpeg
from tests.support.neighbours import PHOTO, Customer, Street, data_uri, street


def body(customer: Customer, **fields: Any) -> dict[str, Any]:
    return {"name": "Sakura", "image": PHOTO, "voice_id": customer.voice(), **fields}


def test_a_new_character_answers_in_the_contracts_words_and_order(alice: Customer) -> None:
    answer = alice.post("/characters", body(alice))
    assert answer.status_code == 200
    made = answer.json()
    assert list(made)[:5] == [
        "character_id",
        "embed_url",
        "avatars",
        "credits_used",
        "credits_remaining",
    ]
    assert is_id(made["character_id"])
    assert made["embed_url"] == f"http://127.0.0.1:8000/embed/{made['character_id']}"
    assert made["avatars"] == {"sprite": False, "motion": False}
    assert (made["credits_used"], made["credits_remaining"]) == (0, 100)


def test_the_list_holds_exactly_the_contracts_fields(alice: Customer) -> None:
    voice_id = alice.voice()
    character_id = alice.character(voice_id=voice_id)
    (listed,) = alice.get("/characters").json()["characters"]
    assert list(listed) == [
        "character_id",
        "name",
        "language",
        "voice_id",
        "photo_url",
        "embed_enabled",
        "avatar_type",
        "embed_url",
    ]
    assert listed["photo_url"].startswith("http://127.0.0.1:8000/files/characters/")
    assert {key: listed[key] for key in listed if key != "photo_url"} == {
        "character_id": character_id,
        "name": "Sakura",
        "language": "ja",
        "voice_id": voice_id,
        "embed_enabled": False,
        "avatar_type": "none",
        "embed_url": f"http://127.0.0.1:8000/embed/{character_id}",
    }


def test_the_photo_url_shows_the_photo_to_anyone_for_good(
    alice: Customer, house_street: Street, clock: ManualClock
) -> None:
    alice.character(image=data_uri(jpeg((3000, 1500)), "image/png"))
    url = alice.get("/characters").json()["characters"][0]["photo_url"]
    clock.advance(5 * 365 * 86_400)
    answer = house_street.http.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(answer.content)).size == (2048, 1024)


def test_the_image_may_be_a_url(settings: Settings, clock: ManualClock, db: Database) -> None:
    with (
        image_host() as host,
        street(settings.model_copy(update={"fetch_allowed_hosts": (host,)}), clock, db) as made,
    ):
        answer = made.alice.post("/characters", body(made.alice, image=f"http://{host}/photo.jpg"))
        assert answer.status_code == 200
        assert len(made.files()) == 1


def test_one_character_shows_its_prompt_and_times(alice: Customer) -> None:
    character_id = alice.character(system_prompt="You are kind.\nAlways.", language="en")
    one = alice.get(f"/characters/{character_id.upper()}").json()
    assert one["character_id"] == character_id
    assert one["language"] == "en"
    assert one["system_prompt"] == "You are kind.\nAlways."
    assert one["created_at"] == one["updated_at"] == "2026-01-01T00:00:00Z"


def test_a_change_touches_only_what_is_sent(alice: Customer, clock: ManualClock) -> None:
    character_id = alice.character(system_prompt="You are kind.")
    before = alice.get(f"/characters/{character_id}").json()
    clock.advance(60)
    after = alice.patch(f"/characters/{character_id}", {"name": "  Hana "}).json()
    assert after == {**before, "name": "Hana", "updated_at": "2026-01-01T00:01:00Z"}
    assert alice.get(f"/characters/{character_id}").json() == after


def test_every_field_can_be_changed(alice: Customer) -> None:
    character_id = alice.character(system_prompt="You are kind.")
    changes = {
        "name": "Emma",
        "voice_id": alice.voice("en"),
        "language": "en",
        "avatar_type": "sprite",
        "system_prompt": None,
    }
    after = alice.patch(f"/characters/{character_id}", changes).json()
    assert {name: after[name] for name in changes} == changes


def test_a_new_photo_replaces_the_file_of_the_old_one(
    alice: Customer, house_street: Street
) -> None:
    character_id = alice.character()
    old = alice.get(f"/characters/{character_id}").json()["photo_url"]
    changed = alice.patch(f"/characters/{character_id}", {"image": data_uri(jpeg((50, 50)))})
    assert len(house_street.files()) == 1
    assert house_street.http.get(changed.json()["photo_url"]).status_code == 200
    assert house_street.http.get(old).status_code == 404


def test_a_change_of_nothing_is_fine(alice: Customer) -> None:
    character_id = alice.character()
    assert alice.patch(f"/characters/{character_id}", {}).status_code == 200


def test_deleting_takes_the_character_its_files_and_its_embed_settings(
    alice: Customer, house_street: Street
) -> None:
    character_id = alice.character()
    alice.put(f"/characters/{character_id}/embed", {"embed_max_concurrent": 3})
    answer = alice.delete(f"/characters/{character_id}")
    assert answer.json() == {"character_id": character_id, "deleted": True}
    assert alice.get(f"/characters/{character_id}").status_code == 404
    assert alice.delete(f"/characters/{character_id}").status_code == 404
    assert alice.get("/characters").json() == {"characters": [], "next_cursor": None}
    assert house_street.files() == []


def test_strangers_see_and_touch_nothing(alice: Customer, bob: Customer) -> None:
    character_id = alice.character()
    path = f"/characters/{character_id}"
    assert bob.get("/characters").json()["characters"] == []
    for answer in (
        bob.get(path),
        bob.patch(path, {"name": "Mine"}),
        bob.delete(path),
        bob.get(f"{path}/embed"),
        bob.put(f"{path}/embed", {"embed_enabled": True}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    one = alice.get(path).json()
    assert (one["name"], one["embed_enabled"]) == ("Sakura", False)


@pytest.mark.parametrize(
    "character_id", ["1", "none", "%00", "3b947a0d-c35a-48fc-bd7d-f980a431da80", "x" * 500]
)
def test_what_names_no_character_is_404(alice: Customer, character_id: str) -> None:
    for path in (f"/characters/{character_id}", f"/characters/{character_id}/embed"):
        assert alice.get(path).status_code == 404


def test_the_list_is_newest_first_and_can_be_paged(alice: Customer, clock: ManualClock) -> None:
    made = []
    for number in range(5):
        made.append(alice.character(name=f"No {number}"))
        if number % 2:  # some are made within the same moment
            clock.advance(1)
    seen: list[str] = []
    cursor = None
    while cursor is not None or not seen:
        asked = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = alice.get("/characters", params=asked).json()
        assert len(page["characters"]) <= 2
        seen += [character["character_id"] for character in page["characters"]]
        cursor = page["next_cursor"]
    assert sorted(seen) == sorted(made)
    everything = alice.get("/characters").json()
    assert [character["character_id"] for character in everything["characters"]] == seen
    assert everything["next_cursor"] is None
    assert everything["characters"][0]["name"] == "No 4"


@pytest.mark.parametrize(
    "asked",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": "many"},
        {"cursor": "x"},
        {"cursor": "é"},
        {"cursor": "MjAyNi0wMS0wMSB4"},
        {"cursor": "A" * 201},
    ],
)
def test_a_page_that_cannot_be_is_400(alice: Customer, asked: dict[str, Any]) -> None:
    answer = alice.get("/characters", params=asked)
    assert (answer.status_code, answer.json()["param"]) == (400, next(iter(asked)))


def test_the_same_idempotency_key_makes_one_character(
    alice: Customer, house_street: Street
) -> None:
    asked, headers = body(alice), {"Idempotency-Key": "once"}

    def ask(_number: int) -> Any:
        return alice.post("/characters", asked, headers=headers)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(16)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    made = {answer.json()["character_id"] for answer in answers if answer.status_code == 200}
    assert len(made) == 1
    assert len(alice.get("/characters").json()["characters"]) == 1
    assert len(house_street.files()) == 1
    other = alice.post("/characters", {**asked, "name": "Hana"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


def test_the_plan_limits_how_many_characters_there_are_even_in_a_race(
    settings: Settings, clock: ManualClock, db: Database
) -> None:
    small = settings.model_copy(update={"plans": {"standard": Plan(max_characters=3)}})
    with street(small, clock, db) as made:
        asked = body(made.alice)
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: made.alice.post("/characters", asked), range(12)))
        codes = [answer.status_code for answer in answers]
        assert (codes.count(200), codes.count(403)) == (3, 9)
        refused = next(answer for answer in answers if answer.status_code == 403).json()
        assert refused["code"] == "character_limit_reached"
        assert refused["error"].startswith("Your plan allows 3 characters")
        assert len(made.files()) == 3
        made.bob.character()


def test_a_test_key_makes_characters_too(house_street: Street) -> None:
    character_id = house_street.tester.character()
    assert house_street.alice.get(f"/characters/{character_id}").status_code == 200


def test_keys_do_only_what_their_scopes_allow(alice: Customer, house_street: Street) -> None:
    key = house_street.house.keys.create(alice.account_id, "r", scopes=["characters:read"]).key
    reader = Customer(alice.account_id, house_street.http, key)
    character_id = alice.character()
    assert reader.get(f"/characters/{character_id}").status_code == 200
    for answer in (
        reader.post("/characters", body(alice)),
        reader.patch(f"/characters/{character_id}", {}),
        reader.delete(f"/characters/{character_id}"),
        reader.put(f"/characters/{character_id}/embed", {}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


def test_an_account_that_ends_takes_its_characters_and_photos_along(
    alice: Customer, bob: Customer, house_street: Street
) -> None:
    alice.character()
    kept = bob.character()
    house_street.house.accounts.delete(alice.account_id)
    assert [name.split("/")[1] for name in house_street.files()] == [kept]


BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"name": None}, "name"),
    ({"name": ""}, "name"),
    ({"name": "   "}, "name"),
    ({"name": "x" * 101}, "name"),
    ({"name": "a\0b"}, "name"),
    ({"name": "a\nb"}, "name"),
    ({"name": "\u202egpj.exe"}, "name"),
    ({"name": "\ud800"}, "name"),
    ({"name": 5}, "name"),
    ({"name": ["Sakura"]}, "name"),
    ({"image": None}, "image"),
    ({"image": ""}, "image"),
    ({"image": 7}, "image"),
    ({"image": "photo.jpg"}, "image"),
    ({"image": "/etc/passwd"}, "image"),
    ({"image": "file:///etc/passwd"}, "image"),
    ({"voice_id": None}, "voice_id"),
    ({"voice_id": ""}, "voice_id"),
    ({"voice_id": "af_heart"}, "voice_id"),
    ({"voice_id": new_id()}, "voice_id"),
    ({"voice_id": 1}, "voice_id"),
    ({"language": "fr"}, "language"),
    ({"language": None}, "language"),
    ({"avatar_type": "video"}, "avatar_type"),
    ({"avatar_type": True}, "avatar_type"),
    ({"system_prompt": "x" * 10_001}, "system_prompt"),
    ({"system_prompt": "a\0b"}, "system_prompt"),
    ({"system_prompt": "\udfff"}, "system_prompt"),
    ({"system_prompt": 1}, "system_prompt"),
]


def test_bad_fields_are_named_in_a_400_for_new_and_changed_characters(
    alice: Customer, house_street: Street
) -> None:
    character_id = alice.character()
    kept = house_street.files()
    for change, param in BAD_FIELDS:
        for answer in (
            alice.post("/characters", body(alice, **change)),
            alice.patch(f"/characters/{character_id}", change),
        ):
            assert (answer.status_code, answer.json()["param"]) == (400, param), change
            assert answer.json()["error"].endswith("."), change
    assert house_street.files() == kept


@pytest.mark.parametrize("missing", ["name", "image", "voice_id"])
def test_required_fields_are_required(alice: Customer, missing: str) -> None:
    asked = body(alice)
    del asked[missing]
    answer = alice.post("/characters", asked)
    assert (answer.status_code, answer.json()["param"]) == (400, missing)
    assert answer.json()["error"] == f"{missing}: this field is required."


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"null", b"\xff\xfe"])
def test_malformed_json_is_400(alice: Customer, raw: bytes) -> None:
    answer = alice.post("/characters", content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


def test_a_voice_that_is_unknown_says_where_the_voices_are(alice: Customer) -> None:
    answer = alice.post("/characters", body(alice, voice_id=new_id())).json()
    assert answer["code"] == "unknown_voice"
    assert "GET /v1/voices" in answer["error"]


def test_limits_are_inclusive_and_unknown_fields_are_ignored(alice: Customer) -> None:
    longest = {"name": "あ" * 100, "system_prompt": "x" * 10_000, "mood": "sunny"}
    assert alice.post("/characters", body(alice, **longest)).status_code == 200
