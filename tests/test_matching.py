"""What is said in a recording is taken down in the language that is spoken in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from charafy.engines.hearing import whisper
from charafy.engines.voice import Language
from charafy.engines.voice.cloning import Reference
from charafy.engines.weights import Store
from charafy.kernel.settings import Settings
from charafy.matching import transcriber_of
from tests.support import recordings


class Polyglot:
    """Hears English whatever it is told."""

    def __init__(self, _folder: Path) -> None:
        self.told: tuple[str, ...] = ()

    def language(self, _samples: object, languages: Sequence[str]) -> str:
        self.told = tuple(languages)
        return "en"

    def transcribe(self, _samples: object, language: str) -> str:
        return f"{language}, first asked for {self.told[0]}"


@pytest.mark.parametrize("ordered", ["ja", "en"])
def test_the_language_of_the_voice_is_not_that_of_the_recording(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ordered: Language
) -> None:
    monkeypatch.setattr(whisper, "Whisper", Polyglot)
    monkeypatch.setattr(Store, "ensure", lambda *_: tmp_path)
    transcribe = transcriber_of(Settings())
    assert transcribe is not None
    said = transcribe(Reference(recordings.pcm(), ordered))
    assert said == f"en, first asked for {ordered}"
