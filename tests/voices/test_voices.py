"""Voices: what is listed, and samples that are spoken once and then kept."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import pytest

from charafy.kernel.db import Database
from charafy.kernel.errors import NotFound, TooManyRequests
from charafy.kernel.ids import is_id
from charafy.kernel.storage import Storage
from charafy.kernel.stores import FolderStore
from charafy.voices import samples as samples_module
from charafy.voices.presets import PRESETS
from charafy.voices.samples import MAX_WAITING
from charafy.voices.service import Samples, VoiceInfo, Voices, preset_id
from tests.support.clock import ManualClock
from tests.support.neighbours import Customer, Street

NAMES = tuple(preset.engine_voice for preset in PRESETS)


@pytest.fixture
def voices(db: Database) -> Voices:
    return Voices(db, NAMES, "http://testserver")


@pytest.fixture
def storage(tmp_path: Path, clock: ManualClock) -> Storage:
    return Storage(FolderStore(tmp_path / "media"), b"s" * 32, "http://testserver", clock)


def test_the_list_has_the_contracts_fields_first(alice: Customer) -> None:
    answer = alice.get("/voices")
    assert answer.status_code == 200
    assert list(answer.json()) == ["voices"]
    for voice in answer.json()["voices"]:
        assert list(voice)[:5] == ["voice_id", "name", "language", "is_preset", "sample_url"]
        assert is_id(voice["voice_id"])
        assert voice["language"] in ("ja", "en")
        assert voice["is_preset"] is True
        assert voice["sample_url"] == (
            f"http://127.0.0.1:8000/api/v1/voices/{voice['voice_id']}/sample.mp3"
        )
        assert voice["gender"] in ("female", "male")
        assert all(voice["description"][language] for language in ("en", "ja"))
        of_clones = ("similarity", "method", "refinement", "created_at")
        assert [voice[name] for name in of_clones] == [None] * 4


def test_thirty_three_voices_have_names_of_their_own_and_lasting_ids(voices: Voices) -> None:
    listed = voices.available("anyone")
    assert len(listed) == 33
    assert len({voice.name for voice in listed}) == 33
    assert len({voice.voice_id for voice in listed}) == 33
    assert preset_id("af_heart") == "05d308f3-da5e-5824-94c2-6077dab9a18a"


def test_each_language_starts_with_its_best_voice(voices: Voices) -> None:
    first: dict[str, str] = {}
    for voice in voices.available("anyone"):
        first.setdefault(voice.language, voice.engine_voice)
    assert first == {"en": "af_heart", "ja": "jf_alpha"}


def test_gender_and_accent_follow_from_the_engines_name(voices: Voices) -> None:
    found = {voice.engine_voice: voice for voice in voices.available("anyone")}
    assert (found["bm_george"].gender, found["bm_george"].accent) == ("male", "en-GB")
    assert (found["af_sky"].gender, found["af_sky"].accent) == ("female", "en-US")
    assert (found["jm_kumo"].language, found["jm_kumo"].accent) == ("ja", "ja-JP")


def test_only_voices_that_the_engine_has_are_listed(db: Database) -> None:
    few = Voices(db, ["af_bella", "something_new"], "http://testserver")
    assert [voice.name for voice in few.available("anyone")] == ["Bella"]


def test_a_voice_is_found_by_its_id_in_any_case(voices: Voices) -> None:
    voice_id = preset_id("jm_kumo")
    assert voices.get("anyone", voice_id.upper()).engine_voice == "jm_kumo"
    for unknown in ("", "jm_kumo", voice_id[:-1]):
        with pytest.raises(NotFound):
            voices.get("anyone", unknown)


def test_a_voice_introduces_itself_in_its_own_language(voices: Voices) -> None:
    for voice in voices.available("anyone"):
        assert ("です" in voice.sample_text) is (voice.language == "ja")


def test_a_sample_plays_without_a_key_whole_and_in_parts(
    alice: Customer, house_street: Street
) -> None:
    url = alice.get("/voices").json()["voices"][0]["sample_url"]
    whole = house_street.http.get(url)
    assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/mpeg")
    assert whole.content[:2] in (b"\xff\xfb", b"\xff\xf3", b"ID")
    part = house_street.http.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])
    assert len(house_street.files()) == 1


@pytest.mark.parametrize("voice_id", ["x", "af_heart", "..%2f..", "0" * 36])
def test_a_sample_of_no_voice_is_404(house_street: Street, voice_id: str) -> None:
    answer = house_street.http.get(f"/api/v1/voices/{voice_id}/sample.mp3")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_many_listeners_at_once_cause_one_synthesis_per_voice(
    voices: Voices, storage: Storage
) -> None:
    spoken: list[str] = []
    at_once = [0, 0]
    lock = threading.Lock()

    def render(voice: VoiceInfo) -> bytes:
        with lock:
            at_once[0] += 1
            at_once[1] = max(at_once)
        spoken.append(voice.engine_voice)
        with lock:
            at_once[0] -= 1
        return voice.engine_voice.encode()

    samples = Samples(storage, render, "test")
    wanted = voices.available("anyone")[:2] * 2  # as many as may wait
    with ThreadPoolExecutor(4) as threads:
        keys = list(threads.map(samples.ready, wanted))
    assert sorted(spoken) == ["af_bella", "af_heart"]
    assert at_once[1] == 1
    assert storage.get(keys[0]) == (b"af_heart", "audio/mpeg")
    assert samples.ready(wanted[0]) == keys[0]
    assert len(spoken) == 2


def test_a_crowd_that_wants_new_samples_is_turned_away_instead_of_queued(
    voices: Voices, storage: Storage
) -> None:
    inside, go = threading.Event(), threading.Event()

    def render(_voice: VoiceInfo) -> bytes:
        inside.set()
        go.wait(10)
        return b"spoken"

    samples = Samples(storage, render, "test")
    voice, other = voices.available("anyone")[:2]
    with ThreadPoolExecutor(20) as threads:
        first = threads.submit(samples.ready, voice)
        assert inside.wait(10)
        rest = [threads.submit(samples.ready, other) for _ in range(19)]
        refused = list(itertools.islice(as_completed(rest, timeout=10), 19 - MAX_WAITING))
        go.set()
        assert first.result(timeout=10)
        served = [one.result(timeout=10) for one in rest if one not in refused]
    assert all(isinstance(one.exception(), TooManyRequests) for one in refused)
    assert len(served) == MAX_WAITING


def test_waiting_for_another_sample_ends(
    voices: Voices, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples_module, "WAIT_S", 0.05)
    inside, go = threading.Event(), threading.Event()

    def render(_voice: VoiceInfo) -> bytes:
        inside.set()
        go.wait(10)
        return b"spoken"

    samples = Samples(storage, render, "test")
    voice, other = voices.available("anyone")[:2]
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(samples.ready, voice)
        assert inside.wait(10)
        with pytest.raises(TooManyRequests):
            samples.ready(other)
        go.set()
        assert first.result(timeout=10)


def test_a_service_that_does_not_answer_keeps_no_other_sample_waiting(
    voices: Voices, storage: Storage
) -> None:
    inside, go = threading.Event(), threading.Event()
    remote, local = voices.available("anyone")[:2]

    def waits(engine_voice: str) -> bool:
        return engine_voice == remote.engine_voice

    def render(voice: VoiceInfo) -> bytes:
        if voice == remote:
            inside.set()
            go.wait(10)
        return b"spoken"

    samples = Samples(storage, render, "test", waits=waits)
    with ThreadPoolExecutor(MAX_WAITING + 1) as threads:
        rest = [threads.submit(samples.ready, remote) for _ in range(MAX_WAITING + 1)]
        assert inside.wait(10)
        assert storage.get(samples.ready(local))[0] == b"spoken"
        go.set()
        assert all(one.result(timeout=10) for one in rest)


def test_a_failed_synthesis_keeps_nothing_and_the_next_try_may_succeed(
    voices: Voices, storage: Storage
) -> None:
    outcomes: list[bytes | Exception] = [RuntimeError("no voice today"), b"spoken"]

    def render(_voice: VoiceInfo) -> bytes:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    samples = Samples(storage, render, "test")
    voice = voices.available("anyone")[0]
    with pytest.raises(RuntimeError):
        samples.ready(voice)
    assert storage.keys("voices/") == []
    assert storage.get(samples.ready(voice))[0] == b"spoken"


def test_engines_do_not_share_recordings(voices: Voices, storage: Storage) -> None:
    voice = voices.available("anyone")[0]
    keys = {Samples(storage, lambda _: b"x", engine).ready(voice) for engine in ("a", "b")}
    assert len(keys) == 2
