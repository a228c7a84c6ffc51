"""Window sizes: early first audio, then no gap on any machine that keeps up at all."""

from __future__ import annotations

import pytest

from charafy.engines.voice.kokoro.acoustic import FRAMES_PER_S
from charafy.engines.voice.kokoro.windows import CONTEXT, Even, Pace, Speedometer


class Machine:
    """A player that starts with the first chunk, on a machine that needs `load` s per second."""

    def __init__(self, load: float) -> None:
        self.load = load
        self.now = 0.0
        self.speedometer = Speedometer()
        self.speedometer.note(16, 16 * load / FRAMES_PER_S)
        self.first_s = 0.0
        self.gaps_s = 0.0
        self.windows: list[int] = []

    def speak(self, frames: int) -> None:
        pace = Pace(self.speedometer, lambda: self.now)
        heard_until = None
        while frames:
            window = pace.frames(frames)
            work = (window + 2 * CONTEXT) * self.load / FRAMES_PER_S
            self.now += work
            self.speedometer.note(window + 2 * CONTEXT, work)
            if heard_until is None:
                self.first_s = heard_until = self.now
            self.gaps_s += max(0.0, self.now - heard_until)
            heard_until = max(heard_until, self.now) + window / FRAMES_PER_S
            pace.gave(window / FRAMES_PER_S)
            self.windows.append(window)
            frames -= window


@pytest.mark.parametrize("load", [0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.65])
def test_a_player_that_starts_at_once_never_runs_dry(load: float) -> None:
    machine = Machine(load)
    machine.speak(1200)
    assert sum(machine.windows) == 1200
    assert machine.gaps_s == pytest.approx(0, abs=1e-9)


def test_a_fast_machine_always_cuts_alike() -> None:
    cuts = set()
    for load in (0.05, 0.1, 0.2):
        machine = Machine(load)
        machine.speak(300)
        cuts.add(tuple(machine.windows))
    assert cuts == {(14, 24, 40, 60, 60, 60, 42)}


def test_the_first_window_is_small_on_a_fast_machine() -> None:
    machine = Machine(0.2)
    machine.speak(100)
    assert machine.first_s < 0.12


def test_a_busy_machine_still_starts_within_one_window_of_28_frames() -> None:
    machine = Machine(0.95)
    machine.speak(300)
    assert machine.windows[0] == 28


def test_no_scrap_is_left_for_a_window_of_its_own() -> None:
    for frames in range(1, 200):
        machine = Machine(0.2)
        machine.speak(frames)
        assert len(machine.windows) == 1 or machine.windows[-1] >= 8


def test_a_caller_that_only_collects_gets_wide_windows() -> None:
    speedometer = Speedometer()
    speedometer.note(16, 16 * 0.2 / FRAMES_PER_S)
    pace = Pace(speedometer, lambda: 0.0)
    sizes = []
    for _ in range(6):
        sizes.append(pace.frames(10_000))
        pace.gave(sizes[-1] / FRAMES_PER_S)
    assert sizes[-1] == 60


def test_the_speedometer_follows_the_machine() -> None:
    speedometer = Speedometer()
    speedometer.note(40, 0.2)
    assert speedometer.load == pytest.approx(0.2)
    for _ in range(20):
        speedometer.note(40, 0.6)
    assert speedometer.load == pytest.approx(0.6, rel=0.01)


def test_without_a_listener_windows_are_the_same_on_every_machine() -> None:
    even, sizes, left = Even(), [], 300
    while left:
        sizes.append(even.frames(left))
        left -= sizes[-1]
        even.gave(10.0)
    assert sizes == [60, 60, 60, 60, 60]
    assert even.frames(67) == 67, "a little rest comes along"
    assert even.frames(68) == 60
