"""Speech that is broken off sounds otherwise than speech that is over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from charafy.engines.hearing import SAMPLE_RATE, Samples
from charafy.engines.hearing.melody import SmartTurn, bundled
from charafy.kernel.media.recordings import read_recording

VOICES = Path(__file__).parents[2] / "data" / "voices"


@pytest.fixture(scope="module")
def melody() -> SmartTurn:
    model = bundled()
    assert model is not None, "pipecat's wheel has the model no longer"
    return SmartTurn(model)


def heard(file: str) -> Samples:
    from charafy.engines.voice.cloning.rates import listened

    return listened(read_recording((VOICES / file).read_bytes()))


def ending_at(sound: Samples, at_s: float) -> Samples:
    """Up to there, with the silence that a turn ends in."""
    silence = np.random.default_rng(1).normal(0, 3e-4, int(0.16 * SAMPLE_RATE))
    return np.concatenate((sound[: int(at_s * SAMPLE_RATE)], silence)).astype(np.float32)


def test_a_whole_sentence_sounds_over(melody: SmartTurn) -> None:
    sound = heard("mahiruma.mp3")
    loud = np.flatnonzero(np.abs(sound) > 0.02)
    assert melody.over(ending_at(sound, loud[-1] / SAMPLE_RATE)) > 0.9


@pytest.mark.parametrize("at_s", [2.06, 2.44, 3.08, 4.62, 5.48, 8.32, 8.88])
def test_a_line_that_is_broken_off_does_not(melody: SmartTurn, at_s: float) -> None:
    assert melody.over(ending_at(heard("sonnet.flac"), at_s)) < 0.3


def test_any_length_is_heard_and_of_a_long_turn_its_end(melody: SmartTurn) -> None:
    sound = heard("mahiruma.mp3")
    end = ending_at(sound, 2.0)
    long = np.concatenate((np.zeros(20 * SAMPLE_RATE, np.float32), end))
    assert abs(melody.over(long) - melody.over(end)) < 0.2
    assert 0.0 <= melody.over(np.zeros(0, np.float32)) <= 1.0


def test_a_model_that_is_missing_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="smart"):
        SmartTurn(tmp_path / "smart-turn.onnx").over(np.zeros(SAMPLE_RATE, np.float32))
