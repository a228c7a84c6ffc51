"""Every program of the client's guide runs as it is pasted."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from charafy.client import Client
from tests.support.server import Server

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "python.md"
PROGRAMS = re.findall(r"```python\n(.+?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
SAYS = ("Emma", "100%", "invalid_request 400 text", "")
"""What each prints."""
MAKES = ("speech.mp3", "hello.mp4", None, None)


def test_no_program_is_left_out() -> None:
    assert len(PROGRAMS) == len(SAYS) == len(MAKES)


@pytest.mark.parametrize("number", range(len(SAYS)))
def test_a_program_of_the_guide_runs(
    server: Server, client: Client, tmp_path: Path, number: int
) -> None:
    emma = next(c.character_id for c in client.characters.list() if c.name == "Emma")
    program = (
        PROGRAMS[number]
        .replace("http://127.0.0.1:8000", server.base_url)
        .replace("YOUR_API_KEY", server.api_key)
        .replace("CHAR_ID", emma)
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert SAYS[number] in done.stdout
    if name := MAKES[number]:
        assert (tmp_path / name).stat().st_size > 1_000
