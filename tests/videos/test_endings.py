"""However a video ends, its credits are settled exactly once and its customer is told why."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import av
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from charafy.credits.service import Entry
from charafy.house import House
from charafy.videos.chores import LEASE
from charafy.videos.endings import EndedMeanwhile, Endings
from charafy.videos.models import REASONS, Failure
from charafy.videos.tables import videos
from charafy.videos.work import MAX_ATTEMPTS, Unwanted
from charafy.webhooks.tables import events
from tests.support.clock import ManualClock
from tests.support.videos import API, Customer, Hands, Money, look, money, once, order, ordered


@pytest.fixture
def told(house: House, who: Customer) -> Iterator[Any]:
    """What the customer's webhooks are told, in order."""
    with house.db.write() as tx:
        house.webhooks.add(
            tx,
            who.account_id,
            url="https://example.com/hook",
            events=("video.completed", "video.failed"),
        )

    def read() -> list[tuple[str, dict[str, Any]]]:
        with house.db.read() as tx:
            rows = tx.execute(sa.select(events).order_by(events.c.created_at)).mappings().all()
        found = [json.loads(row["body"]) for row in rows]
        return [(event["type"], event["data"]) for event in found]

    yield read


def spent(house: House, who: Customer) -> list[Entry]:
    with house.db.read() as tx:
        return [e for e in house.credits.recent(tx, who.account_id) if e.kind == "video"]


def test_a_completed_video_costs_its_started_seconds_and_the_rest_comes_back(
    client: TestClient, house: House, who: Customer, hands: Hands
) -> None:
    created = order(client, who, "Hello, world! This takes about three seconds to say.").json()
    hands.make(created["video_id"])

    done = look(client, who, created["video_id"])
    assert done["status"] == "completed"
    assert done["credits_used"] == 6 * math.ceil(done["duration_s"])
    assert 0 < done["credits_used"] < created["credits_used"]
    assert money(house, who) == Money(1_000 - done["credits_used"], 0)
    assert [-entry.amount for entry in spent(house, who)] == [done["credits_used"]]
    assert (done["progress"], done["queue_position"], done["error"]) == (1, None, None)


def test_a_video_shorter_than_a_second_costs_one(
    client: TestClient, house: House, who: Customer, hands: Hands
) -> None:
    video_id = ordered(client, who, "I")
    hands.make(video_id)
    done = look(client, who, video_id)
    assert done["duration_s"] < 1
    assert done["credits_used"] == 6


def test_what_is_delivered_is_what_was_ordered(
    client: TestClient, who: Customer, hands: Hands
) -> None:
    video_id = ordered(client, who, "Hello, world! & <b>bold</b>", width=160, height=128)
    hands.make(video_id)
    done = look(client, who, video_id)

    film = client.get(done["output_url"])
    assert film.headers["content-type"] == "video/mp4"
    assert film.headers["content-disposition"].endswith(f'filename="video-{video_id[:8]}.mp4"')
    with av.open(io.BytesIO(film.content)) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert (picture.width, picture.height) == (160, 128)
        assert picture.average_rate == 12
        assert picture.duration is not None
        assert picture.time_base is not None
        assert abs(float(picture.duration * picture.time_base) - done["duration_s"]) < 0.1
        assert sound.codec_context.name == "aac"
    vtt = client.get(done["subtitles"]["vtt_url"])
    assert vtt.headers["content-type"].startswith("text/vtt")
    assert "Hello, world!" in vtt.text
    assert "Hello, world!" in client.get(done["subtitles"]["srt_url"]).text


def test_nothing_is_kept_of_a_completed_video_but_what_is_delivered(
    client: TestClient, house: House, who: Customer, hands: Hands
) -> None:
    video_id = ordered(client, who)
    hands.make(video_id)
    endings = {key.rpartition(".")[2] for key in house.storage.keys(f"videos/{video_id}/")}
    assert endings == {"mp4", "srt", "vtt"}
    assert not (house.settings.workshop / video_id).exists()


def test_never_more_is_charged_than_was_set_aside(
    client: TestClient, house: House, who: Customer, hands: Hands
) -> None:
    created = order(client, who, "Hi").json()
    video = hands.work.begin(created["video_id"])
    hands.maker.speak(video, lambda _done: None)
    made = hands.maker.store(video, 3_600.0, lambda _done: None)
    hands.work.complete(video.video_id, replace(made, duration_s=3_600.0))
    assert look(client, who, video.video_id)["credits_used"] == created["credits_used"]


