"""A clone is a voice of its account: everything can use it, nobody else can, and it can go."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from charafy.engines.voice.cloning import CloningFailed
from charafy.engines.voice.cloning.scripted import ScriptedCloner
from charafy.engines.voice.router import CloneShelf
from charafy.house import House
from charafy.kernel.db import Database
from charafy.kernel.ids import new_id
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage
from charafy.videos.models import Failure
from charafy.voices import queries
from charafy.voices.chores import CONSENT_DAYS, FORGET_FOR
from charafy.voices.models import Clone
from charafy.worker import studio_of
from tests.support import recordings
from tests.support.clock import ManualClock
from tests.support.neighbours import PHOTO, Customer, Street, street
from tests.voices.conftest import STATEMENT, cloned

TINY = {"width": 128, "height": 128, "fps": 12}


@pytest.fixture
def voice_id(alice: Customer) -> str:
    return cloned(alice, consent=STATEMENT)


def listed(customer: Customer) -> list[str]:
    voices = customer.get("/voices").json()["voices"]
    return [voice["voice_id"] for voice in voices if not voice["is_preset"]]


def test_it_is_listed_behind_the_presets_for_its_account_alone(
    alice: Customer, bob: Customer, clock: ManualClock, voice_id: str
) -> None:
    clock.advance(1)
    newer = cloned(alice, recordings.other_speech(), name="Newer", language="ja")
    assert listed(alice) == [newer, voice_id]
    assert listed(bob) == []
    last = alice.get("/voices").json()["voices"][-1]
    assert last == {
        "voice_id": voice_id,
        "name": "My Voice",
        "language": "en",
        "is_preset": False,
        "sample_url": f"http://127.0.0.1:8000/api/v1/voices/{voice_id}/sample.mp3",
        "gender": None,
        "accent": None,
        "description": None,
        "similarity": None,
        "method": "matching",
        "refinement": "none",
        "created_at": "2026-01-01T00:00:00Z",
    }


def test_one_voice_is_shown_with_what_is_known_of_its_making(
    alice: Customer, bob: Customer, voice_id: str
) -> None:
    for spelled in (voice_id, voice_id.upper()):
        one = alice.get(f"/voices/{spelled}").json()
        assert (one["voice_id"], one["quality"]["usable"]) == (voice_id, True)
        assert one["consent"]["statement"] == STATEMENT
    assert bob.get(f"/voices/{voice_id}").status_code == 404

    preset = alice.get(f"/voices/{alice.voice()}").json()
    assert preset["is_preset"] is True
    assert [preset[name] for name in ("quality", "consent", "updated_at")] == [None] * 3


def test_name_and_language_change_and_what_is_not_sent_stays(
    alice: Customer, bob: Customer, clock: ManualClock, voice_id: str
) -> None:
    clock.advance(60)
    path = f"/voices/{voice_id}"
    assert alice.patch(path, {"name": "  Grandmother "}).json()["name"] == "Grandmother"
    changed = alice.patch(path, {"language": "ja"}).json()
    assert (changed["name"], changed["language"]) == ("Grandmother", "ja")
    assert alice.get(path).json()["updated_at"] == "2026-01-01T00:01:00Z"
    assert alice.patch(path, {}).json() == changed

    for wrong in ({"name": ""}, {"name": "x" * 101}, {"language": "fr"}, {"name": None}):
        assert alice.patch(path, wrong).status_code == 400
    assert bob.patch(path, {"name": "Mine now"}).status_code == 404
    assert alice.get(path).json()["name"] == "Grandmother"


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_presets_stay_as_they_are(alice: Customer, method: str) -> None:
    path = f"/voices/{alice.voice()}"
    answer = alice.patch(path, {"name": "Mine"}) if method == "patch" else alice.delete(path)
    assert (answer.status_code, answer.json()["code"]) == (403, "preset_voice")


def test_everything_that_speaks_can_speak_with_it(
    alice: Customer, house: House, voice_id: str
) -> None:
    character_id = alice.character(voice_id=voice_id.upper(), language="ja")
    assert alice.get(f"/characters/{character_id}").json()["voice_id"] == voice_id
    speech = {"character_id": character_id, "text": "こんにちは。"}
    assert alice.post("/tts", speech).status_code == 200
    assert alice.post("/tts/timestamps", speech).json()["words"]
    for name in (voice_id, voice_id.upper(), "My Voice", "my voice", character_id):
        spoken = {"model": "kokoro", "voice": name, "input": "Hello!"}
        assert alice.post("/audio/speech", spoken).status_code == 200, name
    other = alice.character()
    assert alice.post("/tts", {**speech, "character_id": other, "voice_id": voice_id}).is_success
    video = alice.post("/video", {**speech, **TINY})
    assert video.status_code == 200, video.text


def test_it_sounds_of_itself_and_not_of_a_preset(alice: Customer, voice_id: str) -> None:
    def spoken(voice: str) -> bytes:
        body = {"model": "kokoro", "voice": voice, "input": "Hello!"}
        return bytes(alice.post("/audio/speech", body).content)

    other = cloned(alice, recordings.other_speech(), name="Other")
    assert len({spoken(voice) for voice in (voice_id, other, "af_heart")}) == 3


def test_nobody_else_can_speak_with_it(alice: Customer, bob: Customer, voice_id: str) -> None:
    assert (answer := bob.post("/characters", _character(voice_id))).status_code == 400
    assert answer.json()["code"] == "unknown_voice"
    mine = bob.character()
    assert bob.patch(f"/characters/{mine}", {"voice_id": voice_id}).status_code == 400
    speech = {"character_id": mine, "text": "Hello!", "voice_id": voice_id}
    for path in ("/tts", "/tts/timestamps", "/video"):
        answer = bob.post(path, {**speech, **(TINY if path == "/video" else {})})
        assert (answer.status_code, answer.json()["param"]) == (400, "voice_id"), path
    for name in (voice_id, "My Voice"):
        answer = bob.post("/audio/speech", {"model": "kokoro", "voice": name, "input": "Hi"})
        assert answer.status_code == 400


def _character(voice_id: str) -> dict[str, object]:
    return {"name": "Sakura", "image": PHOTO, "voice_id": voice_id}


def test_the_name_of_a_preset_means_the_preset(alice: Customer) -> None:
    def spoken() -> bytes:
        body = {"model": "kokoro", "voice": "Heart", "input": "Hello!"}
        return bytes(alice.post("/audio/speech", body).content)

    before = spoken()
    cloned(alice, name="Heart")
    assert spoken() == before


def test_its_sample_plays_without_a_key_and_is_never_kept_by_others(
    alice: Customer, house_street: Street, voice_id: str
) -> None:
    url = alice.get(f"/voices/{voice_id}").json()["sample_url"]
    sample = house_street.http.get(url)
    assert (sample.status_code, sample.headers["content-type"]) == (200, "audio/mpeg")
    assert sample.headers["cache-control"] == "private, no-cache"
    again = house_street.http.get(url, headers={"If-None-Match": sample.headers["etag"]})
    assert again.status_code == 304
    assert house_street.http.get(f"/api/v1/voices/{new_id()}/sample.mp3").status_code == 404


def test_in_another_language_it_introduces_itself_anew(
    alice: Customer, house_street: Street, voice_id: str
) -> None:
    url = f"/api/v1/voices/{voice_id}/sample.mp3"
    english = house_street.http.get(url).content
    alice.patch(f"/voices/{voice_id}", {"language": "ja"})
    assert house_street.http.get(url).content != english
    assert len([name for name in house_street.files() if "/sample-" in name]) == 1


def test_a_deleted_voice_leaves_nothing_but_its_consent_for_a_while(
    alice: Customer, house_street: Street, cloner: ScriptedCloner, clock: ManualClock, voice_id: str
) -> None:
    url = alice.get(f"/voices/{voice_id}").json()["sample_url"]
    assert house_street.http.get(url).status_code == 200
    answer = alice.delete(f"/voices/{voice_id.upper()}")
    assert answer.json() == {"voice_id": voice_id, "deleted": True}

    assert house_street.files() == []
    assert len(cloner.forgotten) == 1
    assert listed(alice) == []
    for method in ("get", "delete"):
        assert getattr(alice, method)(f"/voices/{voice_id}").status_code == 404
    assert house_street.http.get(url).status_code == 404

    clones, chores = house_street.house.voice_room.clones, house_street.house.voice_room.chores
    clock.advance(CONSENT_DAYS * 86_400)
    chores.forget_consents()
    [consent] = clones.consents(alice.account_id)
    assert (consent.statement, consent.voice_id) == (STATEMENT, voice_id)
    clock.advance(1)
    house_street.house.sweeper.sweep()
    assert clones.consents(alice.account_id) == []


@pytest.mark.parametrize("what", ["voice", "account"])
def test_what_was_spoken_with_stays_in_no_memory_of_this_process(
    alice: Customer, house: House, voice_id: str, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    shelves: list[CloneShelf] = []
    read = CloneShelf.read

    def seen(shelf: CloneShelf, name: str) -> Any:
        shelves.append(shelf)
        return read(shelf, name)

    monkeypatch.setattr(CloneShelf, "read", seen)
    engine_voice = house.voices.get(alice.account_id, voice_id).engine_voice
    speech = {"character_id": alice.character(), "text": "Hello!", "voice_id": voice_id}
    assert alice.post("/tts", speech).status_code == 200
    if what == "voice":
        assert alice.delete(f"/voices/{voice_id}").status_code == 200
    else:
        house.accounts.delete(alice.account_id)
    with pytest.raises(KeyError):
        read(shelves[-1], engine_voice)


def test_a_voice_that_characters_speak_with_stays(alice: Customer, voice_id: str) -> None:
    ids = [alice.character(voice_id=voice_id) for _ in range(2)]
    refused = alice.delete(f"/voices/{voice_id}")
    assert (refused.status_code, refused.json()["code"]) == (409, "voice_in_use")
    assert refused.json()["characters"] == 2
    assert refused.json()["error"] == (
        "2 characters still speak with this voice: choose another one there first."
    )
    alice.patch(f"/characters/{ids[0]}", {"voice_id": alice.voice()})
    alice.delete(f"/characters/{ids[1]}")
    assert alice.delete(f"/voices/{voice_id}").status_code == 200


def test_no_character_is_left_with_a_voice_that_was_deleted_at_that_moment(
    alice: Customer, house: House
) -> None:
    """A race of ten rounds: whoever is first, the other is refused."""
    for _round in range(10):
        voice_id = _straight_into_the_table(house, alice)

        def give(voice_id: str = voice_id) -> bool:
            return bool(alice.post("/characters", _character(voice_id)).is_success)

        def take(voice_id: str = voice_id) -> bool:
            return bool(alice.delete(f"/voices/{voice_id}").is_success)

        with ThreadPoolExecutor(2) as threads:
            given, taken = threads.submit(give), threads.submit(take)
            assert given.result(20) != taken.result(20)


def _straight_into_the_table(house: House, owner: Customer) -> str:
    """A voice without the work."""
    voice_id, now = new_id(), house.clock.now()
    made = Clone(owner.account_id, "matching", None, "none", {}, now, now)
    with house.db.write() as tx:
        queries.insert(
            tx, queries.Row(voice_id, "V", "en", f"voices/{voice_id}/clone-x.json", made)
        )
    return voice_id


def test_a_sample_that_is_spoken_while_its_voice_is_deleted_does_not_stay(
    alice: Customer, house_street: Street, voice_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Storage.put

    def interrupted(storage: Storage, key: str, data: bytes, content_type: str) -> None:
        if "/sample-" in key:
            assert alice.delete(f"/voices/{voice_id}").status_code == 200
        put(storage, key, data, content_type)

    monkeypatch.setattr(Storage, "put", interrupted)
    assert house_street.http.get(f"/api/v1/voices/{voice_id}/sample.mp3").status_code == 404
    assert house_street.files() == []


def test_an_account_takes_its_voices_and_consents_along(
    alice: Customer, house_street: Street, cloner: ScriptedCloner, voice_id: str
) -> None:
    alice.character(voice_id=voice_id)
    gone = cloned(alice, recordings.other_speech(), consent=STATEMENT)
    alice.delete(f"/voices/{gone}")
    house_street.house.accounts.delete(alice.account_id)
    assert house_street.files() == []
    assert len(cloner.forgotten) == 2
    with house_street.house.db.read() as tx:
        for table in ("voices", "voice_consents"):
            assert tx.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 0


def test_a_video_that_waits_is_spoken_with_the_voice_as_it_is_then(
    alice: Customer, house: House, voice_id: str
) -> None:
    character_id = alice.character()
    body = {"character_id": character_id, "text": "Hello!", "voice_id": voice_id, **TINY}
    video_id = alice.post("/video", body).json()["video_id"]
    video = house.video_room.work.find(video_id)
    assert video is not None
    studio = studio_of(house)
    before = studio.speak(video.order, lambda _done: None).pcm

    better = f"voices/{voice_id}/clone-better.json"
    data = house.storage.get(house.voices.get(alice.account_id, voice_id).engine_voice)[0]
    house.storage.put(better, data, "application/json")
    with house.db.write() as tx:
        tx.execute(sa.text("UPDATE voices SET engine_voice = :better"), {"better": better})
    after = studio.speak(video.order, lambda _done: None).pcm
    assert before.tobytes() != after.tobytes()

    alice.delete(f"/voices/{voice_id}")
    with pytest.raises(Failure) as failed:
        studio.speak(video.order, lambda _done: None)
    assert failed.value.code == "voice_deleted"


class Elsewhere:
    """A service that keeps copies of voices and is sometimes not there."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.cloner = ScriptedCloner(forgetting_fails=lambda: self.error)


