"""What a customer may order, what it costs to order, and what bad orders are told."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from fastapi.testclient import TestClient

from charafy.credits.service import Books
from charafy.house import House
from tests.support.clock import ManualClock
from tests.support.images import jpeg
from tests.support.videos import (
    API,
    TINY,
    Customer,
    Hands,
    Money,
    customer,
    look,
    money,
    order,
    ordered,
    recording,
)

PIXEL = "data:image/jpeg;base64," + base64.b64encode(jpeg()).decode()


def audio(data: bytes, kind: str = "audio/wav") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def test_an_order_is_answered_at_once_and_sets_credits_aside(
    client: TestClient, house: House, who: Customer
) -> None:
    answer = order(client, who).json()

    assert list(answer) == [
        "video_id",
        "status",
        "poll_url",
        "credits_used",
        "credits_remaining",
    ]
    assert answer["status"] == "processing"
    assert answer["poll_url"] == f"{house.settings.base_url}{API}/video/{answer['video_id']}"
    assert answer["credits_used"] >= 6
    assert answer["credits_used"] % 6 == 0
    assert answer["credits_remaining"] == 1_000 - answer["credits_used"]
    assert money(house, who) == Money(1_000 - answer["credits_used"], answer["credits_used"])
    (hold,) = Books(house.db).holds(who.account_id)
    assert hold.character_id == who.character_id


def test_a_video_that_waits_says_where_it_stands(client: TestClient, who: Customer) -> None:
    first, second = ordered(client, who), ordered(client, who)

    waiting = look(client, who, second)
    assert list(waiting)[:5] == [
        "video_id",
        "status",
        "output_url",
        "created_at",
        "completed_at",
    ]
    assert (waiting["status"], waiting["output_url"], waiting["completed_at"]) == (
        "processing",
        None,
        None,
    )
    assert (look(client, who, first)["queue_position"], waiting["queue_position"]) == (1, 2)
    assert waiting["progress"] == 0
    assert waiting["credits_used"] >= 6


def test_what_is_being_made_stands_at_zero_and_moves_the_others_up(
    client: TestClient, house: House, who: Customer, hands: Hands
) -> None:
    first, second = ordered(client, who), ordered(client, who)

    hands.work.begin(first)
    hands.work.report(first, 0.25)

    assert look(client, who, first)["queue_position"] == 0
    assert look(client, who, first)["progress"] == 0.25
    assert look(client, who, second)["queue_position"] == 1


def test_who_has_few_videos_under_way_goes_before_who_has_many(
    client: TestClient, house: House, who: Customer, clock: ManualClock
) -> None:
    other = customer(house)
    many = [ordered(client, who) for _ in range(3)]
    clock.advance(1)
    one = ordered(client, other)

    assert look(client, other, one)["queue_position"] == 2
    assert [look(client, who, video_id)["queue_position"] for video_id in many] == [1, 3, 4]
    assert list(house.video_room.work.waiting()) == [many[0], one, many[1], many[2]]


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"text": ""}, "text"),
        ({"text": "x" * 5_001}, "text"),
        ({"text": " \n😀<b></b>"}, "text"),
        ({"text": None}, "text"),
        ({"text": "Hello!", "audio": audio(recording())}, "text"),
        ({"avatar_type": "hologram"}, "avatar_type"),
        ({"voice_id": "nobody"}, "voice_id"),
        ({"speed": 0.4}, "speed"),
        ({"speed": 2.1}, "speed"),
        ({"width": 127, "height": 128}, "width"),
        ({"width": 129, "height": 128}, "width"),
        ({"width": 128, "height": 131}, "height"),
        ({"width": 1_282, "height": 128}, "width"),
        ({"width": None}, "width"),
        ({"height": None}, "height"),
        ({"aspect": "1:1"}, "aspect"),
        ({"width": None, "height": None, "aspect": "4:3"}, "aspect"),
        ({"fps": 11}, "fps"),
        ({"fps": 61}, "fps"),
        ({"fps": 29.97}, "fps"),
        ({"width": 1_280, "height": 1_280, "fps": 25}, "fps"),
        ({"background": "beach"}, "background"),
        ({"background": "#12345"}, "background"),
        ({"background": "transparent"}, "background"),
        ({"background": "data:image/png;base64,AAAA"}, "background"),
        ({"background": "http://127.0.0.1/secret.png"}, "background"),
        ({"format": "avi"}, "format"),
    ],
)
def test_a_bad_order_is_refused_with_the_field_and_costs_nothing(
    client: TestClient, house: House, who: Customer, changed: dict[str, Any], param: str
) -> None:
    answer = order(client, who, **changed)

    assert answer.status_code == 400, answer.text
    assert answer.json()["param"] == param
    assert answer.json()["error"].startswith(("The ", f"{param}"))
    assert money(house, who) == Money(1_000, 0)
    assert house.storage.keys("videos/") == []


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (audio(b"RIFF" + bytes(40)), "invalid_audio"),
        (audio(b"this is no sound at all, only words"), "invalid_audio"),
        (audio(recording(0.05)), "audio_too_short"),
        (audio(recording(), "text/html"), "invalid_audio"),
        ("data:audio/wav;base64,!!!!", "invalid_audio"),
        ("C:\\me.wav", "invalid_audio"),
        ("file:///etc/passwd", "invalid_audio"),
        ("http://169.254.169.254/latest", "audio_url_refused"),
    ],
)
def test_a_recording_that_is_none_is_refused(
    client: TestClient, house: House, who: Customer, sent: str, code: str
) -> None:
    answer = order(client, who, None, audio=sent)

    assert (answer.status_code, answer.json()["param"]) == (400, "audio"), answer.text
    assert answer.json()["code"] == code
    assert house.storage.keys("videos/") == []


def test_a_recording_that_is_too_long_is_refused(client: TestClient, who: Customer) -> None:
    long = recording(601, rate=8_000)
    answer = order(client, who, None, audio=audio(long))
    assert (answer.status_code, answer.json()["code"]) == (400, "audio_too_long")


def test_a_recording_is_priced_by_its_own_length(
    client: TestClient, house: House, who: Customer
) -> None:
    answer = order(client, who, None, audio=audio(recording(2.5)))

    assert answer.status_code == 200, answer.text
    assert answer.json()["credits_used"] == 3 * 6  # 2.5 s and the mouth's coming to rest


def test_a_voice_is_not_chosen_for_a_recording(client: TestClient, who: Customer) -> None:
    answer = order(client, who, None, audio=audio(recording()), voice_id="any")
    assert (answer.status_code, answer.json()["param"]) == (400, "voice_id")


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({}, (512, 512)),
        ({"aspect": "1:1"}, (512, 512)),
        ({"aspect": "9:16"}, (720, 1_280)),
        ({"aspect": "16:9"}, (1_280, 720)),
        ({"width": 640, "height": 360}, (640, 360)),
    ],
)
def test_sizes(
    client: TestClient, who: Customer, asked: dict[str, Any], size: tuple[int, int]
) -> None:
    body = {"character_id": who.character_id, "text": "Hello!", **asked}
    created = client.post(f"{API}/video", json=body, headers=who.headers)
    found = look(client, who, created.json()["video_id"])
    assert (found["width"], found["height"], found["fps"], found["format"]) == (*size, 25, "mp4")


def test_a_stranger_s_character_is_not_there(
    client: TestClient, house: House, who: Customer
) -> None:
    other = customer(house)
    answer = order(client, who, character_id=other.character_id)
    assert answer.status_code == 404
    assert money(house, who) == Money(1_000, 0)


def test_too_few_credits_are_said_before_any_work(client: TestClient, house: House) -> None:
    poor = customer(house, credits=5)
    answer = order(client, poor, background=PIXEL)

    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_credits")
    assert money(house, poor) == Money(5, 0)
    assert house.storage.keys("videos/") == []


def test_a_plan_s_queue_is_bounded_and_frees_itself(
    client: TestClient, house: House, who: Customer, hands: Hands
) -> None:
    first, *_ = [ordered(client, who) for _ in range(3)]
    before = money(house, who)

    refused = order(client, who)
    assert (refused.status_code, refused.json()["code"]) == (429, "video_queue_full")
    assert refused.headers["retry-after"] == "30"
    assert "3 videos" in refused.json()["error"]
    assert money(house, who) == before

    hands.make(first)
    assert order(client, who).status_code == 200


def test_test_keys_pay_nothing_and_are_bounded_by_the_day(
    client: TestClient, house: House, who: Customer, hands: Hands, clock: ManualClock
) -> None:
    headers = {"x-api-key": who.test_key}
    body = {"character_id": who.character_id, "text": "Hello!", **TINY}
    created = client.post(f"{API}/video", json=body, headers=headers).json()
    hands.make(created["video_id"])

    assert (created["credits_used"], created["credits_remaining"]) == (0, 1_000)
    done = look(client, who, created["video_id"])
    assert (done["status"], done["credits_used"]) == ("completed", 0)
    assert money(house, who) == Money(1_000, 0)

    long = {**body, "text": "Hello there! " * 20}
    refused = client.post(f"{API}/video", json=long, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (429, "test_limit_reached")
    clock.advance(86_400)
    assert client.post(f"{API}/video", json=body, headers=headers).status_code == 200


def test_an_order_sent_twice_is_one_video_and_one_hold(
    client: TestClient, house: House, who: Customer
) -> None:
    body = {"character_id": who.character_id, "text": "Hello!", "background": PIXEL, **TINY}
    headers = {**who.headers, "Idempotency-Key": "once"}
    first = client.post(f"{API}/video", json=body, headers=headers)
    again = client.post(f"{API}/video", json=body, headers=headers)
    other = client.post(f"{API}/video", json={**body, "text": "Bye!"}, headers=headers)

    assert first.status_code == again.status_code == 200
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert money(house, who).held == first.json()["credits_used"]
    assert len(house.storage.keys("videos/")) == 1


def test_a_refused_order_leaves_its_idempotency_key_free(client: TestClient, who: Customer) -> None:
    headers = {**who.headers, "Idempotency-Key": "k"}
    body = {"character_id": who.character_id, "text": "Hello!", "background": "beach"}
    assert client.post(f"{API}/video", json=body, headers=headers).status_code == 400
    body["background"] = "blur"
    assert client.post(f"{API}/video", json=body, headers=headers).status_code == 200


def test_videos_are_listed_newest_first_page_by_page(
    client: TestClient, house: House, who: Customer, hands: Hands, clock: ManualClock
) -> None:
    made = []
    for _ in range(5):
        clock.advance(1)
        made.append(ordered(client, who))
        hands.make(made[-1])
    waiting = ordered(client, who)

    def page(**query: Any) -> Any:
        return client.get(f"{API}/videos", params=query, headers=who.headers).json()

    first = page(limit=4)
    rest = page(limit=4, cursor=first["next_cursor"])
    ids = [video["video_id"] for video in (*first["videos"], *rest["videos"])]
    assert set(ids[:2]) == {waiting, made[4]}
    assert ids[2:] == made[3::-1]
    assert rest["next_cursor"] is None
    assert [v["video_id"] for v in page(status="processing")["videos"]] == [waiting]
    assert len(page(character_id=who.character_id)["videos"]) == 6
    assert page(character_id=waiting)["videos"] == []
    stranger = customer(house)
    assert client.get(f"{API}/videos", headers=stranger.headers).json()["videos"] == []


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"cursor": "x"}, {"status": "x"}])
def test_a_bad_page_is_refused(client: TestClient, who: Customer, query: dict[str, Any]) -> None:
    answer = client.get(f"{API}/videos", params=query, headers=who.headers)
    assert (answer.status_code, answer.json()["param"]) == (400, next(iter(query)))


def test_what_can_t_be_a_character_has_no_videos(client: TestClient, who: Customer) -> None:
    ordered(client, who)
    for character_id in ("%00", "nobody", "x" * 100):
        found = client.get(f"{API}/videos?character_id={character_id}", headers=who.headers)
        assert (found.status_code, found.json()["videos"]) == (200, [])


def test_nothing_is_fetched_for_an_order_that_has_no_place(
    client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = customer(house, plan="free")
    ordered(client, who)

    def opened(*_arguments: object) -> None:
        raise AssertionError("the recording was looked at")

    monkeypatch.setattr("charafy.videos.inputs.read_recording", opened)
    refused = order(client, who, None, audio=audio(recording()))
    assert (refused.status_code, refused.json()["code"]) == (429, "video_queue_full")
