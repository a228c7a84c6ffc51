"""One has its turn, few wait, and all others are told at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from charafy.kernel.errors import TooManyRequests
from charafy.kernel.single_file import SingleFile


def busy() -> TooManyRequests:
    return TooManyRequests("Later.", retry_after_s=1)


def test_those_who_wait_have_their_turn_one_after_the_other() -> None:
    line = SingleFile(2, 30, busy)
    inside, most, began = 0, 0, threading.Barrier(3)

    def work() -> None:
        nonlocal inside, most
        began.wait(30)
        with line.turn():
            inside += 1
            most = max(most, inside)
            inside -= 1

    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(work) for _ in range(3)]:
            done.result(30)
    assert most == 1


def test_who_finds_every_place_taken_is_told_at_once() -> None:
    line = SingleFile(0, 30, busy)
    with line.turn(), pytest.raises(TooManyRequests), line.turn():
        pytest.fail("had a turn")
    with line.turn():
        pass


def test_who_waited_too_long_is_told_so_and_leaves_their_place() -> None:
    line = SingleFile(1, 0.01, busy)
    with line.turn():
        for _ in range(3):
            with pytest.raises(TooManyRequests), line.turn():
                pytest.fail("had a turn")


def test_a_turn_that_fails_is_over() -> None:
    line = SingleFile(0, 30, busy)
    with pytest.raises(ZeroDivisionError), line.turn():
        raise ZeroDivisionError
    with line.turn():
        pass
