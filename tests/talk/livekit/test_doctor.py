"""The doctor finds a real LiveKit server, and says what it refuses."""

from __future__ import annotations

import socket

from pydantic import SecretStr

from charafy.cli import doctor_network as network
from charafy.kernel.settings import Settings
from tests.support import livekit


def test_a_server_that_takes_our_key_is_well(settings: Settings) -> None:
    (finding,) = network.livekit(settings)
    assert finding.state == "ok"
    assert "takes our key" in finding.says


def test_a_secret_that_it_does_not_know_is_named_and_not_told(settings: Settings) -> None:
    wrong = SecretStr("hunter2-hunter2-hunter2-hunter2-hunter2")
    (finding,) = network.livekit(settings.model_copy(update={"livekit_api_secret": wrong}))
    assert finding.state == "missing"
    assert "refuses our key" in finding.says
    assert "CHARAFY_LIVEKIT_API_SECRET" in finding.says
    assert "hunter2" not in finding.says
    assert livekit.KEY not in finding.says


def test_one_that_is_away_is_told(settings: Settings) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{closed.getsockname()[1]}"
        (finding,) = network.livekit(settings.model_copy(update={"livekit_url": url}))
    assert finding.state == "missing"
    assert f"{url} can't be reached" in finding.says
