"""The services that clone voices, made from the settings: whole, or not started at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charafy.clone_services import CloneServices, clone_services, shelf_of
from charafy.engines.voice import SAMPLE_RATE, VoiceFailed
from charafy.engines.voice.cloning import Reference
from charafy.engines.voice.cloning.clonefile import pack
from charafy.engines.voice.router import CloneShelf, VoiceRouter
from charafy.engines.voice.scripted import ScriptedFrontEnd, ScriptedVoice
from charafy.kernel.errors import CharafyError
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage
from charafy.kernel.stores import FolderStore
from tests.support.clock import ManualClock
from tests.support.fake_voice_services import KEY, fake_elevenlabs, fake_openai

NAME = "voices/v1/clone-1.json"


def built(**given: Any) -> CloneServices:
    return clone_services(Settings(voice_engine="scripted", **given), ScriptedFrontEnd())


def reference() -> Reference:
    times = np.arange(6 * SAMPLE_RATE) / SAMPLE_RATE
    return Reference((0.3 * np.sin(2 * np.pi * 180 * times)).astype(np.float32), "en")


def test_nothing_is_set_up_by_itself() -> None:
    services = built()
    assert (services.speakers, services.cloners) == ({}, {})
    services.close()


@pytest.mark.parametrize("how", ["data-uri", "base64", "vllm-omni", "chatterbox"])
def test_an_openai_compatible_service_clones_and_speaks(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with fake_openai() as fake:
        services = built(
            cloner="openai",
            clone_openai_url=f"{fake.url}/v1/",
            clone_openai_api_key=KEY,
            clone_openai_model="some-model",
            clone_openai_reference=how,
            clone_openai_fields={"seed": 7},
        )
        clone = services.cloners["openai"].clone(reference(), "Mio", lambda _: None)
        shelf = CloneShelf({NAME: clone.data}.__getitem__)
        voice = VoiceRouter(ScriptedVoice(["a"]), services.speakers, shelf)
        assert list(voice.speak("Hello there, my friend.", NAME, "en"))
        sent = fake.asked[-1].fields
        assert (sent["model"], sent["seed"]) == ("some-model", 7)
        assert ("voice" in sent) is (how in ("vllm-omni", "chatterbox"))
        assert sent.get("ref_audio", "data:").startswith("data:") is (how != "base64")
        services.close()


def test_elevenlabs_clones_and_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with fake_elevenlabs() as fake:
        services = built(
            cloner="elevenlabs",
            clone_elevenlabs_api_key=KEY,
            clone_elevenlabs_url=fake.url,
            clone_elevenlabs_model="eleven_flash_v2_5",
            clone_elevenlabs_clean=True,
        )
        clone = services.cloners["elevenlabs"].clone(reference(), "Mio", lambda _: None)
        shelf = CloneShelf({NAME: clone.data}.__getitem__)
        voice = VoiceRouter(ScriptedVoice(["a"]), services.speakers, shelf)
        assert list(voice.speak("Hello there, my friend.", NAME, "en"))
        assert fake.asked[0].fields["remove_background_noise"] == "true"
        assert fake.asked[-1].fields["model_id"] == "eleven_flash_v2_5"
        services.close()


def test_voices_speak_on_when_another_cloner_is_chosen() -> None:
    services = built(cloner="match", clone_elevenlabs_api_key=KEY, clone_openai_url="http://a/v1")
    assert services.speakers.keys() == {"elevenlabs", "openai"}
    services.close()


def test_a_voice_whose_service_is_gone_says_so() -> None:
    shelf = CloneShelf({NAME: pack("openai", {"voice": "x"})}.__getitem__)
    voice = VoiceRouter(ScriptedVoice(["a"]), built().speakers, shelf)
    with pytest.raises(VoiceFailed, match="not set up"):
        voice.speak("Hello", NAME, "en")


def test_clone_files_are_read_from_where_the_house_keeps_its_files(tmp_path: Path) -> None:
    storage = Storage(FolderStore(tmp_path), b"s" * 32, "http://localhost", ManualClock())
    storage.put(NAME, pack("openai", {"voice": "x"}), "application/json")
    shelf = shelf_of(storage)
    assert shelf.read(NAME)[1]["voice"] == "x"
    for name in ("voices/v1/clone-2.json", "voices/../secret", "voices/"):
        with pytest.raises(KeyError):
            shelf.read(name)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"cloner": "openai"}, "CHARAFY_CLONE_OPENAI_URL"),
        ({"cloner": "elevenlabs"}, "CHARAFY_CLONE_ELEVENLABS_API_KEY"),
        ({"clone_openai_api_key": KEY}, "CHARAFY_CLONE_OPENAI_URL"),
        ({"clone_openai_model": "m"}, "CHARAFY_CLONE_OPENAI_URL"),
        ({"clone_elevenlabs_url": "http://a"}, "CHARAFY_CLONE_ELEVENLABS_API_KEY"),
        ({"clone_elevenlabs_model": "m"}, "CHARAFY_CLONE_ELEVENLABS_API_KEY"),
        ({"clone_openai_url": "localhost:8091/v1"}, "http://"),
        ({"clone_elevenlabs_api_key": KEY, "clone_elevenlabs_url": "a"}, "http://"),
    ],
)
def test_half_a_service_stops_the_start_with_one_sentence(
    given: dict[str, Any], missing: str
) -> None:
    with pytest.raises(CharafyError, match=missing) as raised:
        built(**given)
    assert raised.value.message.count(".") == 1
    assert KEY not in raised.value.message


def test_nothing_secret_is_in_what_represents_the_settings() -> None:
    settings = Settings(clone_openai_api_key=KEY, clone_elevenlabs_api_key=KEY)
    assert KEY not in repr(settings)
    assert KEY not in settings.model_dump_json()


def test_the_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARAFY_CLONE_OPENAI_URL", "http://127.0.0.1:8091/v1")
    monkeypatch.setenv("CHARAFY_CLONE_OPENAI_FIELDS", '{"task_type": null, "seed": 1}')
    monkeypatch.setenv("CHARAFY_CLONE_ELEVENLABS_API_KEY", KEY)
    settings = Settings()
    assert settings.clone_openai_fields == {"task_type": None, "seed": 1}
    assert clone_services(settings, ScriptedFrontEnd()).speakers.keys() == {"openai", "elevenlabs"}
