"""Down the slope: gradients are true, few steps are heard, and it can be stopped."""

from __future__ import annotations

import numpy as np
import pytest

from charafy.engines.voice.cloning.match.refine.alignment import Unalignable
from charafy.engines.voice.cloning.match.refine.descent import CROP, Step
from charafy.engines.voice.kokoro import stock_styles
from tests.support.matching import space
from tests.support.refining import BASE, aligned, descent

pytestmark = pytest.mark.slow
STEPS = 8


def start() -> np.typing.NDArray[np.float64]:
    return space().coordinates(stock_styles()[BASE].row(60)[0, :128])


def silent(_share: float) -> None:
    """Nobody watches."""


@pytest.mark.parametrize("seed", range(3))
def test_the_slope_is_what_a_small_step_shows(seed: int) -> None:
    crop, z = aligned().crop(20, CROP), start()
    direction = np.random.default_rng(seed).normal(size=len(z))
    direction /= np.linalg.norm(direction)
    _, slope = descent().look(z, crop)
    # Along the slope itself as well as anywhere: chance directions hardly rise or fall.
    direction += slope / np.linalg.norm(slope)
    size = 0.004
    above, below = (descent().look(z + sign * size * direction, crop)[0] for sign in (1, -1))
    assert (above.loss - below.loss) / (2 * size) == pytest.approx(slope @ direction, rel=0.1)


def test_a_few_steps_come_nearer_in_every_respect() -> None:
    seen: list[Step] = []
    shares: list[float] = []
    z = descent().run(start(), aligned(), shares.append, steps=STEPS, seen=seen.append)
    assert shares == [step / STEPS for step in range(STEPS)]
    assert len(seen) == STEPS

    def mean(z: np.typing.NDArray[np.float64]) -> tuple[float, float, float]:
        speech = aligned()
        looks = [
            descent().look(z, speech.crop(first, CROP))[0]
            for first in range(0, speech.frames - CROP, CROP)
        ]
        return tuple(np.mean([(s.loss, s.bands, s.speaker) for s in looks], axis=0))

    before, after = mean(start()), mean(z)
    assert after[0] < before[0] - 0.2
    assert after[1] < before[1]
    assert after[2] > before[2] + 0.01


def test_it_comes_to_the_same_for_the_same() -> None:
    once, again = (descent().run(start(), aligned(), silent, steps=2) for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_whoever_watches_may_stop_it() -> None:
    class StoppedError(Exception):
        pass

    seen: list[Step] = []

    def stop(share: float) -> None:
        if share > 0:
            raise StoppedError

    with pytest.raises(StoppedError):
        descent().run(start(), aligned(), stop, steps=STEPS, seen=seen.append)
    assert len(seen) == 1


def test_less_than_a_crop_is_refused() -> None:
    with pytest.raises(Unalignable, match="too little"):
        descent().run(start(), aligned().crop(0, CROP - 1), silent, steps=1)
