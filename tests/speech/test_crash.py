"""The whole server dies in the middle of a speech, as in a power cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from charafy.credits.service import Credits
from charafy.kernel.db import Database
from charafy.kernel.observe import Metrics
from charafy.kernel.settings import Settings
from tests.support.clock import ManualClock
from tests.support.rawhttp import Exchange
from tests.support.server import start
from tests.support.surroundings import surroundings

pytestmark = pytest.mark.slow


def left(base_url: str, key: str) -> int:
    answer = httpx.get(f"{base_url}/api/v1/credits", headers={"x-api-key": key})
    return int(answer.json()["credits_remaining"])


def test_kill_9_during_synthesis_costs_nothing_once_the_lease_has_ended(
    settings: Settings, db: Database
) -> None:
    env = {**surroundings(settings), "CHARAFY_DEMO": "true"}
    server = start(settings.home, env)
    key = server.api_key
    try:
        before = left(server.base_url, key)
        characters = httpx.get(f"{server.base_url}/api/v1/characters", headers={"x-api-key": key})
        body = {
            "character_id": characters.json()["characters"][0]["character_id"],
            "text": "Seven words are in every single sentence. " * 119,
            "format": "pcm",
            "speed": 0.5,  # 30 MB of audio: it can't all be sent to a client that reads little
        }
        with Exchange(
            server.base_url,
            "/api/v1/tts",
            body,
            receive_buffer=4_096,
            x_api_key=key,
            Idempotency_Key="k1",
        ) as exchange:
            status, headers = exchange.head()
            assert status == 200
            assert exchange.chunk()
            held = int(headers["x-credits-used"])
            assert held == 50
            assert left(server.base_url, key) == before - held
            server.kill()
            assert not exchange.rest()[1]  # broken off, not ended
    finally:
        server.stop()

    later = ManualClock(datetime.now(UTC) + timedelta(seconds=121))
    credits = Credits(db, later, Metrics())
    assert credits.release_expired() == 1
    assert credits.release_expired() == 0
    with db.read() as tx:
        assert credits.audit(tx) == []

    server = start(settings.home, env)
    try:
        assert left(server.base_url, key) == before
    finally:
        server.stop()
