"""A whole house that keeps its media in S3: what is made gets there, and nothing stays behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.errors import NotFound
from charafy.kernel.settings import Settings
from charafy.kernel.storage_settings import Bucket
from charafy.kernel.stores import StorageUnavailable
from charafy.videos.making import failure_of, may_pass
from tests.support import s3
from tests.support.clock import ManualClock
from tests.support.faulty import FaultyWay
from tests.support.videos import Customer, Hands, customer, money

START = 1_000


@pytest.fixture
def later() -> ManualClock:
    """The time of the house, which a test may move; S3 keeps to the real one."""
    return ManualClock(datetime.now(UTC))


@pytest.fixture
def way(s3_server: s3.Server) -> Iterator[FaultyWay]:
    with FaultyWay(s3_server.port) as way:
        yield way


@pytest.fixture
def house(
    settings: Settings, db: Database, later: ManualClock, bucket: Bucket, way: FaultyWay
) -> Iterator[House]:
    del db
    place = s3.settings_of(s3.through(bucket, way.port, timeout_s=1.0))
    changed = {"portrait_engine": "still", **place}
    made = build_house(settings.model_copy(update=changed), clock=later)
    yield made
    made.close()


@pytest.fixture
def client(house: House) -> TestClient:
    return TestClient(
        build_app(house),
        base_url=house.settings.base_url,
        follow_redirects=False,
        raise_server_exceptions=False,
    )


@pytest.fixture
def who(house: House) -> Customer:
    return customer(house, START)


def order(client: TestClient, who: Customer) -> str:
    body = {"character_id": who.character_id, "text": "Hi.", "width": 128, "height": 128}
    answer = client.post("/api/v1/video", json=body, headers=who.headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["video_id"])


def test_a_film_goes_through_s3_to_who_watches_it(
    house: House, client: TestClient, who: Customer, bucket: Bucket, s3_server: s3.Server
) -> None:
    video_id = order(client, who)
    Hands(house).make(video_id)

    answer = client.get(f"/api/v1/video/{video_id}", headers=who.headers).json()
    assert answer["status"] == "completed", answer
    assert answer["output_url"].startswith(f"{house.settings.base_url}/files/videos/{video_id}/")
    link = client.get(answer["output_url"])
    assert link.status_code == 307
    film = httpx.get(link.headers["location"])
    assert (film.status_code, film.headers["content-type"]) == (200, "video/mp4")
    assert film.content[4:8] == b"ftyp"
    # The sound and all else that only making needed is gone from there, and never was on this disk.
    endings = [key.rpartition(".")[2] for key in s3_server.objects(bucket) if video_id in key]
    assert endings == ["mp4", "srt", "vtt"]
    assert not house.settings.media.exists()


def test_a_film_that_cannot_be_stored_is_tried_again_and_never_charged_for_nothing(
    house: House, client: TestClient, who: Customer, way: FaultyWay
) -> None:
    hands, video_id = Hands(house), order(client, who)
    video = hands.work.begin(video_id)
    tick = hands.watching(video)
    hands.maker.speak(video, tick)
    duration_s = hands.maker.film(video, tick)

    way.fault = "refuses"
    with pytest.raises(StorageUnavailable) as raised:
        hands.maker.store(video, duration_s, tick)
    assert may_pass(raised.value)
    hands.work.fail(video_id, failure_of(raised.value))  # as when that was the last attempt

    assert (money(house, who).available, money(house, who).held) == (START, 0)
    hands.maker.clean(hands.work.find(video_id), video_id)  # leaves files, breaks nothing


def test_what_was_put_down_is_stored_once_s3_is_back(
    house: House, client: TestClient, who: Customer, way: FaultyWay
) -> None:
    hands, video_id = Hands(house), order(client, who)
    video = hands.work.begin(video_id)
    tick = hands.watching(video)
    hands.maker.speak(video, tick)
    duration_s = hands.maker.film(video, tick)
    way.fault = "refuses"
    with pytest.raises(StorageUnavailable):
        hands.maker.store(video, duration_s, tick)

    way.fault = "none"
    hands.maker.settle(video, hands.maker.store(video, duration_s, tick))

    assert money(house, who).held == 0
    assert money(house, who).available < START


def test_what_needs_storage_is_503_while_s3_is_away_and_the_rest_works(
    house: House, client: TestClient, who: Customer, way: FaultyWay
) -> None:
    way.fault = "refuses"
    picture = {"character_id": who.character_id, "audio": "data:audio/wav;base64,UklGRg=="}
    assert client.get("/api/v1/characters", headers=who.headers).status_code == 200
    assert client.get("/api/v1/credits", headers=who.headers).status_code == 200
    assert client.post("/api/v1/video", json=picture, headers=who.headers).status_code < 500
    answer = client.put(
        f"/api/v1/characters/{who.character_id}/avatar",
        json={"avatar_type": "motion"},
        headers=who.headers,
    )
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert (money(house, who).available, money(house, who).held) == (START, 0)


def test_an_account_takes_all_its_files_along(
    house: House, client: TestClient, who: Customer, bucket: Bucket, s3_server: s3.Server
) -> None:
    Hands(house).make(order(client, who))
    said = {"character_id": who.character_id, "text": "Hello."}
    kept = {"idempotency-key": "k1", **who.headers}
    assert client.post("/api/v1/tts/timestamps", json=said, headers=kept).status_code == 200
    folders = {key.split("/")[1] for key in s3_server.objects(bucket)}
    assert folders >= {"characters", "videos", "speech"}

    house.accounts.delete(who.account_id)

    assert s3_server.objects(bucket) == []


def test_the_files_of_an_account_go_as_soon_as_they_can(
    house: House, who: Customer, way: FaultyWay, bucket: Bucket, s3_server: s3.Server
) -> None:
    way.fault = "refuses"
    house.accounts.delete(who.account_id)
    with pytest.raises(NotFound):
        house.accounts.get(who.account_id)
    assert s3_server.objects(bucket) != []
    with pytest.raises(StorageUnavailable):
        house.accounts.finish_deletions()  # a chore: the sweeper tries again

    way.fault = "none"

    assert house.accounts.finish_deletions() == 1
    assert s3_server.objects(bucket) == []


def test_a_character_is_gone_though_its_files_are_not_yet(
    house: House, client: TestClient, who: Customer, way: FaultyWay, later: ManualClock
) -> None:
    way.fault = "refuses"
    path = f"/api/v1/characters/{who.character_id}"
    assert client.delete(path, headers=who.headers).status_code == 200
    way.fault = "none"
    with pytest.raises(NotFound):
        house.characters.get(who.account_id, who.character_id)
    assert house.storage.keys(f"characters/{who.character_id}/") != []

    later.advance(timedelta(days=2).total_seconds())
    house.characters.remove_orphans()

    assert house.storage.keys("characters/") == []


def test_files_of_videos_that_nobody_knows_are_swept(
    house: House, client: TestClient, who: Customer, later: ManualClock
) -> None:
    known = order(client, who)
    Hands(house).make(known)
    house.storage.put("videos/0b6f/video-0b6f.mp4", b"left", "video/mp4")
    assert house.video_room.chores.remove_orphans() == 0  # young: it may be being made
    later.advance(timedelta(days=2).total_seconds())
    assert house.video_room.chores.remove_orphans() == 1
    assert {key.split("/")[1] for key in house.storage.keys("videos/")} == {known}


def test_a_start_while_s3_is_away_is_not_ready_until_s3_answers(
    house: House, client: TestClient, way: FaultyWay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charafy.kernel.late_store.RETRY_S", 0.0)
    way.fault = "refuses"
    house.storage.check(may_be_away=True)
    answer = client.get("/readyz")
    assert (answer.status_code, "storage" in answer.json()["problems"]) == (503, True)
    assert client.get("/healthz").status_code == 200
    with pytest.raises(StorageUnavailable):
        house.storage.keys("videos/")
    way.fault = "none"
    assert "storage" not in client.get("/readyz").json()["problems"]
    assert house.storage.keys("videos/") == []
    way.fault = "refuses"  # away later: most requests go on without it
    assert "storage" not in client.get("/readyz").json()["problems"]
