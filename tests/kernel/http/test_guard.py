"""The guard: who is asking, may they, how often."""

from collections.abc import Iterator
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from limits.storage import MemoryStorage

from charafy.kernel.clock import SystemClock
from charafy.kernel.errors import Unauthorized
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.errors import install_error_handlers
from charafy.kernel.http.guard import Guard
from charafy.kernel.http.limits import Limiter
from charafy.kernel.http.middleware import RequestContext
from charafy.kernel.observe import Metrics
from charafy.kernel.settings import Plan, Settings
from charafy.kernel.shared import Shared
from tests.support import redis

CALLERS = {
    name: Caller("account", "small", name, name == "test", frozenset(scopes))
    for name, scopes in {
        "live": ["credits:read"],
        "other": ["credits:read"],
        "test": ["credits:read"],
        "narrow": ["voices:read"],
        "writer": ["credits:write"],
    }.items()
}
CALLERS["operator"] = Caller("owner", "small", "o", False, frozenset(["credits:write"]), True)


def authenticate(key: str) -> Caller:
    if key not in CALLERS:
        raise Unauthorized("Unknown key.")
    return CALLERS[key]


@pytest.fixture
def client() -> TestClient:
    return _client(Limiter(MemoryStorage()))


@pytest.fixture
def without_redis() -> Iterator[TestClient]:
    """Of a process whose Redis has just died."""
    with redis.running() as server:
        shared = Shared(server.url(), b"s" * 32, SystemClock(), Metrics())
        shared.check()
        server.kill()
        yield _client(Limiter(MemoryStorage(), shared))


def _client(limiter: Limiter) -> TestClient:
    plans = {"small": Plan(requests_per_minute=3, test_requests_per_minute=1)}
    settings = Settings(plans=plans, requests_per_minute_by_address=2)
    # Known keys are looked at on the event loop, unless something there could wait.
    guard = Guard(authenticate, limiter, settings, remembers=CALLERS.__contains__)
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/credits")
    def credits(caller: Annotated[Caller, Depends(guard("credits:read"))]) -> str:
        return caller.key_id or ""

    @app.api_route("/checkout", methods=["POST", "DELETE"])
    def checkout(_: Annotated[Caller, Depends(guard("credits:write"))]) -> None: ...

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


def test_without_redis_reads_go_on_counted_by_this_process(without_redis: TestClient) -> None:
    assert [get(without_redis, "live") for _ in range(4)] == [200, 200, 200, 429]


def test_without_redis_what_costs_money_waits_and_what_takes_away_does_not(
    without_redis: TestClient,
) -> None:
    headers = {"x-api-key": "writer"}
    answer = without_redis.post("/checkout", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "limits_unavailable")
    assert answer.headers["retry-after"] == "2"
    assert without_redis.delete("/checkout", headers=headers).status_code == 200
    assert without_redis.post("/checkout", headers={"x-api-key": "operator"}).status_code == 200


def test_without_redis_a_wrong_key_is_told_so_and_counted_by_this_process(
    without_redis: TestClient,
) -> None:
    assert [get(without_redis, f"guess{n}") for n in range(3)] == [401, 401, 429]
