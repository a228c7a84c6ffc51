"""What orders bring along is read a few at a time."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from charafy.kernel.errors import TooManyRequests
from charafy.kernel.fetch import Fetcher
from charafy.kernel.media.audio import Pcm
from charafy.kernel.media.images import PhotoReader
from charafy.videos.inputs import MAX_AT_ONCE, Inputs
from tests.support.clock import ManualClock
from tests.support.videos import recording

SPOKEN = "data:audio/wav;base64," + base64.b64encode(recording()).decode()


@pytest.fixture
def fetcher(clock: ManualClock) -> Iterator[Fetcher]:
    fetcher = Fetcher(clock)
    yield fetcher
    fetcher.close()


def test_recordings_beyond_a_few_wait_and_are_refused_in_the_end(
    fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, done = threading.Semaphore(0), threading.Event()

    def slow(_data: bytes) -> Pcm:
        busy.release()
        assert done.wait(30)
        return np.zeros(1, np.float32)

    monkeypatch.setattr("charafy.videos.inputs.read_recording", slow)
    inputs = Inputs(fetcher, PhotoReader(), wait_s=0.01)
    with ThreadPoolExecutor(MAX_AT_ONCE) as others:
        reading = [others.submit(inputs.recording, SPOKEN) for _ in range(MAX_AT_ONCE)]
        try:
            assert all(busy.acquire(timeout=30) for _ in reading)
            with pytest.raises(TooManyRequests) as refused:
                inputs.recording(SPOKEN)
        finally:
            done.set()
    assert refused.value.code == "recordings_busy"
    assert [len(job.result()) for job in reading] == [1, 1]
    assert len(inputs.recording(SPOKEN)) == 1
