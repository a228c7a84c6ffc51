"""Work done aside costs one call when it goes wrong, and nothing when nobody asks for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from charafy.kernel.aside import GIB, Aside, WorkFailed
from charafy.kernel.errors import TooManyRequests

FACTORY = "tests.support.clumsy:Clumsy"
Make = Callable[..., Aside]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Aside] = []

    def build(*arguments: object, **options: Any) -> Aside:
        made.append(Aside(FACTORY, *arguments, what="The avatar", **options))
        return made[-1]

    yield build
    for aside in made:
        aside.close()


def ask(aside: Aside, method: str, *arguments: object, timeout_s: float = 30) -> Any:
    return aside.call(method, *arguments, timeout_s=timeout_s)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def until(true: Callable[[], bool], patience_s: float = 10) -> bool:
    """Look every hundredth of a second; whether it came true in time."""
    tick = threading.Event()
    for _ in range(int(patience_s * 100)):
        if true():
            return True
        tick.wait(0.01)
    return False


def test_the_object_is_built_once_in_a_process_of_its_own_and_kept(make: Make) -> None:
    aside = make("Emma")
    assert aside.processes() == []

    first, second = ask(aside, "whoami"), ask(aside, "whoami")

    assert first == (aside.processes()[0], "Emma", 1)
    assert second == (first[0], "Emma", 2)
    assert first[0] != os.getpid()


def test_megabytes_go_both_ways_and_what_a_library_prints_goes_nowhere(make: Make) -> None:
    aside, data = make(), os.urandom(5_000_000)

    assert ask(aside, "print_much") == "quiet"
    assert ask(aside, "echo", data) == data


def test_the_child_is_not_told_the_server_s_secrets(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARAFY_STRIPE_SECRET_KEY", "sk_live_1")
    assert ask(make(), "secrets") == []


def test_what_the_code_raises_is_said_without_its_words(make: Make) -> None:
    aside = make()
    with pytest.raises(WorkFailed) as caught:
        ask(aside, "fail")

    assert caught.value.message == (
        "The avatar could not be made: its code failed. Please try again."
    )
    assert caught.value.status == 500
    assert ask(aside, "whoami")[2] == 1, "after a failure a new child does the work"


def test_a_crash_is_one_failed_call(make: Make) -> None:
    aside = make()
    with pytest.raises(WorkFailed, match="ended unexpectedly"):
        ask(aside, "crash")
    assert ask(aside, "whoami")[2] == 1


def test_a_child_killed_while_it_works_is_one_failed_call(make: Make, tmp_path: Path) -> None:
    aside = make()
    pid = ask(aside, "whoami")[0]
    begun = tmp_path / "begun"
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(ask, aside, "hang", begun)
        assert until(begun.exists)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkFailed, match="ended unexpectedly"):
            working.result(10)


def test_a_child_killed_while_it_is_idle_is_noticed_by_nobody(make: Make) -> None:
    aside = make()
    pid = ask(aside, "whoami")[0]
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    assert ask(aside, "whoami")[0] != pid


def test_work_that_takes_too_long_is_ended(make: Make) -> None:
    aside = make()
    pid = ask(aside, "whoami")[0]
    with pytest.raises(WorkFailed, match=r"it took longer than 0\.2 seconds"):
        ask(aside, "hang", timeout_s=0.2)
    assert gone(pid)
    assert aside.processes() == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems limit no address space")
def test_work_that_wants_too_much_memory_is_refused_it(make: Make) -> None:
    aside = make(memory_bytes=GIB)
    assert ask(aside, "devour", 50_000_000) == 50_000_000
    with pytest.raises(WorkFailed, match="there was not enough memory"):
        ask(aside, "devour", 2 * GIB)
    assert ask(aside, "devour", 1) == 1


def test_a_child_leaves_after_its_number_of_calls(make: Make) -> None:
    aside = make(calls=2)
    pids = [ask(aside, "whoami")[0] for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_an_idle_child_leaves_and_the_next_call_starts_another(make: Make) -> None:
    aside = make(idle_s=0.05)
    pid = ask(aside, "whoami")[0]
    assert until(lambda: gone(pid))
    assert aside.processes() == []
    assert ask(aside, "whoami")[2] == 1


def test_beyond_the_queue_callers_are_told_to_come_back(make: Make) -> None:
    aside = make(waiting=0)
    ask(aside, "whoami")
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(ask, aside, "hang", timeout_s=1)
        assert until(lambda: aside._seats._value == 0)
        with pytest.raises(TooManyRequests, match="The avatar has to wait") as refused:
            ask(aside, "whoami")
        assert isinstance(working.exception(10), WorkFailed)
    assert refused.value.headers["Retry-After"] == "10"


def test_who_waits_too_long_for_a_place_is_told_to_come_back(make: Make) -> None:
    aside = make(wait_s=0.05)
    ask(aside, "whoami")
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(ask, aside, "hang", timeout_s=1)
        assert until(lambda: aside._places._value == 0)
        with pytest.raises(TooManyRequests):
            ask(aside, "whoami")
        assert isinstance(working.exception(10), WorkFailed)


def test_many_callers_share_one_child(make: Make) -> None:
    aside = make()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ask(aside, "whoami"), range(8)))
    assert {pid for pid, _, _ in answers} == set(aside.processes())
    assert sorted(number for _, _, number in answers) == list(range(1, 9))


def test_closing_ends_the_work_under_way_and_takes_no_more(make: Make) -> None:
    aside = make()
    pid = ask(aside, "whoami")[0]
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(ask, aside, "hang")
        assert until(lambda: aside._places._value == 0)
        aside.close()
        assert isinstance(working.exception(10), WorkFailed)
    assert gone(pid)
    with pytest.raises(WorkFailed, match="the server is stopping"):
        ask(aside, "whoami")


def test_the_child_goes_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = f"""
import threading
from charafy.kernel.aside import Aside
aside = Aside({FACTORY!r}, what="The avatar")
print(aside.call("whoami", timeout_s=30)[0], flush=True)
aside.call("hang", timeout_s=600)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait(10)
    parent.stdout.close()
    assert until(lambda: gone(child))


def test_a_child_that_is_ended_between_two_writes_has_failed_like_any_other(make: Make) -> None:
    aside = make()
    ask(aside, "whoami")
    (child,) = aside._idle
    assert child._process.stdin is not None
    # A child that runs sees the end of its requests and goes, maybe before it is asked.
    os.kill(child.pid, signal.SIGSTOP)
    child._process.stdin.close()
    with pytest.raises(WorkFailed):
        ask(aside, "whoami")
