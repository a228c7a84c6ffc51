"""Files that no row names go, and nothing else."""

from __future__ import annotations

import os
import time

import pytest

from charafy.engines.voice.cloning import CloningFailed
from charafy.engines.voice.cloning.clonefile import pack
from charafy.engines.voice.cloning.scripted import ScriptedCloner
from charafy.house import House
from charafy.kernel.db import Database
from charafy.kernel.ids import new_id
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage
from charafy.voices.chores import FORGET_FOR, ORPHANS_S, SWEEP_S
from charafy.voices.service import preset_id
from tests.support import recordings
from tests.support.clock import ManualClock
from tests.support.neighbours import Customer, Street, street
from tests.voices.conftest import cloned


def age(house: House, hours: float) -> None:
    """Let every file be as old as that."""
    then = house.clock.now().timestamp() - hours * 3600
    for path in house.settings.media.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def test_what_a_killed_process_left_goes_here_and_elsewhere(
    alice: Customer, house_street: Street, cloner: ScriptedCloner
) -> None:
    house = house_street.house
    voice_id, lost = cloned(alice), new_id()
    heart = preset_id("af_heart")
    for voice in (voice_id, heart):
        assert house_street.http.get(f"/api/v1/voices/{voice}/sample.mp3").status_code == 200
    kept = house_street.files()
    left = pack("scripted", {"left": "behind"})
    house.storage.put(f"voices/{lost}/clone-0123.json", left, "application/json")
    house.storage.put(f"voices/{lost}/reference-0123.flac", b"fLaC", "audio/flac")
    house.storage.put(f"voices/{voice_id}/clone-0123.json", left, "application/json")

    age(house, 0.9)
    assert house.voice_room.chores.remove_orphans() == 0
    age(house, 1.1)
    assert house.voice_room.chores.remove_orphans() == 3
    assert house_street.files() == kept
    assert cloner.forgotten == (left, left)


def test_what_a_service_could_not_be_asked_to_forget_is_kept_for_another_start(
    settings: Settings, clock: ManualClock, db: Database
) -> None:
    away: list[Exception] = [CloningFailed("not there")]
    elsewhere = ScriptedCloner(forgetting_fails=lambda: next(iter(away), None))
    with street(settings, clock, db, elsewhere) as made:
        house = made.house
        for _ in range(2):
            key = f"voices/{new_id()}/clone-0123.json"
            house.storage.put(key, pack("scripted", {"left": "behind"}), "application/json")
        age(house, 2)
        assert house.voice_room.chores.remove_orphans() == 0
        away.clear()
        assert house.voice_room.chores.remove_orphans() == 2

        away.append(CloningFailed("gone for good"))
        house.storage.put(key, pack("scripted", {"left": "behind"}), "application/json")
        age(house, FORGET_FOR.total_seconds() / 3600 + 1)
        assert house.voice_room.chores.remove_orphans() == 1
        assert made.files() == []


def test_a_service_that_does_not_answer_holds_up_no_sweep_and_every_voice_has_its_turn(
    settings: Settings, clock: ManualClock, db: Database
) -> None:
    asked: list[bytes] = []

    class Silent(ScriptedCloner):
        def forget(self, data: bytes) -> None:
            asked.append(data)
            clock.advance(SWEEP_S)
            raise CloningFailed("not in time")

    with street(settings, clock, db, Silent()) as made:
        voices = [cloned(made.alice, audio) for audio in (None, recordings.other_speech())]
        for voice_id in voices:
            made.alice.delete(f"/voices/{voice_id}")
        first, second = asked
        asked.clear()
        for _ in range(3):
            made.house.voice_room.chores.clear_leftovers()
        assert asked == [first, second, first]


def test_a_deleted_account_waits_for_no_service_which_is_asked_until_it_has_forgotten(
    settings: Settings, clock: ManualClock, db: Database
) -> None:
    asked: list[bytes] = []
    away = [True]

    class Silent(ScriptedCloner):
        def forget(self, data: bytes) -> None:
            asked.append(data)
            if away[0]:
                clock.advance(SWEEP_S)
                raise CloningFailed("not in time")

    with street(settings, clock, db, Silent()) as made:
        for audio in (None, recordings.other_speech(), None):
            cloned(made.alice, audio)
        assert made.http.get(made.alice.get("/voices").json()["voices"][-1]["sample_url"])
        age(made.house, FORGET_FOR.total_seconds() / 3600 + 1)
        made.house.accounts.delete(made.alice.account_id)
        assert len(asked) == 1  # and not one after the other, each for as long as that
        assert len(made.files()) == 3
        assert all("/clone-" in name for name in made.files())
        with db.read() as tx:
            assert tx.exec_driver_sql("SELECT count(*) FROM voices").scalar_one() == 0

        clones = {name.split("/")[1] for name in made.files()}
        age(made.house, 2)
        for _ in range(3):  # each has its turn
            clock.advance(ORPHANS_S)
            made.house.sweeper.sweep()
            made.house.sweeper.sweep()
        assert len(asked) == 4
        assert len(clones) == len(made.files()) == 3
        away.clear()
        away.append(False)
        clock.advance(ORPHANS_S)
        made.house.sweeper.sweep()
        assert made.files() == []


def test_a_deleted_account_s_clones_go_after_a_week_without_an_answer(
    settings: Settings, clock: ManualClock, db: Database
) -> None:
    gone = ScriptedCloner(forgetting_fails=lambda: CloningFailed("for good"))
    with street(settings, clock, db, gone) as made:
        cloned(made.alice)
        age(made.house, FORGET_FOR.total_seconds() / 3600 + 1)
        made.house.accounts.delete(made.alice.account_id)
        [clone] = made.files()
        week = time.time() - FORGET_FOR.total_seconds()
        # However old the voice was: the week begins with the deletion.
        assert (made.house.settings.media / clone).stat().st_mtime > week
        age(made.house, FORGET_FOR.total_seconds() / 3600 - 1)
        assert made.house.voice_room.chores.remove_orphans() == 0
        age(made.house, FORGET_FOR.total_seconds() / 3600 + 1)
        assert made.house.voice_room.chores.remove_orphans() == 1
        assert made.files() == []


def test_a_voice_whose_files_can_t_be_removed_keeps_no_other_from_it(
    house_street: Street, alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = house_street.house
    stuck, other = cloned(alice), cloned(alice)
    remove = Storage.delete_prefix

    def refused(self: Storage, prefix: str) -> None:
        if stuck in prefix or not swept:
            raise PermissionError("read-only")
        remove(self, prefix)

    swept: list[bool] = []
    monkeypatch.setattr(Storage, "delete_prefix", refused)
    for voice_id in (stuck, other):
        assert alice.delete(f"/voices/{voice_id}").status_code == 200
    swept.append(True)
    assert house.voice_room.chores.clear_leftovers() == 1
    assert all(stuck in name for name in house_street.files())
