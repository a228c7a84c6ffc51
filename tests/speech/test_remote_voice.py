"""A voice that another service speaks is like any other: sound, words, mouth, clean failures."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from charafy.engines.voice.cloning.clonefile import pack
from charafy.engines.voice.visemes import visemes
from charafy.house import House, build_house
from charafy.kernel.errors import UpstreamFailed
from charafy.kernel.media.audio import encode
from charafy.kernel.migrate import migrate
from charafy.kernel.settings import Settings
from charafy.speech.service import Speaker
from tests.support.fake_voice_services import KEY, FakeService, fake_openai

TEXT = "Turn left at the bakery, and walk straight until you see the river."
NAME = "voices/v1/clone-0a1b.json"


@dataclass
class Home:
    house: House
    fake: FakeService


@pytest.fixture
def home(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A house with a clone in storage that a fake service on this machine speaks."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with fake_openai() as fake:
        changes = {"clone_openai_url": f"{fake.url}/v1", "clone_openai_api_key": KEY}
        house = build_house(Settings.model_validate(settings.model_dump() | changes))
        migrate(house.db)
        recording = encode("flac", np.zeros(24_000, np.float32))
        clone = pack("openai", {"audio": base64.b64encode(recording).decode(), "text": None})
        house.storage.put(NAME, clone, "application/json")
        yield Home(house, fake)
        house.close()


def test_its_speech_has_words_and_a_mouth(home: Home) -> None:
    recording = home.house.speech.record(TEXT, Speaker(NAME, "en"), audio_format="wav")
    words = [mark.text for mark in recording.marks if mark.kind == "word"]
    assert " ".join(words) == TEXT.replace(",", "").replace(".", "")
    assert len({viseme.shape for viseme in visemes(recording.marks, recording.audio_s)}) > 5
    assert 0 <= recording.marks[0].start_s < recording.marks[-1].end_s <= recording.audio_s


def test_a_video_is_told_of_every_clause_as_it_comes(home: Home) -> None:
    done: list[float] = []
    home.house.speech.speak(TEXT, Speaker(NAME, "en"), 1.0, done.append)
    assert len(done) == 2
    assert done[0] < done[1] == 1.0


def test_stock_voices_speak_as_ever(home: Home) -> None:
    assert home.house.speech.record(TEXT, Speaker("af_heart", "en")).audio_s > 3
    assert home.fake.asked == []


def test_a_failing_service_is_an_upstream_that_failed(home: Home) -> None:
    home.fake.statuses = [401]
    with pytest.raises(UpstreamFailed) as raised:
        home.house.speech.record(TEXT, Speaker(NAME, "en"))
    assert raised.value.status == 502
    assert KEY not in raised.value.message


def test_a_voice_whose_file_is_gone_is_one_too(home: Home) -> None:
    home.house.storage.delete(NAME)
    with pytest.raises(UpstreamFailed):
        home.house.speech.record(TEXT, Speaker(NAME, "en"))