def test_completing_twice_charges_once(
    client: TestClient, house: House, who: Customer, hands: Hands, told: Any
) -> None:
    video_id = ordered(client, who)
    video = hands.work.begin(video_id)
    hands.steps(video, lambda _done: None)
    after = money(house, who)

    made = hands.maker.store(video, 9.0, lambda _done: None)
    hands.maker.settle(video, made)  # a worker that died right after asks again

    assert money(house, who) == after
    assert len(spent(house, who)) == 1
    assert [kind for kind, _ in told()] == ["video.completed"]


def test_the_webhook_of_a_completed_video_says_what_polling_says(
    client: TestClient, who: Customer, hands: Hands, told: Any
) -> None:
    video_id = ordered(client, who)
    hands.make(video_id)
    [(kind, data)] = told()
    assert kind == "video.completed"
    assert data == look(client, who, video_id)


@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_failed_video_costs_nothing_and_says_why(
    client: TestClient, house: House, who: Customer, hands: Hands, told: Any, code: Any
) -> None:
    video_id = ordered(client, who)
    hands.work.fail(video_id, Failure(code, "Try another."))
    hands.work.fail(video_id, Failure("internal"))

    failed = look(client, who, video_id)
    assert (failed["status"], failed["error_code"]) == ("failed", code)
    assert failed["error"] == f"{REASONS[code]} Try another."
    assert (failed["credits_used"], failed["output_url"]) == (0, None)
    assert failed["completed_at"] is not None
    assert money(house, who) == Money(1_000, 0)
    assert spent(house, who) == []
    assert [(kind, data["error_code"]) for kind, data in told()] == [("video.failed", code)]


def test_cancelling_what_waits_ends_it_at_once(
    client: TestClient, house: House, who: Customer, hands: Hands
) -> None:
    video_id = ordered(client, who)
    answer = client.post(f"{API}/video/{video_id}/cancel", headers=who.headers)

    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["error_code"]) == ("failed", "cancelled")
    assert money(house, who) == Money(1_000, 0)
    with pytest.raises(Unwanted):
        hands.work.begin(video_id)
    again = client.post(f"{API}/video/{video_id}/cancel", headers=who.headers)
    assert (again.status_code, again.json()["code"]) == (409, "video_ended")


def test_cancelling_what_is_being_made_stops_it_and_leaves_nothing(
    client: TestClient, house: House, who: Customer, hands: Hands
) -> None:
    video_id = ordered(client, who, "A sentence that takes a while to say.")
    video = hands.work.find(video_id)
    assert video is not None
    frames = 0

    def tick(done: float) -> None:
        nonlocal frames
        frames += done > 0.6  # the film has begun
        if frames == 3:
            client.post(f"{API}/video/{video_id}/cancel", headers=who.headers)
        hands.work.require_wanted(video)

    hands.make(video_id, tick)

    assert frames == 3
    assert look(client, who, video_id)["error_code"] == "cancelled"
    assert money(house, who) == Money(1_000, 0)
    assert house.storage.keys("videos/") == []
    assert not (house.settings.workshop / video_id).exists()


