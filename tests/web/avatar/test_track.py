"""The browser's movements are the server's, number for number."""

from __future__ import annotations

import numpy as np
import pytest

from charafy.engines.portrait.motion import Cue, track
from charafy.engines.voice import Language
from charafy.engines.voice.visemes import SHAPES
from tests.support.chromium import Tab

HOLES = [0.7, 0.1, 0.1, 0.05, 0.05]
ROWS = """({ cues, times, manner }) => {
  const track = tools.createTrack(cues, manner);
  return times.map((t) => [...track.poseAt(t)]);
}"""


def cues(seed: int) -> list[Cue]:
    """Speech with pauses, overlaps and holes."""
    chance = np.random.default_rng(seed)
    out, at = [], 0.4
    for _ in range(300):
        length = float(chance.uniform(0.005, 0.4))
        out.append(
            Cue(SHAPES[chance.integers(15)], at, at + length, float(chance.uniform(0.4, 1.6)))
        )
        at += length + float(
            chance.choice([0.0, 0.0, -0.02, 0.05, 0.3, 2.0], p=[0.5, 0.2, 0.1, 0.1, 0.05, 0.05])
        )
    return out


@pytest.mark.parametrize(
    ("seed", "language", "liveliness"), [(0, "en", 1.0), (7, "ja", 0.4), (2**32 - 1, "en", 1.5)]
)
def test_any_moment_has_the_same_pose_in_both(
    tab: Tab, seed: int, language: Language, liveliness: float
) -> None:
    said = cues(seed % 1000)
    times = np.random.default_rng(seed).uniform(-5.0, 90.0, 2000)
    rows = tab.evaluate(
        ROWS,
        {
            "cues": [
                {"shape": c.shape, "start_s": c.start_s, "end_s": c.end_s, "weight": c.weight}
                for c in said
            ],
            "times": times.tolist(),
            "manner": {"seed": seed, "language": language, "liveliness": liveliness},
        },
    )
    ours = track(said, 90.0, seed=seed, language=language, liveliness=liveliness).at(times)
    assert np.abs(np.array(rows) - ours).max() < 1e-5
    assert np.ptp(ours, axis=0).min() > 0, "every channel moves"


def test_the_names_of_the_api_are_understood(tab: Tab) -> None:
    """Cues as /tts gives them: `viseme`, no weight."""
    said = [
        {"viseme": "aa", "start_s": 0.0, "end_s": 0.4},
        {"viseme": "PP", "start_s": 0.4, "end_s": 0.5},
    ]
    rows = tab.evaluate(ROWS, {"cues": said, "times": [0.2, 0.43], "manner": {"seed": 3}})
    ours = track([Cue("aa", 0.0, 0.4), Cue("PP", 0.4, 0.5)], 1.0, seed=3).at(np.array([0.2, 0.43]))
    assert np.allclose(rows, ours, atol=1e-9)


@pytest.mark.parametrize(
    "cue",
    [
        {"shape": "ah", "start_s": 0, "end_s": 1},
        {"shape": "aa", "start_s": None, "end_s": "x"},
    ],
)
def test_what_is_no_cue_is_refused(tab: Tab, cue: dict[str, object]) -> None:
    refused = "(cue) => { try { tools.createTrack([cue]); } catch (e) { return e.name; } }"
    assert tab.evaluate(refused, cue) == "RangeError"
