"""One server for the whole folder: the contract is about what it answers, not about its state."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.house import House, build_house
from charafy.kernel.migrate import migrate
from charafy.kernel.settings import Plan, Settings
from tests.support.images import image_host, portrait
from tests.support.server import Server, running

HOOK = "http://127.0.0.1:9/hook"
"""Nobody listens there, and nothing else is ever told."""
ENOUGH = 1_000_000
"""Requests a minute, so that walking every route meets no rate limit."""


@dataclass(frozen=True, slots=True)
class Developer:
    """An account and its keys."""

    account_id: str
    key: str
    test_key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"x-api-key": self.key}


@pytest.fixture(scope="session")
def photo_host() -> Iterator[str]:
    with image_host() as address:
        yield address


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, photo_host: str) -> Iterator[Server]:
    """`charafy serve` as its own process, on the scripted voice."""
    with running(
        tmp_path_factory.mktemp("server"),
        CHARAFY_VOICE_ENGINE="scripted",
        CHARAFY_PORTRAIT_ENGINE="still",
        CHARAFY_WORKER="on",
        CHARAFY_FETCH_ALLOWED_HOSTS=json.dumps([photo_host]),
    ) as server:
        yield server


@pytest.fixture(scope="session")
def shared_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    settings = Settings(
        home=tmp_path_factory.mktemp("house"),
        voice_engine="scripted",
        demo=False,
        requests_per_minute_by_address=ENOUGH,
        webhook_allowed_hosts=("127.0.0.1:9",),
        plans={
            name: Plan(
                max_characters=50, requests_per_minute=ENOUGH, test_requests_per_minute=ENOUGH
            )
            for name in ("standard", "owner")
        }
        | {"small": Plan(max_characters=2, requests_per_minute=20)},
    )
    house = build_house(settings)
    migrate(house.db)
    yield house
    house.close()


@pytest.fixture(scope="session")
def http(shared_house: House) -> Iterator[TestClient]:
    """The whole app in this process; an exception inside it is an answer 500, as in life."""
    with TestClient(build_app(shared_house), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def operator(shared_house: House) -> Developer:
    return _developer(shared_house, "operator@example.com", role="owner", plan="owner")


@pytest.fixture(scope="session")
def developer(shared_house: House) -> Developer:
    return _developer(shared_house, "developer@example.com")


@pytest.fixture(scope="session")
def stranger(shared_house: House) -> Developer:
    return _developer(shared_house, "stranger@example.com")


@pytest.fixture(scope="session")
def voice_id(http: TestClient, developer: Developer) -> str:
    voices = http.get("/api/v1/voices", headers=developer.headers).json()["voices"]
    return next(str(voice["voice_id"]) for voice in voices if voice["language"] == "en")


@pytest.fixture(scope="session")
def photo() -> str:
    """A face as a data URI."""
    return "data:image/jpeg;base64," + base64.b64encode(portrait()).decode()


@pytest.fixture(scope="session")
def character_id(http: TestClient, developer: Developer, voice_id: str, photo: str) -> str:
    body = {"name": "Emma", "image": photo, "voice_id": voice_id, "language": "en"}
    answer = http.post("/api/v1/characters", json=body, headers=developer.headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["character_id"])


def _developer(
    house: House, email: str, *, role: str = "member", plan: str = "standard"
) -> Developer:
    account = house.accounts.create(email, name=email, role=role, plan=plan, credits=10_000)  # type: ignore[arg-type]
    live = house.keys.create(account.account_id, "live")
    test = house.keys.create(account.account_id, "test", kind="test")
    return Developer(account.account_id, live.key, test.key)