@pytest.fixture
def elsewhere() -> Elsewhere:
    return Elsewhere()


def test_a_service_is_asked_again_until_it_has_forgotten(
    settings: Settings, clock: ManualClock, db: Database, elsewhere: Elsewhere
) -> None:
    with street(settings, clock, db, elsewhere.cloner) as made:
        voice_id = cloned(made.alice)
        elsewhere.error = CloningFailed("not there")
        assert made.alice.delete(f"/voices/{voice_id}").status_code == 200
        assert made.alice.get(f"/voices/{voice_id}").status_code == 404
        assert len(made.files()) == 1  # it says what is to be forgotten

        made.house.sweeper.sweep()
        assert len(made.files()) == 1
        elsewhere.error = None
        made.house.sweeper.sweep()
        assert made.files() == []
        assert len(elsewhere.cloner.forgotten) == 1
        made.house.sweeper.sweep()
        assert len(elsewhere.cloner.forgotten) == 1


def test_a_service_that_is_gone_for_good_keeps_nothing_here(
    settings: Settings, clock: ManualClock, db: Database, elsewhere: Elsewhere
) -> None:
    with street(settings, clock, db, elsewhere.cloner) as made:
        voice_id = cloned(made.alice)
        elsewhere.error = CloningFailed("not there")
        made.alice.delete(f"/voices/{voice_id}")
        clock.advance(FORGET_FOR.total_seconds() - 1)
        made.house.sweeper.sweep()
        assert len(made.files()) == 1
        clock.advance(1)
        made.house.sweeper.sweep()
        assert made.files() == []
