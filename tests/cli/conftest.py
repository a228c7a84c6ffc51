"""One running server for the folder, and the command line beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.support.server import Server, running

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("home"), CHARAFY_VOICE_ENGINE="scripted") as server:
        yield server


@pytest.fixture(scope="session")
def charafy(server: Server) -> Run:
    """`charafy ...` as an operator types it while the server runs."""

    def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "charafy", *arguments],
            env={
                **os.environ,
                "CHARAFY_HOME": str(server.home),
                "CHARAFY_VOICE_ENGINE": "scripted",
                "CHARAFY_PORT": server.base_url.rsplit(":", 1)[1],
                **env,
            },
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run
