"""`charafy converse` beside a running server: a turn over WebRTC, from end to end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from charafy.cli.converse import _limit_s
from charafy.kernel.media.audio import Pcm
from tests.cli.conftest import Run
from tests.support.server import running

READY_S = 60.0
SCRIPTED = {
    "CHARAFY_VOICE_ENGINE": "scripted",
    "CHARAFY_LLM_ENGINE": "scripted",
    "CHARAFY_TALK": "on",
}


@pytest.fixture(scope="module")
def converse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """`charafy converse ...` beside a server of its own whose talking process has started.

    `far=True`: from a machine that has nothing but a key.
    """
    home = tmp_path_factory.mktemp("home")
    with running(home, **SCRIPTED) as server:
        here = {"CHARAFY_HOME": str(home), "CHARAFY_PORT": server.base_url.rsplit(":", 1)[1]}
        there = {
            "CHARAFY_HOME": str(home / "nothing"),
            "CHARAFY_BASE_URL": server.base_url,
            "CHARAFY_API_KEY": server.api_key,
        }

        def run(*arguments: str, far: bool = False) -> subprocess.CompletedProcess[str]:
            deadline = time.monotonic() + READY_S
            while True:
                done = subprocess.run(
                    [sys.executable, "-m", "charafy", "converse", *arguments],
                    env={**os.environ, **SCRIPTED, **(there if far else here)},
                    capture_output=True,
                    text=True,
                    timeout=2 * READY_S,
                )
                # It starts beside the API, and takes a little longer.
                if done.returncode == 0 or time.monotonic() > deadline:
                    return done
                time.sleep(1)

        yield run


def test_a_line_is_answered_by_word_and_by_sound(converse: Run, tmp_path: Path) -> None:
    answer = tmp_path / "answer.wav"
    done = converse("Emma", "--text", "hello there", "-o", str(answer))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("> hello there\n") and len(done.stdout.splitlines()) == 2
    assert "first sound after" in done.stderr
    assert answer.read_bytes()[:4] == b"RIFF" and answer.stat().st_size > 20_000


@pytest.mark.slow
def test_an_answer_is_filmed_with_its_voice_from_elsewhere(converse: Run, tmp_path: Path) -> None:
    film, said = tmp_path / "talk.mp4", "Tell me of the sea, and of the ships that come and go."
    done = converse("Emma", "--text", said, "--video", str(film), far=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"\d\.\d s are in ", done.stderr)
    seen, heard = shown(film)
    assert len(seen) > 25 and seen[0][1].shape == (512, 512)
    loud = [at for at, level in heard if level > 0.02]
    assert 0.3 < loud[0] < loud[-1] < heard[-1][0] - 0.5, "a rest before it and after it"
    assert abs(seen[-1][0] - heard[-1][0]) < 0.1
    rest = seen[0][1].astype(np.int16)
    moved = [float(np.abs(picture - rest).mean()) for at, picture in seen if at > loud[0]]
    assert max(moved) > 0.3, "a face that speaks"


def shown(film: Path) -> tuple[list[tuple[float, NDArray[np.uint8]]], list[tuple[float, float]]]:
    """When each picture is shown, and when sound is heard and how loud."""
    with av.open(str(film)) as container:
        seen = [
            (float(frame.time or 0), np.asarray(frame.to_ndarray(format="gray"), np.uint8))
            for frame in container.decode(video=0)
        ]
    with av.open(str(film)) as container:
        heard = [
            (float(frame.time or 0), float(np.sqrt(np.mean(frame.to_ndarray() ** 2))))
            for frame in container.decode(audio=0)
        ]
    return seen, heard


def test_what_to_say_is_given_once(charafy: Run) -> None:
    for arguments in ((), ("--text", "hello", "--wav", __file__)):
        done = charafy("converse", "Emma", *arguments)
        assert done.returncode == 1
        assert "either --wav or --text" in done.stderr


@pytest.mark.parametrize(
    ("said", "patience_s", "limit_s"),
    [("hello", 1.0, 60), ("hello", 60.0, 90), (np.zeros(24_000 * 20, np.float32), 100.5, 151)],
)
def test_a_conversation_does_not_end_while_its_answer_is_waited_for(
    said: str | Pcm, patience_s: float, limit_s: int
) -> None:
    assert _limit_s(said, patience_s) == limit_s
