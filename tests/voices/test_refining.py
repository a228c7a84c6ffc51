"""A better clone is looked for, once, by one worker, and swapped in whole or not at all."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from charafy.engines.voice.cloning import Clone, CloningFailed, Progress, Reference
from charafy.engines.voice.cloning.clonefile import pack, unpack
from charafy.engines.voice.cloning.scripted import ScriptedCloner
from charafy.house import House
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from charafy.voices.attending import Attendant
from charafy.voices.chores import REFINE_WITHIN, RETIRED_AGE
from charafy.voices.refining import LEASE, MAX_ATTEMPTS, RETRY, PutDown, Refinery
from tests.support import recordings
from tests.support.clock import ManualClock
from tests.support.neighbours import Street, street
from tests.voices.conftest import cloned

WORKER = "worker"


class Scripted(ScriptedCloner):
    """What happens while it works is set by a test."""

    def __init__(self) -> None:
        self.act: Callable[[], object] = list
        self.error: Exception | None = None
        self.better = True
        self.seen: list[Reference] = []
        super().__init__(refines=True, step=self._step, refinement_fails=lambda: self.error)

    def _step(self) -> None:
        self.act()

    def refine(self, reference: Reference, clone: Clone, progress: Progress) -> Clone | None:
        self.seen.append(reference)
        found = super().refine(reference, clone, progress)
        if found is None or not self.better:
            return None
        return Clone(found.data, "matching", 0.81, refined=True)


@pytest.fixture
def cloner() -> Scripted:
    return Scripted()


@pytest.fixture
def made(
    settings: Settings, clock: ManualClock, db: Database, cloner: Scripted
) -> Iterator[Street]:
    with street(settings, clock, db, cloner) as built:
        yield built


@pytest.fixture
def house(made: Street) -> House:
    return made.house


@pytest.fixture
def refinery(house: House) -> Refinery:
    return house.voice_room.refinery


@pytest.fixture
def voice_id(made: Street) -> str:
    return cloned(made.alice)


def refine(refinery: Refinery) -> Any:
    job = refinery.claim(WORKER)
    assert job is not None
    return refinery.refine(job)


def shown(made: Street, voice_id: str) -> Any:
    return made.alice.get(f"/voices/{voice_id}").json()


def files(made: Street, kind: str) -> list[str]:
    return [name for name in made.files() if f"/{kind}-" in name]


def test_the_recording_waits_for_it_and_goes_when_it_ended(
    made: Street, refinery: Refinery, cloner: Scripted, voice_id: str
) -> None:
    assert shown(made, voice_id)["refinement"] == "waiting"
    assert len(files(made, "reference")) == 1
    assert refine(refinery) == "kept"
    assert files(made, "reference") == []
    [reference] = cloner.seen
    assert len(reference.pcm) == len(recordings.pcm())
    assert reference.language == "en"


def test_a_better_clone_replaces_the_first_behind_the_same_sample_url(
    made: Street, house: House, refinery: Refinery, voice_id: str
) -> None:
    before = shown(made, voice_id)
    first = made.http.get(before["sample_url"]).content
    assert refine(refinery) == "kept"

    after = shown(made, voice_id)
    assert (after["refinement"], after["similarity"]) == ("kept", 0.81)
    assert after["sample_url"] == before["sample_url"]
    assert made.http.get(after["sample_url"]).content != first
    assert len(files(made, "sample")) == 1
    voice = house.voices.get(made.alice.account_id, voice_id)
    assert unpack(house.storage.get(voice.engine_voice)[0])[1]["refined"] is True


def test_the_old_clone_stays_for_who_speaks_with_it_and_then_goes(
    made: Street, refinery: Refinery, clock: ManualClock, voice_id: str
) -> None:
    refine(refinery)
    assert len(files(made, "clone")) == 2
    clock.advance(RETIRED_AGE.total_seconds())
    made.house.sweeper.sweep()
    assert len(files(made, "clone")) == 2
    clock.advance(1)
    made.house.sweeper.sweep()
    assert len(files(made, "clone")) == 1
    assert made.http.get(f"/api/v1/voices/{voice_id}/sample.mp3").status_code == 200


def test_a_clone_that_is_not_better_changes_nothing(
    made: Street, refinery: Refinery, cloner: Scripted, voice_id: str
) -> None:
    before = files(made, "clone")
    cloner.better = False
    assert refine(refinery) == "not_better"
    assert shown(made, voice_id)["refinement"] == "not_better"
    assert made.files() == before
    assert refinery.claim(WORKER) is None


def test_the_very_same_clone_is_not_a_better_one(
    made: Street, refinery: Refinery, voice_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Scripted, "refine", lambda _self, _reference, clone, _progress: clone)
    assert refine(refinery) == "not_better"
    assert len(made.files()) == 1


@pytest.mark.parametrize("error", [CloningFailed("no"), RuntimeError("a bug"), MemoryError()])
def test_what_fails_is_tried_once_more_a_little_later_and_then_given_up(
    made: Street,
    refinery: Refinery,
    cloner: Scripted,
    clock: ManualClock,
    voice_id: str,
    error: Exception,
) -> None:
    before = files(made, "clone")
    cloner.error = error
    assert refine(refinery) is None
    assert shown(made, voice_id)["refinement"] == "waiting"
    assert refinery.claim(WORKER) is None
    clock.advance(RETRY.total_seconds())
    assert refine(refinery) == "failed"
    assert shown(made, voice_id)["refinement"] == "failed"
    assert made.files() == before
    clock.advance(LEASE.total_seconds())
    assert refinery.claim(WORKER) is None


def test_one_that_takes_its_workers_down_is_given_up(
    made: Street, refinery: Refinery, voice_id: str
) -> None:
    for _ in range(MAX_ATTEMPTS):
        assert refinery.claim(WORKER) is not None  # and then the process is gone
        assert refinery.reclaim(WORKER) == 1
    assert refinery.claim(WORKER) is None
    assert shown(made, voice_id)["refinement"] == "failed"
    assert files(made, "reference") == []


def test_the_one_that_waits_longest_comes_first_and_each_has_one_worker(
    made: Street, refinery: Refinery, clock: ManualClock, voice_id: str
) -> None:
    clock.advance(1)
    second = cloned(made.alice, recordings.other_speech())
    jobs = [refinery.claim(name) for name in ("a", "b", "c")]
    assert [job and job.voice.voice_id for job in jobs] == [voice_id, second, None]
    assert shown(made, voice_id)["refinement"] == "running"


def test_another_worker_takes_over_when_the_lease_ends_and_the_first_changes_nothing_then(
    made: Street, refinery: Refinery, clock: ManualClock, voice_id: str
) -> None:
    lost = refinery.claim("a")
    assert lost is not None
    clock.advance(LEASE.total_seconds() - 1)
    assert refinery.claim("b") is None
    clock.advance(1)
    taken = refinery.claim("b")
    assert taken is not None
    before = files(made, "clone")
    assert refinery.refine(lost) is None
    assert files(made, "clone") == before
    assert shown(made, voice_id)["refinement"] == "running"
    assert refinery.refine(taken) == "kept"


def test_signs_of_progress_renew_the_lease(
    refinery: Refinery, cloner: Scripted, clock: ManualClock, voice_id: str
) -> None:
    rivals: list[object] = []

    def long() -> None:
        clock.advance(LEASE.total_seconds() / 2)
        rivals.append(refinery.claim("b"))

    cloner.act = long
    assert refine(refinery) == "kept"
    assert rivals == [None] * 10


def test_a_worker_of_the_same_name_goes_on_at_once_after_a_kill(
    refinery: Refinery, voice_id: str
) -> None:
    assert refinery.claim("a") is not None
    assert refinery.reclaim("b") == 0
    assert refinery.reclaim("a") == 1
    assert refine(refinery) == "kept"


def test_what_is_put_down_on_purpose_does_not_count(
    made: Street, refinery: Refinery, voice_id: str
) -> None:
    def stop(_done: float) -> None:
        raise PutDown

    for _ in range(MAX_ATTEMPTS + 2):
        job = refinery.claim(WORKER)
        assert job is not None
        assert refinery.refine(job, stop) is None
        assert shown(made, voice_id)["refinement"] == "waiting"
    assert refine(refinery) == "kept"


@pytest.mark.parametrize("what", ["voice", "account"])
def test_what_is_deleted_meanwhile_stops_it_and_leaves_nothing(
    made: Street, refinery: Refinery, cloner: Scripted, clock: ManualClock, voice_id: str, what: str
) -> None:
    steps = 0

    def delete() -> None:
        nonlocal steps
        steps += 1
        clock.advance(6)
        if steps == 1 and what == "voice":
            assert made.alice.delete(f"/voices/{voice_id}").status_code == 200
        elif steps == 1:
            made.house.accounts.delete(made.alice.account_id)

    cloner.act = delete
    assert refine(refinery) is None
    assert steps < 3  # it stopped at the next sign of progress
    assert made.files() == []
    assert refinery.claim(WORKER) is None


def test_a_voice_deleted_in_the_last_moment_leaves_nothing(
    made: Street, refinery: Refinery, voice_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def last(*_arguments: object) -> Clone:
        made.alice.delete(f"/voices/{voice_id}")
        return Clone(pack("scripted", {"better": True}), "matching", 0.9)

    monkeypatch.setattr(Scripted, "refine", last)
    assert refine(refinery) is None
    assert made.files() == []


def test_a_full_disk_is_a_failure_like_any_other(
    made: Street, refinery: Refinery, voice_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("charafy.kernel.storage.Storage.put", full)
        assert refine(refinery) is None
    assert shown(made, voice_id)["refinement"] == "waiting"


def test_a_recording_that_is_lost_ends_it(
    made: Street, refinery: Refinery, clock: ManualClock, voice_id: str
) -> None:
    [key] = files(made, "reference")
    made.house.storage.delete(key)
    assert refine(refinery) is None
    clock.advance(RETRY.total_seconds())
    assert refine(refinery) == "failed"
    assert len(made.files()) == 1


def test_the_account_s_webhooks_hear_how_it_ended(
    made: Street, refinery: Refinery, voice_id: str
) -> None:
    made.alice.post("/webhooks", {"url": "https://example.com/hook", "events": ["voice.refined"]})
    refine(refinery)
    with made.house.db.read() as tx:
        [body] = tx.exec_driver_sql("SELECT body FROM webhook_events").scalars()
    event = json.loads(body)
    assert event["type"] == "voice.refined"
    assert event["data"] == shown(made, voice_id)
    assert event["data"]["refinement"] == "kept"


def test_a_process_that_died_after_the_end_leaves_the_recording_to_the_sweeper(
    made: Street, refinery: Refinery, voice_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dead(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("charafy.kernel.storage.Storage.delete", dead)
        with pytest.raises(KeyboardInterrupt):
            refine(refinery)
    assert len(files(made, "reference")) == 1
    made.house.sweeper.sweep()
    assert files(made, "reference") == []
    assert shown(made, voice_id)["refinement"] == "kept"


def test_a_recording_does_not_wait_for_ever_for_a_worker(
    made: Street, refinery: Refinery, clock: ManualClock, voice_id: str
) -> None:
    made.alice.post("/webhooks", {"url": "https://example.com/hook", "events": ["voice.refined"]})
    clock.advance(REFINE_WITHIN.total_seconds())
    made.house.sweeper.sweep()
    assert shown(made, voice_id)["refinement"] == "waiting"
    job = refinery.claim(WORKER)
    assert job is not None
    clock.advance(1)
    made.house.sweeper.sweep()
    assert shown(made, voice_id)["refinement"] == "running"  # somebody is at it
    refinery.put_down(job)
    made.house.sweeper.sweep()
    assert shown(made, voice_id)["refinement"] == "failed"
    assert files(made, "reference") == []
    assert refinery.claim(WORKER) is None
    made.house.sweeper.sweep()
    with made.house.db.read() as tx:
        [body] = tx.exec_driver_sql("SELECT body FROM webhook_events").scalars()
    told = json.loads(body)
    assert (told["type"], told["data"]["refinement"]) == ("voice.refined", "failed")
    assert told["data"] == shown(made, voice_id)


def attendant(house: House, busy: Callable[[], bool], **options: Any) -> Attendant:
    return Attendant(
        house.voice_room.refinery, WORKER, busy=busy, poll_s=0.01, look_s=0.0, **options
    )


def until(condition: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up, f"still not: {what}"
        time.sleep(0.005)


def test_a_worker_refines_what_waits_one_after_the_other(
    made: Street, house: House, voice_id: str
) -> None:
    second = cloned(made.alice, recordings.other_speech())
    worker = attendant(house, lambda: False)
    worker.start()
    for one in (voice_id, second):
        until(lambda one=one: shown(made, one)["refinement"] == "kept", "refined")  # type: ignore[misc]
    worker.stop()
    assert worker.gone(10)


def test_videos_go_first_before_and_in_the_middle(
    made: Street, house: House, cloner: Scripted, voice_id: str
) -> None:
    busy, working = threading.Event(), threading.Event()
    busy.set()
    cloner.act = working.set
    worker = attendant(house, busy.is_set)
    worker.start()
    time.sleep(0.1)
    assert shown(made, voice_id)["refinement"] == "waiting"

    def video_comes() -> None:
        working.set()
        busy.set()

    cloner.act = video_comes
    busy.clear()
    assert working.wait(10)
    time.sleep(0.1)
    assert shown(made, voice_id)["refinement"] == "running"
    cloner.act = list
    busy.clear()
    until(lambda: shown(made, voice_id)["refinement"] == "kept", "refined")
    worker.stop()
    assert worker.gone(10)


def test_where_videos_never_end_it_goes_on_beside_them(
    made: Street, house: House, cloner: Scripted, voice_id: str
) -> None:
    busy = threading.Event()
    cloner.act = busy.set
    worker = attendant(house, busy.is_set, longest_pause_s=0.0)
    worker.start()
    until(lambda: shown(made, voice_id)["refinement"] == "kept", "refined")
    worker.stop()
    assert worker.gone(10)


def test_a_worker_that_stops_puts_it_down_and_the_next_one_goes_on(
    made: Street, house: House, cloner: Scripted, voice_id: str
) -> None:
    working = threading.Event()
    cloner.act = working.set
    busy = threading.Event()
    first = attendant(house, lambda: working.is_set() and not busy.is_set())
    first.start()
    assert working.wait(10)  # and waits for a video now
    first.stop()
    assert first.gone(10)
    assert shown(made, voice_id)["refinement"] == "waiting"

    busy.set()
    second = attendant(house, lambda: False)
    second.start()
    until(lambda: shown(made, voice_id)["refinement"] == "kept", "refined")
    second.stop()
    assert second.gone(10)
    with house.db.read() as tx:
        assert tx.exec_driver_sql("SELECT attempts FROM voices").scalar_one() == 1


def test_what_urgent_work_shares_is_loaded_before_the_worker_s_thread_gives_way(
    made: Street, house: House, cloner: Scripted, voice_id: str
) -> None:
    """Threads inherit how nice who begins them is, and never become less so."""
    niceness: dict[str, int] = {}

    def note(when: str) -> None:
        niceness[when] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def prepare() -> None:
        note("prepared")
        raise OSError("no model")

    cloner.act = lambda: note("refined")
    worker = attendant(house, lambda: False, prepare=prepare)
    worker.start()
    until(lambda: shown(made, voice_id)["refinement"] == "kept", "refined")
    worker.stop()
    assert worker.gone(10)
    assert niceness["prepared"] == os.getpriority(os.PRIO_PROCESS, os.getpid())
    assert niceness["refined"] == 19


def test_a_worker_that_can_t_stop_in_time_puts_it_down_all_the_same(
    made: Street, house: House, cloner: Scripted, voice_id: str
) -> None:
    working, go = threading.Event(), threading.Event()

    def compile_() -> None:
        working.set()
        assert go.wait(20)

    cloner.act = compile_
    first = attendant(house, lambda: False)
    first.start()
    assert working.wait(10)
    first.stop()
    assert not first.gone(0.05)
    with house.db.read() as tx:
        state = tx.exec_driver_sql("SELECT refinement, attempts FROM voices").one()
    assert tuple(state) == ("waiting", 0)
    go.set()
    assert first.gone(10)
    assert shown(made, voice_id)["refinement"] == "waiting"


def test_a_cloner_that_does_not_refine_needs_no_worker(settings: Settings, db: Database) -> None:
    with street(settings, ManualClock(), db, ScriptedCloner()) as made:
        worker = attendant(made.house, lambda: False)
        worker.start()
        assert worker.gone(10)
