"""A house whose conversations a real LiveKit server carries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from charafy.kernel.settings import Settings
from tests.support import livekit


@pytest.fixture(scope="session")
def server() -> Iterator[livekit.Server]:
    """For all tests of this run; who stops it starts it again."""
    with livekit.running(livekit.needed_program()) as running:
        yield running


@pytest.fixture
def settings(settings: Settings, server: livekit.Server) -> Settings:
    return settings.model_copy(update=livekit.settings_of(server))
