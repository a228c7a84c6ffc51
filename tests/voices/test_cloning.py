"""A voice is cloned for its price, or nothing is charged and nothing stays."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from charafy.engines.voice.cloning import CloningFailed, Unclonable
from charafy.engines.voice.cloning.scripted import ScriptedCloner
from charafy.house import House
from charafy.kernel.db import Database
from charafy.kernel.errors import TooManyRequests
from charafy.kernel.ids import is_id
from charafy.kernel.settings import Plan, Settings
from charafy.kernel.storage import Storage
from tests.support import recordings
from tests.support.clock import ManualClock
from tests.support.neighbours import Customer, Street, street
from tests.voices.conftest import PRICE, START, STATEMENT, Credits, clone, cloned


def test_a_clone_answers_in_the_contract_s_words_and_order(alice: Customer) -> None:
    answer = clone(alice)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert is_id(made["voice_id"])
    assert list(made.items())[:5] == [
        ("voice_id", made["voice_id"]),
        ("name", "My Voice"),
        ("sample_url", f"http://127.0.0.1:8000/api/v1/voices/{made['voice_id']}/sample.mp3"),
        ("credits_used", PRICE),
        ("credits_remaining", START - PRICE),
    ]


def test_it_says_honestly_how_it_was_made_and_from_what(alice: Customer) -> None:
    made = clone(alice).json()
    assert (made["method"], made["similarity"], made["refinement"]) == ("matching", None, "none")
    quality = made["quality"]
    assert (quality["usable"], quality["speakers"]) == (True, 1)
    assert quality["duration_s"] == pytest.approx(12.5, abs=0.05)
    assert 10 < quality["speech_s"] < 12.5


def test_the_ledger_shows_what_was_paid_for_and_names_nobody(alice: Customer) -> None:
    cloned(alice, name="Grandmother")
    (entry, _grant) = alice.get("/credits").json()["transactions"]
    assert (entry["amount"], entry["type"], entry["description"]) == (
        -PRICE,
        "voice_clone",
        "Voice clone",
    )


def test_a_voice_is_japanese_unless_told_otherwise(alice: Customer) -> None:
    made = alice.send("/voice/clone", recordings.speech(), name="声").json()
    assert (made["language"], made["name"]) == ("ja", "声")


def test_only_what_a_clone_needs_is_kept(alice: Customer, house_street: Street) -> None:
    voice_id = cloned(alice)
    [name] = house_street.files()
    assert name.startswith(f"voices/{voice_id}/clone-")
    assert name.endswith(".json")


def test_with_too_few_credits_no_work_is_begun(
    alice: Customer, house: House, house_street: Street, credits: Credits
) -> None:
    with house.db.write() as tx:
        house.credits.charge(
            tx, alice.account_id, START - PRICE + 1, kind="tts", reference="r", description="d"
        )
    answer = clone(alice, b"not even a recording")
    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_credits")
    assert credits() == (PRICE - 1, 0)
    assert house_street.files() == []


def test_with_exactly_the_price_it_is_made(alice: Customer, house: House, credits: Credits) -> None:
    with house.db.write() as tx:
        house.credits.charge(
            tx, alice.account_id, START - PRICE, kind="tts", reference="r", description="d"
        )
    assert clone(alice).status_code == 200
    assert credits() == (0, 0)


def test_two_clones_race_for_one_clone_s_credits_and_one_of_them_wins(
    alice: Customer, house: House, house_street: Street, credits: Credits
) -> None:
    with house.db.write() as tx:
        house.credits.charge(
            tx, alice.account_id, START - PRICE, kind="tts", reference="r", description="d"
        )
    together = threading.Barrier(2)

    def one(audio: bytes) -> int:
        together.wait(10)
        return int(clone(alice, audio).status_code)

    with ThreadPoolExecutor(2) as threads:
        both = (recordings.speech(), recordings.other_speech())
        assert sorted(threads.map(one, both)) == [200, 402]
    assert credits() == (0, 0)
    assert len(house_street.files()) == 1


class Meddling:
    """A cloner during whose work something happens."""

    def __init__(self) -> None:
        self.act: Callable[[], object] = list
        self.cloner = ScriptedCloner(step=self._step)

    def _step(self) -> None:
        self.act()


@pytest.fixture
def meddling() -> Meddling:
    return Meddling()


@pytest.fixture
def meddled(
    settings: Settings, clock: ManualClock, db: Database, meddling: Meddling
) -> Iterator[Street]:
    with street(settings, clock, db, meddling.cloner) as made:
        yield made


def test_what_is_held_for_a_clone_can_t_be_spent_meanwhile(
    meddled: Street, meddling: Meddling
) -> None:
    house, alice = meddled.house, meddled.alice
    spent: list[int] = []

    def spend_all() -> None:
        if spent:
            return
        with house.db.write() as tx:
            left = house.credits.balance(tx, alice.account_id).available
            house.credits.charge(
                tx, alice.account_id, left, kind="tts", reference="r", description="d"
            )
        spent.append(left)

    meddling.act = spend_all
    made = clone(alice).json()
    assert spent == [START - PRICE]
    assert (made["credits_used"], made["credits_remaining"]) == (PRICE, 0)


def test_a_clone_whose_held_credits_went_back_meanwhile_is_not_kept(
    meddled: Street, meddling: Meddling
) -> None:
    house, alice = meddled.house, meddled.alice

    def release() -> None:
        with house.db.write() as tx:
            for hold_id in tx.exec_driver_sql("SELECT id FROM credit_holds").scalars().all():
                house.credits.release(tx, hold_id)

    meddling.act = release
    answer = clone(alice)
    assert (answer.status_code, answer.json()["code"]) == (409, "hold_ended")
    with house.db.read() as tx:
        assert house.credits.balance(tx, alice.account_id).total == START
    assert meddled.files() == []
    assert len(meddling.cloner.forgotten) == 1


def test_a_cloner_that_takes_too_long_is_stopped(
    meddled: Street, meddling: Meddling, clock: ManualClock
) -> None:
    meddling.act = lambda: clock.advance(100)
    answer = clone(meddled.alice)
    assert (answer.status_code, answer.json()["code"]) == (502, "upstream_failed")
    assert meddled.files() == []


@pytest.mark.parametrize("live", [True, False])
def test_an_account_that_is_deleted_while_its_voice_is_cloned_leaves_nothing(
    meddled: Street, meddling: Meddling, live: bool
) -> None:
    gone: list[bool] = []

    def delete() -> None:
        if not gone:
            gone.append(True)
            meddled.house.accounts.delete(meddled.alice.account_id)

    meddling.act = delete
    answer = clone(meddled.alice if live else meddled.tester)
    # Of a live key the credits are looked for first.
    assert answer.json()["code"] == ("hold_ended" if live else "unauthorized")
    assert gone
    assert meddled.files() == []
    assert len(meddling.cloner.forgotten) == 1


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Unclonable("nobody speaks in it."), 400, "unclonable"),
        (CloningFailed("http://10.0.0.1 said: key sk-secret is wrong"), 502, "upstream_failed"),
        (RuntimeError("a bug with a secret in it"), 500, "internal_error"),
    ],
)
def test_a_cloner_that_fails_costs_nothing_leaves_nothing_and_tells_no_secret(
    settings: Settings, clock: ManualClock, db: Database, error: Exception, status: int, code: str
) -> None:
    with street(settings, clock, db, ScriptedCloner(fails=lambda: error)) as made:
        answer = clone(made.alice)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert "secret" not in answer.text
        assert made.files() == []
        assert made.alice.get("/credits").json()["credits_remaining"] == START
        assert made.alice.get("/credits").json()["credits_held"] == 0


@pytest.mark.parametrize("refines", [False, True])
def test_a_full_disk_costs_nothing_and_leaves_nothing_here_or_elsewhere(
    settings: Settings,
    clock: ManualClock,
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
    refines: bool,
) -> None:
    put = Storage.put

    def full(storage: Storage, key: str, data: bytes, content_type: str) -> None:
        if key.endswith(".flac" if refines else ".json"):
            raise OSError(28, "No space left on device")
        put(storage, key, data, content_type)

    monkeypatch.setattr(Storage, "put", full)
    cloner = ScriptedCloner(refines=refines)
    with street(settings, clock, db, cloner) as made:
        assert clone(made.alice).status_code == 500
        assert made.files() == []
        assert made.alice.get("/credits").json()["credits_remaining"] == START
        assert len(made.alice.get("/voices").json()["voices"]) == 33
    assert len(cloner.forgotten) == 1


def test_a_row_that_can_t_be_written_takes_the_files_away_again(
    alice: Customer,
    house_street: Street,
    cloner: ScriptedCloner,
    credits: Credits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_arguments: Any) -> None:
        raise RuntimeError("the database is gone")

    monkeypatch.setattr("charafy.voices.queries.insert", broken)
    assert clone(alice).status_code == 500
    assert house_street.files() == []
    assert len(cloner.forgotten) == 1
    assert credits() == (START, 0)


def test_test_keys_clone_for_nothing_a_few_times_a_day(
    house_street: Street, credits: Credits, clock: ManualClock
) -> None:
    per_day = house_street.house.settings.plan("standard").test_clones_per_day
    made = clone(house_street.tester).json()
    assert (made["credits_used"], made["credits_remaining"]) == (0, START)
    for _ in range(per_day - 1):
        assert clone(house_street.tester, b"nothing").status_code == 400  # cost nobody anything
        assert clone(house_street.tester).status_code == 200
    refused = clone(house_street.tester)
    assert (refused.status_code, refused.json()["code"]) == (429, "test_limit_reached")
    assert clone(house_street.alice).status_code == 200
    clock.advance(24 * 3600)
    assert clone(house_street.tester).status_code == 200
    assert credits() == (START - PRICE, 0)


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (Unclonable("nobody speaks in it."), True),
        (CloningFailed("no"), True),
        (TooManyRequests("Later.", retry_after_s=1, code="at_capacity"), False),
    ],
)
def test_of_what_fails_only_what_took_work_is_counted_of_test_keys(
    settings: Settings, clock: ManualClock, db: Database, error: Exception, counts: bool
) -> None:
    once = settings.model_copy(update={"plans": {"standard": Plan(test_clones_per_day=1)}})
    errors = [error]
    cloner = ScriptedCloner(fails=lambda: errors.pop() if errors else None)
    with street(once, clock, db, cloner) as made:
        assert not clone(made.tester).is_success
        assert clone(made.tester).status_code == (429 if counts else 200)


def test_a_plan_allows_so_many_voices(settings: Settings, clock: ManualClock, db: Database) -> None:
    few = settings.model_copy(update={"plans": {"standard": Plan(max_voices=1)}})
    with street(few, clock, db, ScriptedCloner()) as made:
        voice_id = cloned(made.alice)
        refused = clone(made.alice)
        assert (refused.status_code, refused.json()["code"]) == (403, "voice_limit_reached")
        assert made.alice.get("/credits").json()["credits_remaining"] == START - PRICE
        made.alice.delete(f"/voices/{voice_id}")
        assert clone(made.alice).status_code == 200


def test_a_request_sent_again_is_answered_again_and_paid_once(
    alice: Customer, house_street: Street, credits: Credits
) -> None:
    headers = {"Idempotency-Key": "once"}
    first = clone(alice, headers=headers)
    again = clone(alice, headers=headers)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert credits() == (START - PRICE, 0)
    assert len(house_street.files()) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"audio": recordings.other_speech()},
        {"name": "Another"},
        {"language": "ja"},
        {"consent": "Yes"},
    ],
)
def test_the_same_key_with_anything_else_is_a_conflict(
    alice: Customer, credits: Credits, changed: dict[str, Any]
) -> None:
    headers = {"Idempotency-Key": "once"}
    assert clone(alice, headers=headers).status_code == 200
    other = clone(alice, headers=headers, **changed)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert credits() == (START - PRICE, 0)


def test_a_request_that_failed_can_be_sent_again_with_its_key(
    alice: Customer, credits: Credits
) -> None:
    headers = {"Idempotency-Key": "once"}
    assert clone(alice, b"nothing", headers=headers).status_code == 400
    assert clone(alice, headers=headers).status_code == 200
    assert credits() == (START - PRICE, 0)


def test_consent_is_kept_with_its_time_its_recording_and_who_gave_it(
    alice: Customer, house: House
) -> None:
    voice_id = cloned(alice, consent=f"  {STATEMENT}\n")
    consent = alice.get(f"/voices/{voice_id}").json()["consent"]
    assert consent == {
        "statement": STATEMENT,
        "given_by": "key",
        "given_at": "2026-01-01T00:00:00Z",
        "audio_sha256": hashlib.sha256(recordings.speech()).hexdigest(),
    }
    [kept] = house.voice_room.clones.consents(alice.account_id)
    [first] = [key for key in house.keys.list(alice.account_id) if key.name == "first"]
    assert kept.key_id == first.key_id


def test_a_server_may_want_consent_and_then_clones_nobody_without(
    settings: Settings, clock: ManualClock, db: Database
) -> None:
    strict = settings.model_copy(update={"clone_consent": "required"})
    with street(strict, clock, db, ScriptedCloner()) as made:
        for consent in (None, "", "  "):
            fields: dict[str, Any] = {} if consent is None else {"consent": consent}
            refused = clone(made.alice, **fields)
            assert refused.status_code == 400
            assert (refused.json()["code"], refused.json()["param"]) == (
                "consent_required",
                "consent",
            )
        assert made.alice.get("/credits").json()["credits_remaining"] == START
        assert clone(made.alice, consent=STATEMENT).status_code == 200


def test_a_preview_tells_the_same_for_nothing_and_keeps_nothing(
    alice: Customer, house_street: Street, credits: Credits
) -> None:
    seen = alice.send("/voice/preview", recordings.speech())
    assert seen.status_code == 200, seen.text
    assert seen.json() == clone(alice).json()["quality"]
    before = house_street.files()
    alice.send("/voice/preview", recordings.other_speech())
    assert house_street.files() == before
    assert credits() == (START - PRICE, 0)


def test_previews_are_counted(alice: Customer) -> None:
    answers = [alice.send("/voice/preview", b"nothing").status_code for _ in range(21)]
    assert answers == [400] * 20 + [429]


def test_the_account_s_webhooks_hear_of_a_new_voice(alice: Customer, house: House) -> None:
    alice.post("/webhooks", {"url": "https://example.com/hook", "events": ["voice.cloned"]})
    voice_id = cloned(alice, consent=STATEMENT)
    with house.db.read() as tx:
        [body] = tx.exec_driver_sql("SELECT body FROM webhook_events").scalars()
    event = json.loads(body)
    assert event["type"] == "voice.cloned"
    assert event["data"] == alice.get(f"/voices/{voice_id}").json()
