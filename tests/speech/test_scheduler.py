"""Who is served next, who waits, who is refused: the scheduler without HTTP and without money."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from charafy.engines.voice import SAMPLE_RATE, Mark, NothingToSay, SpeechChunk
from charafy.kernel.errors import BadRequest, TooManyRequests, UpstreamFailed
from charafy.kernel.media.audio import encoder
from charafy.speech import synthesis
from charafy.speech.recording import collect_now
from charafy.speech.scheduler import Scheduler
from charafy.speech.synthesis import Synthesis
from tests.support.clock import ManualClock

WAIT_S = 10.0


class Journal:
    """Speeches of one-second chunks that note every chunk made, and wait at a gate."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self._changed = threading.Condition()
        self._allowed = 0
        self._begun = 0

    def speech(self, name: str, chunks: int = 3) -> Callable[[], Iterator[SpeechChunk]]:
        def speak() -> Iterator[SpeechChunk]:
            try:
                for number in range(chunks):
                    with self._changed:
                        self._begun += 1
                        self._changed.notify_all()
                        assert self._changed.wait_for(lambda: self._allowed > 0, WAIT_S)
                        self._allowed -= 1
                        self.made.append(name)
                        self._changed.notify_all()
                    mark = Mark("word", name, float(number), number + 1.0)
                    yield SpeechChunk(np.zeros(SAMPLE_RATE, np.float32), (mark,), number + 1)
            finally:
                with self._changed:
                    self.made.append(f"{name} ended")
                    self._changed.notify_all()

        return speak

    def allow(self, chunks: int) -> None:
        with self._changed:
            self._allowed += chunks
            self._changed.notify_all()

    def wait_until_begun(self, chunks: int) -> None:
        """Until so many chunks stand at the gate or have passed it."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._begun >= chunks, WAIT_S)

    def wait_for(self, entries: int) -> list[str]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.made) >= entries, WAIT_S), self.made
            return list(self.made)


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
def scheduler(clock: ManualClock, journal: Journal) -> Iterator[Scheduler]:
    """With one thread, so that the order is plain to see."""
    scheduler = Scheduler(1, clock.monotonic, max_open=3)
    yield scheduler
    journal.allow(1_000)
    scheduler.close()


def submit(
    scheduler: Scheduler, journal: Journal, name: str, chunks: int = 3, rank: int = 0
) -> Synthesis:
    return scheduler.submit(journal.speech(name, chunks), encoder("pcm"), rank)


def test_a_new_speech_starts_before_one_that_is_ahead_of_its_listener(
    scheduler: Scheduler, journal: Journal
) -> None:
    submit(scheduler, journal, "long", 5)
    journal.allow(2)
    journal.wait_until_begun(3)  # two seconds are in store, and a third is begun
    submit(scheduler, journal, "new", 2)
    journal.allow(3)

    assert journal.wait_for(5)[:5] == ["long", "long", "long", "new", "new"]


def test_waiting_for_another_service_keeps_nobody_else_waiting(
    scheduler: Scheduler, journal: Journal
) -> None:
    """Its threads are others than those that compute, here one."""
    answered = threading.Event()

    def remote() -> Iterator[SpeechChunk]:
        assert answered.wait(WAIT_S)
        yield SpeechChunk(np.zeros(SAMPLE_RATE, np.float32), (), 1)

    waiting = [scheduler.submit(remote, encoder("pcm"), waits=True) for _ in range(3)]
    submit(scheduler, journal, "ours", 2)
    journal.allow(2)
    assert journal.wait_for(3) == ["ours", "ours", "ours ended"]
    assert [synthesis.take() for synthesis in waiting] == [None] * 3

    answered.set()
    recordings = [collect_now(synthesis, "pcm", scheduler.wake) for synthesis in waiting]
    assert [recording.audio_s for recording in recordings] == [1.0] * 3


def test_speeches_whose_listeners_wait_take_turns(
    scheduler: Scheduler, journal: Journal, clock: ManualClock
) -> None:
    submit(scheduler, journal, "behind", 3)
    journal.allow(1)
    journal.wait_until_begun(2)
    clock.advance(60)  # its second of sound was over long ago
    submit(scheduler, journal, "new", 2)
    clock.advance(1)
    for chunks in range(1, 5):
        journal.allow(1)
        journal.wait_for(chunks + 1)
        clock.advance(60)  # nobody ever gets ahead

    order = [entry for entry in journal.wait_for(5) if not entry.endswith("ended")]
    assert order[:4] == ["behind", "behind", "new", "behind"]


def test_a_speech_that_will_be_late_goes_before_one_that_is_well_ahead(
    scheduler: Scheduler, journal: Journal, clock: ManualClock
) -> None:
    submit(scheduler, journal, "ahead", 9)
    journal.allow(4)
    journal.wait_until_begun(5)  # four seconds are in store, and a fifth is begun
    submit(scheduler, journal, "short", 4)
    clock.advance(0.1)
    journal.allow(4)

    assert journal.wait_for(8)[4:8] == ["ahead", "short", "short", "short"]


def test_one_accounts_many_requests_do_not_push_another_accounts_first_one_back(
    scheduler: Scheduler, journal: Journal, clock: ManualClock
) -> None:
    submit(scheduler, journal, "busy", 1)
    journal.wait_until_begun(1)  # the only thread has it
    greedy = [scheduler.admit("greedy", 8) for _ in range(2)]
    for seat in greedy:
        submit(scheduler, journal, f"greedy {seat.rank}", 1, seat.rank)
    clock.advance(0.1)
    modest = scheduler.admit("modest", 8)
    submit(scheduler, journal, "modest", 1, modest.rank)
    journal.allow(4)

    order = [entry for entry in journal.wait_for(8) if not entry.endswith("ended")]
    assert order == ["busy", "greedy 0", "modest", "greedy 1"]


def test_a_speech_that_nobody_takes_pauses_until_somebody_does(
    scheduler: Scheduler, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthesis, "RUN_AHEAD_BYTES", 48_000)  # one second of PCM
    unread = submit(scheduler, journal, "unread", 3)
    journal.allow(100)
    journal.wait_for(1)
    submit(scheduler, journal, "other", 1)
    assert journal.wait_for(2) == ["unread", "other"]

    assert unread.take() is not None
    scheduler.wake()

    assert journal.wait_for(3)[2] == "unread"


def test_closing_a_speech_ends_its_engine_after_the_chunk_under_way(
    scheduler: Scheduler, journal: Journal
) -> None:
    speech = submit(scheduler, journal, "left", 50)
    journal.allow(2)
    journal.wait_until_begun(3)

    speech.close()
    scheduler.wake()
    journal.allow(1)

    assert journal.wait_for(4)[2:4] == ["left", "left ended"]


def test_pieces_add_up_to_the_speech(scheduler: Scheduler, journal: Journal) -> None:
    journal.allow(3)

    recording = collect_now(submit(scheduler, journal, "whole"), "pcm", scheduler.wake)

    assert len(recording.data) == 3 * SAMPLE_RATE * 2
    assert recording.audio_s == 3.0
    assert [mark.start_s for mark in recording.marks] == [0.0, 1.0, 2.0]


def test_the_house_and_every_account_have_only_so_many_seats(scheduler: Scheduler) -> None:
    first = scheduler.admit("a", 2)
    scheduler.admit("a", 2)
    with pytest.raises(TooManyRequests) as refused:
        scheduler.admit("a", 2)
    assert refused.value.code == "concurrency_limited"

    scheduler.admit("b", 2)
    with pytest.raises(TooManyRequests) as full:
        scheduler.admit("c", 2)
    assert full.value.code == "at_capacity"
    assert int(full.value.headers["Retry-After"]) >= 1

    scheduler.leave(first)
    assert scheduler.admit("c", 2).rank == 0
    assert scheduler.open_seats == 3


def test_what_an_engine_raises_fails_its_own_speech_alone(
    scheduler: Scheduler, journal: Journal
) -> None:
    def broken() -> Iterator[SpeechChunk]:
        raise RuntimeError("secret words")

    def silent() -> Iterator[SpeechChunk]:
        raise NothingToSay("nothing")

    with pytest.raises(UpstreamFailed) as failed:
        collect_now(scheduler.submit(broken, encoder("pcm")), "pcm", scheduler.wake)
    assert "secret" not in failed.value.message
    with pytest.raises(BadRequest):
        collect_now(scheduler.submit(silent, encoder("pcm")), "pcm", scheduler.wake)
    journal.allow(3)
    assert collect_now(submit(scheduler, journal, "fine"), "pcm", scheduler.wake).audio_s == 3.0


def test_closing_the_scheduler_ends_its_threads_and_fails_what_was_under_way(
    clock: ManualClock, journal: Journal
) -> None:
    before = threading.active_count()
    scheduler = Scheduler(2, clock.monotonic)
    speech = submit(scheduler, journal, "long", 50)
    journal.allow(1)
    journal.wait_until_begun(2)

    closing = threading.Thread(target=scheduler.close)
    closing.start()
    journal.allow(2)
    closing.join(WAIT_S)

    assert threading.active_count() == before
    assert journal.made[-1] == "long ended"
    with pytest.raises(UpstreamFailed):
        speech.take()
    with pytest.raises(TooManyRequests):
        submit(scheduler, journal, "late")


def test_many_speeches_on_few_threads_all_arrive_whole(
    clock: ManualClock, journal: Journal
) -> None:
    scheduler = Scheduler(2, clock.monotonic)
    journal.allow(10_000)
    speeches = [submit(scheduler, journal, str(number), 20) for number in range(40)]

    sizes = {len(collect_now(speech, "pcm", scheduler.wake).data) for speech in speeches}

    scheduler.close()
    assert sizes == {20 * SAMPLE_RATE * 2}
