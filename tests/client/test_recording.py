"""A film of a conversation: what was seen and heard at one moment is there at one moment."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charafy.client.recording import Recording, laid_out
from charafy.kernel.media.audio import SAMPLE_RATE, Pcm

PIECE = SAMPLE_RATE // 50
START = 5_000.0
FLASHES = ((1.0, 1.4), (2.2, 2.5), (3.5, 4.2))


def flashing(at_s: float) -> bool:
    return any(begin <= at_s < end for begin, end in FLASHES)


def sound(seconds: float, jitter: list[float]) -> list[tuple[float, Pcm]]:
    """Pieces of 20 ms that are loud while it flashes, each late by some of `jitter`."""
    pieces = []
    for n in range(round(seconds * 50)):
        loud = 0.5 if flashing(n / 50) else 0.0
        late = jitter[n % len(jitter)] if jitter else 0.0
        pieces.append((START + n / 50 + late, np.full(PIECE, loud, np.float32)))
    return pieces


@given(st.lists(st.floats(0, 0.03), max_size=40))
def test_sound_is_unbroken_however_its_pieces_arrive(jitter: list[float]) -> None:
    pcm = laid_out(sound(5.0, jitter), START, 5.0)
    loud = np.flatnonzero(pcm > 0.25) / SAMPLE_RATE
    edges = np.flatnonzero(np.diff(pcm) != 0)
    assert len(edges) == 2 * len(FLASHES), "no piece overlaps another or leaves a gap"
    assert FLASHES[0][0] - 0.001 <= loud[0] <= FLASHES[0][0] + 0.031


def test_sound_that_was_held_up_goes_on_where_it_was_heard() -> None:
    pieces = sound(5.0, [])
    held = [(at + (1.0 if n >= 150 else 0.0), pcm) for n, (at, pcm) in enumerate(pieces)]
    pcm = laid_out(held, START, 6.0)
    loud = np.flatnonzero(pcm > 0.25) / SAMPLE_RATE
    assert loud[-1] == pytest.approx(FLASHES[2][1] + 1.0, abs=0.01)
    assert loud[0] == pytest.approx(FLASHES[0][0], abs=0.01)


@pytest.mark.parametrize("start", [START - 2, START, START + 1.2, START + 99])
def test_it_begins_and_ends_where_it_is_told(start: float) -> None:
    pcm = laid_out(sound(5.0, []), start, 3.0)
    assert len(pcm) == 3 * SAMPLE_RATE
    for second in np.arange(0.005, 3, 0.05):
        loud = pcm[round(float(second) * SAMPLE_RATE)] > 0.25
        assert loud == flashing(start + float(second) - START)


@pytest.mark.parametrize("name", ["talk.mp4", "talk.webm"])
def test_a_flash_and_its_sound_are_at_one_moment_of_the_film(tmp_path: Path, name: str) -> None:
    recording = Recording()
    for n in range(5 * 23):  # not the film's rate, and with gaps
        if n % 7 != 3:
            at = n / 23
            grey = 230 if flashing(at) else 20
            recording.see(START + at, np.full((64, 48, 3), grey, np.uint8))
    seconds = recording.save(tmp_path / name, sound(5.0, [0.01, 0.0]), until=START + 5)
    assert seconds == pytest.approx(5.0)
    seen, heard = decoded(tmp_path / name)
    bright = [at for at, level in seen if level > 128]
    loud = [at for at, level in heard if level > 0.2]
    assert bright[0] == pytest.approx(loud[0], abs=0.1) and bright[0] == pytest.approx(1, abs=0.1)
    assert bright[-1] == pytest.approx(loud[-1], abs=0.15)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_without_a_picture_there_is_no_film(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no picture"):
        Recording().save(tmp_path / "talk.mp4", sound(1.0, []), until=START)
    recording = Recording()
    recording.see(START, np.zeros((64, 48, 3), np.uint8))
    with pytest.raises(ValueError, match="must end in"):
        recording.save(tmp_path / "talk.avi", (), until=START + 1)
    assert list(tmp_path.iterdir()) == []


def decoded(path: Path) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """When each frame is, and how bright, or how loud, it is."""
    with av.open(str(path)) as film:
        seen = [
            (float(frame.time or 0), float(frame.to_ndarray(format="gray").mean()))
            for frame in film.decode(video=0)
        ]
    with av.open(str(path)) as film:
        heard = [
            (float(frame.time or 0), float(np.abs(frame.to_ndarray()).mean()))
            for frame in film.decode(audio=0)
        ]
    return seen, heard
