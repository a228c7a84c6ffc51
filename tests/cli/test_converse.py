"""`charafy converse` beside a running server: a turn over WebRTC, from end to end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.support.server import running

READY_S = 60.0
SCRIPTED = {
    "CHARAFY_VOICE_ENGINE": "scripted",
    "CHARAFY_LLM_ENGINE": "scripted",
    "CHARAFY_TALK": "on",
}


@pytest.fixture
def converse(tmp_path: Path) -> Iterator[Run]:
    """`charafy converse ...` beside a server of its own whose talking process has started."""
    home = tmp_path / "home"
    with running(home, **SCRIPTED) as server:
        port = server.base_url.rsplit(":", 1)[1]

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            deadline = time.monotonic() + READY_S
            while True:
                done = subprocess.run(
                    [sys.executable, "-m", "charafy", "converse", *arguments],
                    env={**os.environ, **SCRIPTED, "CHARAFY_HOME": str(home), "CHARAFY_PORT": port},
                    capture_output=True,
                    text=True,
                    timeout=READY_S,
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


def test_what_to_say_is_given_once(charafy: Run) -> None:
    for arguments in ((), ("--text", "hello", "--wav", __file__)):
        done = charafy("converse", "Emma", *arguments)
        assert done.returncode == 1
        assert "either --wav or --text" in done.stderr
