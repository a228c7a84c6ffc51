"""Many recordings at once wait a little, or are told to come back: nobody fills the memory."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import pytest

from charafy.engines.voice import Pcm
from charafy.engines.voice.cloning.quality import Quality
from charafy.engines.voice.cloning.scripted import ScriptedCloner
from charafy.kernel.errors import TooManyRequests, UpstreamFailed
from charafy.kernel.storage import Storage
from charafy.kernel.stores import FolderStore
from charafy.voices.listening import MAX_AT_ONCE, Heard, Listening
from charafy.voices.listening import MAX_WAITING as MOST_WAITING
from charafy.voices.making import MAX_WAITING, Making, nobody
from charafy.voices.models import Wanted
from tests.support import recordings
from tests.support.clock import ManualClock

FINE = Quality(12.5, 11.0, 30.0, 0.0, -20.0, 9_000, 1, ())
WANTED = Wanted(b"", "Me", "en", None)


class Gate:
    """Work that takes as long as a test wants."""

    def __init__(self) -> None:
        self.inside = threading.Semaphore(0)
        self._go = threading.Event()

    def wait(self) -> None:
        self.inside.release()
        assert self._go.wait(20)

    @contextmanager
    def held(self, count: int, work: Callable[[], object]) -> Iterator[None]:
        """So many are inside while the block runs."""
        with ThreadPoolExecutor(count) as threads:
            running = [threads.submit(work) for _ in range(count)]
            try:
                for _ in range(count):
                    assert self.inside.acquire(timeout=20)
                yield
            finally:
                self._go.set()
            for one in running:
                one.result(20)


def test_recordings_are_read_a_few_at_a_time() -> None:
    gate = Gate()

    def examine(_pcm: Pcm) -> Quality:
        gate.wait()
        return FINE

    listening = Listening(examine, wait_s=0.05)
    with gate.held(MAX_AT_ONCE, lambda: listening.hear(recordings.speech())):
        with pytest.raises(TooManyRequests) as refused:
            listening.hear(recordings.speech())
        assert refused.value.code == "recordings_busy"
    assert listening.hear(recordings.speech()).quality == FINE


def test_few_recordings_may_wait_for_others() -> None:
    """Whoever waits holds a thread: the others are told at once."""
    gate, crowd = Gate(), 10

    def examine(_pcm: Pcm) -> Quality:
        gate.wait()
        return FINE

    listening = Listening(examine, wait_s=20.0)

    def hear() -> Heard:
        return listening.hear(recordings.speech())

    with ThreadPoolExecutor(crowd) as threads:
        with gate.held(MAX_AT_ONCE, hear):
            rest = [threads.submit(hear) for _ in range(crowd)]
            told = list(itertools.islice(as_completed(rest, timeout=20), crowd - MOST_WAITING))
        assert all(isinstance(one.exception(), TooManyRequests) for one in told)
        assert [one.result(20).quality for one in rest if one not in told] == [FINE] * MOST_WAITING


def test_without_models_it_is_the_operator_who_is_told_what_to_do() -> None:
    def examine(_pcm: Pcm) -> Quality:
        raise FileNotFoundError("/secret/folder/silero_vad.onnx")

    with pytest.raises(UpstreamFailed, match="charafy models pull") as failed:
        Listening(examine).hear(recordings.speech())
    assert "secret" not in failed.value.message


@pytest.fixture
def heard() -> Heard:
    return Heard(recordings.pcm(), "0" * 64, FINE)


def test_voices_are_cloned_one_after_the_other_and_few_may_wait(
    tmp_path: Path, clock: ManualClock, heard: Heard
) -> None:
    gate = Gate()
    storage = Storage(FolderStore(tmp_path), b"s" * 32, "http://testserver", clock)
    first = threading.Event()

    def step() -> None:
        if not first.is_set():
            first.set()
            gate.wait()

    making = Making(storage, ScriptedCloner(step=step), clock, wait_s=20.0)

    def make() -> object:
        return making.make("voice", heard, WANTED, nobody)

    with ThreadPoolExecutor(10) as threads:
        with gate.held(1, make):
            rest = [threads.submit(make) for _ in range(10)]
            refused = list(itertools.islice(as_completed(rest, timeout=20), 10 - MAX_WAITING))
        served = [one.result(20) for one in rest if one not in refused]
    assert all(isinstance(one.exception(), TooManyRequests) for one in refused)
    assert len(served) == MAX_WAITING


def test_waiting_for_other_clones_ends(tmp_path: Path, clock: ManualClock, heard: Heard) -> None:
    gate = Gate()
    storage = Storage(FolderStore(tmp_path), b"s" * 32, "http://testserver", clock)
    first = threading.Event()

    def step() -> None:
        if not first.is_set():
            first.set()
            gate.wait()

    making = Making(storage, ScriptedCloner(step=step), clock, wait_s=0.05)
    first_one = gate.held(1, lambda: making.make("voice", heard, WANTED, nobody))
    with first_one, pytest.raises(TooManyRequests):
        making.make("voice", heard, WANTED, nobody)
    assert making.make("voice", heard, WANTED, nobody)
