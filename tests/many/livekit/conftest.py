"""The house of `tests/many` with a real LiveKit server beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from charafy.house import House, build_house
from tests.support import livekit
from tests.support.many import Many


@pytest.fixture
def server() -> Iterator[livekit.Server]:
    with livekit.running(livekit.needed_program()) as running:
        yield running


@pytest.fixture
def started(started: Many, server: livekit.Server) -> Many:
    started.env = livekit.surroundings_of(server)
    return started


@pytest.fixture
def house(started: Many, server: livekit.Server) -> Iterator[House]:
    house = build_house(started.settings.model_copy(update=livekit.settings_of(server)))
    yield house
    house.close()
