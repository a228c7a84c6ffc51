"""The guard: who is asking, may they, how often."""

from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from limits.storage import MemoryStorage

from charafy.kernel.errors import Unauthorized
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.errors import install_error_handlers
from charafy.kernel.http.guard import Guard
from charafy.kernel.http.limits import Limiter
from charafy.kernel.http.middleware import RequestContext
from charafy.kernel.observe import Metrics
from charafy.kernel.settings import Plan, Settings

CALLERS = {
    name: Caller("account", "small", name, name == "test", frozenset(scopes))
    for name, scopes in {
        "live": ["credits:read"],
        "other": ["credits:read"],
        "test": ["credits:read"],
        "narrow": ["voices:read"],
    }.items()
}


def authenticate(key: str) -> Caller:
    if key not in CALLERS:
        raise Unauthorized("Unknown key.")
    return CALLERS[key]


@pytest.fixture
def client() -> TestClient:
    plans = {"small": Plan(requests_per_minute=3, test_requests_per_minute=1)}
    settings = Settings(plans=plans, requests_per_minute_by_address=2)
    guard = Guard(authenticate, Limiter(MemoryStorage()), settings)
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/credits")
    def credits(caller: Annotated[Caller, Depends(guard("credits:read"))]) -> str:
        return caller.key_id or ""

    app.add_middleware(RequestContext, metrics=Metrics())
    return TestClient(app)


def get(client: TestClient, key: str) -> int:
    return client.get("/credits", headers={"x-api-key": key}).status_code


def test_a_key_works_in_our_header_and_as_a_bearer(client: TestClient) -> None:
    assert client.get("/credits", headers={"x-api-key": "live"}).json() == "live"
    assert client.get("/credits", headers={"authorization": "Bearer live"}).json() == "live"


@pytest.mark.parametrize("headers", [{}, {"x-api-key": ""}, {"authorization": "Basic live"}])
def test_without_a_key_it_is_401(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.get("/credits", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_a_key_without_the_scope_is_403(client: TestClient) -> None:
    answer = client.get("/credits", headers={"x-api-key": "narrow"})
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


def test_the_keys_of_an_account_share_its_limit_and_are_told_what_is_left(
    client: TestClient,
) -> None:
    answer = client.get("/credits", headers={"x-api-key": "live"})
    assert answer.headers["ratelimit-policy"] == '"account";q=3;w=60'
    assert answer.headers["ratelimit"].startswith('"account";r=2;t=')
    assert [get(client, key) for key in ("other", "live", "other")] == [200, 200, 429]


def test_over_the_limit_the_caller_learns_when_to_come_back(client: TestClient) -> None:
    for _ in range(3):
        get(client, "live")
    answer = client.get("/credits", headers={"x-api-key": "live"})
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.headers["ratelimit"].startswith('"account";r=0;')


def test_test_keys_have_a_limit_of_their_own(client: TestClient) -> None:
    assert [get(client, key) for key in ("test", "test", "live")] == [200, 429, 200]


def test_guessing_keys_is_slowed_by_address_and_valid_keys_are_not(client: TestClient) -> None:
    assert [get(client, f"guess{n}") for n in range(3)] == [401, 401, 429]
    assert get(client, "live") == 200
