"""The anime detector's child process: whatever it does, the parent lives and says "no answer"."""

from __future__ import annotations

import resource
import subprocess
import sys

import numpy as np
import pytest

from charafy.engines.portrait.finding import animeface
from tests.engines.portrait.finding.conftest import Load


def rgb(load: Load, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    picture = load(name).astype(np.uint16)
    alpha = picture[..., 3:]
    return ((picture[..., :3] * alpha + 200 * (255 - alpha)) // 255).astype(np.uint8)


@pytest.fixture
def a_child_that(monkeypatch: pytest.MonkeyPatch, tmp_path):  # type: ignore[no-untyped-def]
    """Replaces the child's program."""

    def replace(program: str) -> None:
        path = tmp_path / "child.py"
        path.write_text("import os, sys, time\nsys.stdin.buffer.read()\n" + program)
        monkeypatch.setattr(animeface, "__file__", str(path))

    return replace


def test_each_picture_gets_its_answer(load: Load) -> None:
    answers = animeface.ask([rgb(load, "eileen.png"), np.zeros((200, 200, 3), np.uint8)])
    assert [len(faces) for faces in answers] == [1, 0]
    face = answers[0][0]
    assert face.likelihood > 0.9
    assert face.left_eye[0] < face.right_eye[0]


def test_pictures_too_large_for_it_are_the_caller_s_mistake() -> None:
    with pytest.raises(ValueError, match="at most"):
        animeface.ask([np.zeros((animeface.MAX_SIDE + 1, 10, 3), np.uint8)])


@pytest.mark.parametrize(
    "program",
    [
        "os.kill(os.getpid(), 11)",
        "sys.exit(3)",
        "print('[{')",
        'print(\'[{"likelihood": "much"}]\')',
        "print('[[1, 2]]')",
        "sys.stdout.buffer.write(bytes(range(256)))",
        "raise MemoryError",
    ],
)
def test_a_crash_or_nonsense_is_no_answer(program: str, a_child_that) -> None:  # type: ignore[no-untyped-def]
    a_child_that(program)
    assert animeface.ask([np.zeros((20, 20, 3), np.uint8)]) == []


def test_what_was_said_before_a_crash_counts(a_child_that) -> None:  # type: ignore[no-untyped-def]
    a_child_that("print('[]', flush=True)\nos.kill(os.getpid(), 11)")
    assert animeface.ask([np.zeros((20, 20, 3), np.uint8)] * 2) == [[]]


def test_a_hanging_child_is_ended(a_child_that, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(animeface, "WALL_S", 0.5)
    a_child_that("print('[]', flush=True)\ntime.sleep(600)")
    assert animeface.ask([np.zeros((20, 20, 3), np.uint8)] * 2) == [[]]


def test_the_child_sees_no_secrets(a_child_that, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("CHARAFY_SECRET", "x")
    a_child_that("print('[]' if 'CHARAFY_SECRET' in os.environ else 'none')")
    assert animeface.ask([np.zeros((20, 20, 3), np.uint8)]) == []


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_the_child_limits_itself() -> None:
    program = (
        f"import runpy, resource; m = runpy.run_path({animeface.__file__!r}); m['_limit']();"
        "print(resource.getrlimit(resource.RLIMIT_CPU)[0]);"
        "print(resource.getrlimit(resource.RLIMIT_AS)[0])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert shown.stdout.split() == [b"%d" % animeface.CPU_S, b"%d" % animeface.MEMORY]
    assert resource.getrlimit(resource.RLIMIT_AS)[0] != animeface.MEMORY


@pytest.mark.parametrize("data", [b"", b"abc", b"\xff" * 8, b"\x10\x00\x00\x00\x10\x00\x00\x00abc"])
def test_a_broken_stream_ends_the_child_quietly(data: bytes) -> None:
    child = subprocess.run(
        [sys.executable, "-I", animeface.__file__], input=data, capture_output=True, timeout=30
    )
    assert (child.returncode, child.stdout) == (0, b"")
