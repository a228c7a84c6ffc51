"""Who clones is chosen by the settings, and where there is none the start says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from charafy.cloners import Ears, cloner_of
from charafy.engines.voice.cloning import CloningFailed, Reference
from charafy.engines.voice.cloning.clonefile import pack, unpack
from charafy.engines.voice.cloning.scripted import ScriptedCloner
from charafy.engines.voice.deferred import DeferredVoice
from charafy.engines.voice.scripted import ScriptedFrontEnd, ScriptedVoice
from charafy.engines.weights import Store, WeightsUnavailable
from charafy.kernel.errors import CharafyError
from charafy.kernel.settings import Settings
from tests.support import recordings

READER = ScriptedFrontEnd()
NOBODY = DeferredVoice((), lambda: ScriptedVoice(()))


def reference() -> Reference:
    return Reference(recordings.pcm(), "en")


def test_the_scripted_voice_has_a_scripted_cloner() -> None:
    cloner = cloner_of(Settings(voice_engine="scripted"), NOBODY, READER, {})
    made = cloner.clone(reference(), "Me", lambda _done: None)
    assert unpack(made.data)[0] == "scripted"
    assert (made.similarity, cloner.refines) == (None, False)


@pytest.mark.parametrize("name", ["openai", "elevenlabs"])
def test_a_service_is_asked_when_it_is_named_and_to_forget_what_it_made(name: str) -> None:
    service = ScriptedCloner(refines=True)
    settings = Settings(voice_engine="scripted", cloner=name)
    assert cloner_of(settings, NOBODY, READER, {name: service}).refines

    other = cloner_of(Settings(voice_engine="scripted"), NOBODY, READER, {name: service})
    kept = pack(name, {"voice": "there"})
    other.forget(kept)
    assert service.forgotten == (kept,)


def test_a_matcher_without_its_models_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_arguments: object) -> Path:
        raise WeightsUnavailable("Run `charafy models pull`.")

    monkeypatch.setattr(Store, "ensure", nowhere)
    matcher = cloner_of(Settings(), NOBODY, READER, {})
    assert matcher.method == "matching"
    with pytest.raises(CloningFailed, match="missing"):
        matcher.clone(reference(), "Me", lambda _done: None)


def test_a_matcher_without_a_voice_to_match_stops_the_start_with_one_sentence() -> None:
    settings = Settings(voice_engine="scripted", cloner="match")
    with pytest.raises(CharafyError, match="CHARAFY_VOICE_ENGINE") as raised:
        cloner_of(settings, NOBODY, READER, {})
    assert raised.value.message.count(".") == 1


def test_ears_without_their_model_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_arguments: object) -> Path:
        raise WeightsUnavailable("Run `charafy models pull`.")

    monkeypatch.setattr(Store, "ensure", nowhere)
    with pytest.raises(OSError, match="models pull"):
        Ears(Store(tmp_path)).examine(recordings.pcm())
