"""Who listens in a conversation: real models, fetched when they are first needed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from charafy.ears import RECOGNISER_MODEL, VAD_MODEL, hearing_of
from charafy.engines.hearing import SAMPLE_RATE
from charafy.engines.hearing.turns import Ended, TurnTaker
from charafy.engines.voice.cloning.rates import listened
from charafy.engines.weights import MANIFEST, Store
from charafy.kernel.settings import Settings
from tests.support.listening import recorded


@pytest.mark.slow
def test_what_somebody_says_is_told_from_silence_and_written_down() -> None:
    vad, recogniser = hearing_of(Settings())
    taker = TurnTaker(vad.listen(), frame=vad.frame)
    quiet = np.zeros(2 * SAMPLE_RATE, np.float32)
    heard = taker.feed(np.concatenate((quiet, listened(recorded("mahiruma.mp3")), quiet)))
    turn = heard[-1]
    assert isinstance(turn, Ended)
    assert "キャンプ" in recogniser.transcribe(turn.samples, "ja")
    assert recogniser.language(turn.samples, ("en", "ja")) == "ja"


def test_threads_that_meet_hear_with_one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    ensure = Store.ensure

    def counted(store: Store, name: str) -> Path:
        asked.append(name)
        return ensure(store, name)

    monkeypatch.setattr(Store, "ensure", counted)
    vad, _ = hearing_of(Settings())
    with ThreadPoolExecutor(4) as pool:
        streams = list(pool.map(lambda _: vad.listen(), range(4)))
    assert len({id(stream) for stream in streams}) == 4
    assert asked == [VAD_MODEL]


def test_the_models_can_be_fetched() -> None:
    assert {VAD_MODEL, RECOGNISER_MODEL} <= MANIFEST.keys()


def test_a_model_that_is_missing_and_cannot_be_fetched_is_an_error_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charafy.ears.Store", partial(Store, online=False))
    vad, recogniser = hearing_of(Settings(models=tmp_path))
    with pytest.raises(OSError, match="silero_vad"):
        vad.listen()
    with pytest.raises(OSError, match=RECOGNISER_MODEL):
        recogniser.transcribe(np.zeros(SAMPLE_RATE, np.float32), "en")
