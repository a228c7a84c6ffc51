"""One running server for the folder, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from charafy.client import Client
from tests.support.server import Server, running


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    with running(home, CHARAFY_VOICE_ENGINE="scripted", CHARAFY_WORKER="on") as server:
        yield server


@pytest.fixture(scope="package")
def client(server: Server) -> Iterator[Client]:
    with Client(server.base_url, server.api_key) as client:
        yield client
