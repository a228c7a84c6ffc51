"""Two processes of one kind never have the same name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from charafy.kernel.seats import SeatTaken, names_here, seat

HOLD = """
import sys, time
from pathlib import Path
from charafy.kernel.seats import seat
with seat(Path(sys.argv[1]), "worker", ("a-1", "a-2"), patience_s=0, taken="taken") as name:
    print(name, flush=True)
    time.sleep(60)
"""


def take(folder: Path, *names: str, kind: str = "worker") -> str:
    with seat(folder, kind, names, patience_s=0, taken="Give each its own name.") as name:
        return name


def test_each_gets_the_first_name_that_is_free(tmp_path: Path) -> None:
    with seat(tmp_path, "worker", ("a-1", "a-2"), patience_s=0, taken="taken") as first:
        assert (first, take(tmp_path, "a-1", "a-2")) == ("a-1", "a-2")
        assert take(tmp_path, "a-1", kind="talk") == "a-1"  # of another kind
    assert take(tmp_path, "a-1", "a-2") == "a-1"


def test_a_name_that_stays_taken_is_refused_after_some_patience(tmp_path: Path) -> None:
    waited: list[float] = []
    with (
        seat(tmp_path, "worker", ("a",), patience_s=0, taken="taken"),
        pytest.raises(SeatTaken, match="own name"),
        seat(
            tmp_path,
            "worker",
            ("a",),
            patience_s=1.0,
            taken="Give each its own name.",
            sleep=waited.append,
            monotonic=lambda: sum(waited),
        ),
    ):
        pass
    assert sum(waited) == pytest.approx(1.0, abs=0.3)


def test_a_killed_process_gives_its_name_back(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == "a-1"
        assert take(tmp_path, "a-1", "a-2") == "a-2"
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        assert take(tmp_path, "a-1", "a-2") == "a-1"
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


@pytest.mark.parametrize(
    ("hostname", "name"),
    [
        ("Web.example.com", "web-1"),
        ("charafy-worker-7d9f8b6c5-x2x4z", "charafy-worker-7d9f8b6c5-x2x4z-1"),
        ("_", "host-1"),
        ("a" * 80, "a" * 36 + "-1"),
    ],
)
def test_names_are_the_machines_and_a_number(hostname: str, name: str) -> None:
    names = names_here(hostname)
    assert names[0] == name
    assert len(set(names)) == len(names)
    assert all(len(one) <= 40 for one in names)