def test_cancelling_at_the_moment_in_which_it_ends_comes_too_late(
    client: TestClient,
    house: House,
    who: Customer,
    hands: Hands,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    video_id = ordered(client, who)
    hands.make(video_id)
    before = money(house, who)

    def beaten(*_arguments: object) -> bool:
        raise EndedMeanwhile(video_id)

    monkeypatch.setattr(Endings, "fail", beaten)  # as PostgreSQL lets it happen
    answer = client.post(f"{API}/video/{video_id}/cancel", headers=who.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "video_ended")
    assert "completed already" in answer.json()["error"]
    assert money(house, who) == before


def test_deleting_what_is_being_made_frees_its_credits_and_leaves_nothing(
    client: TestClient, house: House, who: Customer, hands: Hands
) -> None:
    video_id = ordered(client, who)
    video = hands.work.find(video_id)
    assert video is not None
    delete = once(lambda: client.delete(f"{API}/video/{video_id}", headers=who.headers))

    def tick(done: float) -> None:
        if done > 0.7:
            delete(done)
        hands.work.require_wanted(video)

    hands.make(video_id, tick)

    assert client.get(f"{API}/video/{video_id}", headers=who.headers).status_code == 404
    assert money(house, who) == Money(1_000, 0)
    assert house.storage.keys("videos/") == []


def test_deleting_a_completed_video_removes_its_files_and_keeps_what_was_paid(
    client: TestClient, house: House, who: Customer, hands: Hands
) -> None:
    video_id = ordered(client, who)
    hands.make(video_id)
    url, after = look(client, who, video_id)["output_url"], money(house, who)

    deleted = client.delete(f"{API}/video/{video_id}", headers=who.headers)

    assert deleted.json() == {"video_id": video_id, "deleted": True}
    assert client.get(url).status_code == 404
    assert client.delete(f"{API}/video/{video_id}", headers=who.headers).status_code == 404
    assert money(house, who) == after


def test_deleting_the_character_ends_its_video_with_that_reason(
    client: TestClient, house: House, who: Customer, hands: Hands
) -> None:
    video_id = ordered(client, who)
    video = hands.work.find(video_id)
    assert video is not None
    delete = once(lambda: house.characters.delete(who.account_id, who.character_id))

    def tick(done: float) -> None:
        delete(done)
        hands.work.require_wanted(video)

    hands.make(video_id, tick)

    assert look(client, who, video_id)["error_code"] == "character_deleted"
    assert money(house, who) == Money(1_000, 0)


def test_a_character_deleted_while_its_video_waits_is_noticed_too(
    client: TestClient, house: House, who: Customer, hands: Hands
) -> None:
    video_id = ordered(client, who)
    house.characters.delete(who.account_id, who.character_id)
    hands.make(video_id)
    assert look(client, who, video_id)["error_code"] == "character_deleted"
    assert money(house, who) == Money(1_000, 0)


def test_deleting_the_account_erases_its_videos_even_while_they_are_made(
    client: TestClient, house: House, who: Customer, hands: Hands
) -> None:
    done, video_id = ordered(client, who), ordered(client, who)
    hands.make(done)
    video = hands.work.find(video_id)
    assert video is not None
    delete = once(lambda: house.accounts.delete(who.account_id))

    def tick(share: float) -> None:
        if share > 0.7:
            delete(share)
        hands.work.require_wanted(video)

    hands.make(video_id, tick)

    assert hands.work.find(done) is hands.work.find(video_id) is None
    assert house.storage.keys("videos/") == []
    with house.db.read() as tx:
        assert house.credits.audit(tx) == []


def test_a_video_that_takes_its_worker_down_again_and_again_is_given_up(
    client: TestClient, house: House, who: Customer, hands: Hands
) -> None:
    video_id = ordered(client, who)
    for _ in range(MAX_ATTEMPTS):
        hands.work.begin(video_id)
    hands.make(video_id)
    assert look(client, who, video_id)["error_code"] == "internal"
    assert money(house, who) == Money(1_000, 0)


def test_a_worker_that_stops_on_purpose_does_not_count(
    client: TestClient, who: Customer, hands: Hands
) -> None:
    video_id = ordered(client, who)
    for _ in range(MAX_ATTEMPTS + 2):
        hands.work.begin(video_id)
        hands.work.put_down(video_id)
    hands.make(video_id)
    assert look(client, who, video_id)["status"] == "completed"


def test_a_long_queue_does_not_let_the_credits_go(
    client: TestClient, house: House, who: Customer, hands: Hands, clock: ManualClock
) -> None:
    video_id = ordered(client, who)
    for _ in range(72):
        clock.advance(3_600)
        house.video_room.chores.renew_leases(())
        house.sweeper.sweep()
    hands.make(video_id)
    done = look(client, who, video_id)
    assert done["status"] == "completed"
    assert money(house, who) == Money(1_000 - done["credits_used"], 0)


def test_a_long_film_keeps_its_credits_while_its_worker_is_there(
    client: TestClient, house: House, who: Customer, hands: Hands, clock: ManualClock
) -> None:
    video_id = ordered(client, who)
    video = hands.work.begin(video_id)
    for _ in range(72):
        clock.advance(3_600)
        house.video_room.chores.renew_leases({video_id})
        house.sweeper.sweep()
    hands.steps(video, lambda _done: None)
    assert look(client, who, video_id)["status"] == "completed"
    assert money(house, who).held == 0


def test_what_a_worker_never_came_back_to_ends_after_a_day_though_others_are_there(
    client: TestClient, house: House, who: Customer, hands: Hands, clock: ManualClock
) -> None:
    video_id = ordered(client, who)
    hands.work.begin(video_id)  # and then its machine burns down
    for _ in range(25):
        clock.advance(3_600)
        house.video_room.chores.renew_leases({"another video"})
        house.sweeper.sweep()
    assert look(client, who, video_id)["error_code"] == "expired"
    assert money(house, who) == Money(1_000, 0)


def test_without_any_worker_for_a_day_it_ends_and_the_credits_come_back(
    client: TestClient, house: House, who: Customer, clock: ManualClock
) -> None:
    video_id = ordered(client, who)
    clock.advance(LEASE.total_seconds() + 1)
    house.sweeper.sweep()
    assert look(client, who, video_id)["error_code"] == "expired"
    assert money(house, who) == Money(1_000, 0)


def test_a_hold_that_was_lost_all_the_same_is_ours_to_bear(
    client: TestClient, house: House, who: Customer, hands: Hands
) -> None:
    video_id = ordered(client, who)
    video = hands.work.begin(video_id)
    with house.db.write() as tx:
        house.credits.release(tx, video.hold_id)
    hands.steps(video, lambda _done: None)
    done = look(client, who, video_id)
    assert (done["status"], done["credits_used"]) == ("completed", 0)
    assert money(house, who) == Money(1_000, 0)


def test_old_videos_go_with_their_files(
    client: TestClient, house: House, who: Customer, hands: Hands, clock: ManualClock
) -> None:
    old = ordered(client, who)
    hands.make(old)
    assert look(client, who, old)["expires_at"] == "2026-01-31T00:00:00Z"
    clock.advance(29 * 86_400)
    young = ordered(client, who)
    hands.make(young)
    clock.advance(2 * 86_400)

    house.sweeper.sweep()

    assert client.get(f"{API}/video/{old}", headers=who.headers).status_code == 404
    assert house.storage.keys(f"videos/{old}/") == []
    assert look(client, who, young)["status"] == "completed"


def test_strays_of_a_killed_process_are_removed_and_nothing_else(
    client: TestClient, house: House, who: Customer, hands: Hands, clock: ManualClock
) -> None:
    video_id, waiting = ordered(client, who), ordered(client, who)
    hands.make(video_id)
    kept = house.storage.keys(f"videos/{video_id}/")
    stray = "videos/3f1d3c3e-0000-4000-8000-000000000000/background.jpg"
    house.storage.put(stray, b"x", "image/jpeg")
    for name in (waiting, video_id):
        (house.settings.workshop / name).mkdir(parents=True)
    clock.advance(400 * 86_400)  # past any file's age on the disk's own clock

    house.video_room.chores.remove_orphans()

    assert house.storage.keys("videos/") == kept
    assert [path.name for path in house.settings.workshop.iterdir()] == [waiting]


def test_what_a_frozen_worker_made_of_a_video_that_is_over_is_removed_and_what_waits_is_not(
    client: TestClient, house: House, who: Customer, hands: Hands, clock: ManualClock
) -> None:
    done, cancelled, waiting = (ordered(client, who) for _ in range(3))
    hands.make(done)
    client.post(f"{API}/video/{cancelled}/cancel", headers=who.headers)
    kept = house.storage.keys(f"videos/{done}/")
    for video_id in (done, cancelled, waiting):  # by who woke up after it had been settled
        house.storage.put(f"videos/{video_id}/speech.wav", b"RIFF", "audio/wav")
    clock.advance(400 * 86_400)

    assert house.video_room.chores.remove_orphans() == 2

    assert house.storage.keys("videos/") == sorted([*kept, f"videos/{waiting}/speech.wav"])


def test_an_ended_row_can_not_hold_more_than_was_paid(house: House, who: Customer) -> None:
    with pytest.raises(sa.exc.IntegrityError), house.db.write() as tx:
        tx.execute(
            videos.insert(),
            {
                "id": "x",
                "account_id": who.account_id,
                "character_id": "c",
                "status": "completed",
                "request": {},
                "is_test": False,
                "hold_id": "",
                "held": 6,
                "charged": 7,
                "turn": 0,
                "progress": 1.0,
                "attempts": 1,
                "lease_until": house.clock.now(),
                "created_at": house.clock.now(),
            },
        )
