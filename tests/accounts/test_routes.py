"""The account, key and operator routes over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from limits.storage import MemoryStorage

from charafy.accounts import admin, routes
from charafy.accounts.service import Account, AccountServices
from charafy.credits.service import Credits
from charafy.kernel.db import Database
from charafy.kernel.http.caller import ALL_SCOPES
from charafy.kernel.http.errors import install_error_handlers
from charafy.kernel.http.guard import Guard
from charafy.kernel.http.idempotency import Idempotency
from charafy.kernel.http.limits import Limiter
from charafy.kernel.http.middleware import RequestContext
from charafy.kernel.observe import Metrics
from charafy.kernel.settings import Settings
from tests.accounts.conftest import Build
from tests.support.clock import ManualClock

NOWHERE = "5d6f0f4e-6f0e-4b52-9f39-3f2a1c0f7a11"


@pytest.fixture
def services(build: Build, credits: Credits) -> AccountServices:
    return build(on_delete=[credits.close])


@pytest.fixture
def client(
    services: AccountServices,
    db: Database,
    clock: ManualClock,
    settings: Settings,
    credits: Credits,
) -> Iterator[TestClient]:
    app = FastAPI()
    guard = Guard(services.keys.authenticate, Limiter(MemoryStorage()), settings)
    idempotency = Idempotency(db, clock)
    app.include_router(
        routes.router(guard, services, idempotency=idempotency, db=db, settings=settings)
    )
    app.include_router(
        admin.router(
            guard,
            services,
            credits=credits,
            idempotency=idempotency,
            db=db,
            settings=settings,
        )
    )
    install_error_handlers(app)
    app.add_middleware(RequestContext, metrics=Metrics())
    with TestClient(app) as opened:
        yield opened


@pytest.fixture
def key(services: AccountServices, sora: Account) -> str:
    return services.keys.create(sora.account_id, "Main").key


@pytest.fixture
def owner_key(services: AccountServices, owner: Account) -> str:
    return services.keys.create(owner.account_id, "Operate").key


def using(key: str, **more: str) -> dict[str, str]:
    return {"x-api-key": key, **more}


def error(response: Any) -> tuple[int, str]:
    body = response.json()
    assert set(body) == {"error", "code", "param", "request_id"}
    assert body["error"].endswith(".")
    return response.status_code, body["code"]


def test_an_account_is_shown_with_its_limits(client: TestClient, key: str, sora: Account) -> None:
    body = client.get("/account", headers=using(key)).json()
    assert body == {
        "account_id": sora.account_id,
        "email": "sora@example.com",
        "email_verified": False,
        "name": "Sora",
        "role": "member",
        "plan": "standard",
        "limits": {
            "max_characters": 50,
            "requests_per_minute": 600,
            "test_requests_per_minute": 60,
            "test_chars_per_day": 20_000,
            "concurrent_speech": 8,
        },
        "created_at": "2026-01-01T00:00:00Z",
    }


def test_only_the_fields_that_are_sent_change(client: TestClient, key: str) -> None:
    renamed = client.patch("/account", headers=using(key), json={"name": "空"})
    assert (renamed.json()["name"], renamed.json()["email"]) == ("空", "sora@example.com")
    moved = client.patch("/account", headers=using(key), json={"email": "New@Example.com"})
    assert (moved.json()["name"], moved.json()["email"]) == ("空", "new@example.com")


@pytest.mark.parametrize(
    ("body", "param"),
    [({"email": "nonsense"}, "email"), ({"name": "n" * 101}, "name"), ({"name": 5}, "name")],
)
def test_a_bad_change_names_its_field(
    client: TestClient, key: str, body: dict[str, object], param: str
) -> None:
    response = client.patch("/account", headers=using(key), json=body)
    assert error(response) == (400, "invalid_request")
    assert response.json()["param"] == param


def test_deleting_needs_the_accounts_own_address(client: TestClient, key: str) -> None:
    def delete(body: dict[str, str]) -> Any:
        return client.request("DELETE", "/account", headers=using(key), json=body)

    assert error(delete({})) == (400, "invalid_request")
    assert error(delete({"confirmation": "yes"})) == (400, "invalid_request")
    assert client.get("/account", headers=using(key)).status_code == 200
    assert delete({"confirmation": "Sora@example.com"}).json()["deleted"] is True
    assert error(client.get("/account", headers=using(key))) == (401, "unauthorized")


def test_a_new_key_is_shown_once_and_works(client: TestClient, key: str) -> None:
    made = client.post("/keys", headers=using(key), json={"name": "Website"})
    assert made.headers["cache-control"] == "no-store"
    body = made.json()
    assert body["key"].startswith("ck_live_")
    assert body["hint"] == f"ck_live_…{body['key'][-4:]}"
    assert body["scopes"] == list(ALL_SCOPES)
    assert client.get("/account", headers=using(body["key"])).status_code == 200
    listed = client.get("/keys", headers=using(key))
    assert {entry["name"] for entry in listed.json()["keys"]} == {"Main", "Website"}
    assert body["key"] not in listed.text


def test_a_retry_with_the_same_idempotency_key_makes_one_key_and_hides_it(
    client: TestClient, key: str, db: Database
) -> None:
    headers = using(key, **{"Idempotency-Key": "make-website"})
    first = client.post("/keys", headers=headers, json={"name": "Website"}).json()
    again = client.post("/keys", headers=headers, json={"name": "Website"})
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == {**first, "key": None}
    assert len(client.get("/keys", headers=using(key)).json()["keys"]) == 2
    other = client.post("/keys", headers=headers, json={"name": "Another"})
    assert error(other) == (409, "idempotency_key_reused")


def test_a_refused_key_leaves_its_idempotency_key_free(client: TestClient, key: str) -> None:
    headers = using(key, **{"Idempotency-Key": "make-website"})
    refused = client.post("/keys", headers=headers, json={"name": "  "})
    assert error(refused) == (400, "invalid_request")
    assert client.post("/keys", headers=headers, json={"name": "Website"}).json()["key"]


def test_a_key_makes_no_key_that_may_do_more_than_itself(
    client: TestClient, services: AccountServices, sora: Account
) -> None:
    scopes = ["account:write", "speech:write"]
    narrow = services.keys.create(sora.account_id, "Narrow", scopes=scopes).key
    wider = {"name": "Wider", "scopes": ["credits:write"]}
    assert error(client.post("/keys", headers=using(narrow), json=wider)) == (403, "missing_scope")
    made = client.post("/keys", headers=using(narrow), json={"name": "Same"}).json()
    assert made["scopes"] == ["speech:write", "account:write"]


def test_unknown_scopes_are_refused(client: TestClient, key: str) -> None:
    for scopes in ([], ["root"]):
        body = {"name": "Odd", "scopes": scopes}
        assert client.post("/keys", headers=using(key), json=body).status_code in (400, 403)
    assert len(client.get("/keys", headers=using(key)).json()["keys"]) == 1


def test_a_test_key_does_nothing_real(
    client: TestClient, services: AccountServices, sora: Account
) -> None:
    live = services.keys.create(sora.account_id, "Main").info
    test = services.keys.create(sora.account_id, "Try", kind="test").key
    refusals = [
        client.post("/keys", headers=using(test), json={"name": "Real"}),
        client.patch("/account", headers=using(test), json={"name": "Other"}),
        client.request(
            "DELETE", "/account", headers=using(test), json={"confirmation": sora.email}
        ),
    ]
    refusals.append(client.delete(f"/keys/{live.key_id}", headers=using(test)))
    assert [error(refusal) for refusal in refusals] == [(403, "live_key_required")] * 4
    made = client.post("/keys", headers=using(test), json={"name": "More", "kind": "test"})
    assert made.json()["key"].startswith("ck_test_")
    revoked = client.delete(f"/keys/{made.json()['key_id']}", headers=using(test))
    assert revoked.json()["revoked_at"]


def test_a_revoked_key_stops_at_once(client: TestClient, key: str) -> None:
    made = client.post("/keys", headers=using(key), json={"name": "Website"}).json()
    assert client.get("/account", headers=using(made["key"])).status_code == 200
    revoked = client.delete(f"/keys/{made['key_id']}", headers=using(key))
    assert revoked.json()["revoked_at"] == "2026-01-01T00:00:00Z"
    assert error(client.get("/account", headers=using(made["key"]))) == (401, "unauthorized")


def test_a_strangers_key_is_not_found(
    client: TestClient, services: AccountServices, key: str
) -> None:
    riku = services.accounts.create("riku@example.com")
    theirs = services.keys.create(riku.account_id, "Theirs")
    for key_id in (theirs.info.key_id, NOWHERE, "nonsense"):
        assert error(client.delete(f"/keys/{key_id}", headers=using(key))) == (404, "not_found")
    assert services.keys.authenticate(theirs.key)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/account", "account:read"),
        ("PATCH", "/account", "account:write"),
        ("DELETE", "/account", "account:write"),
        ("GET", "/keys", "account:read"),
        ("POST", "/keys", "account:write"),
        ("DELETE", f"/keys/{NOWHERE}", "account:write"),
        ("GET", "/admin/accounts", "account:write"),
    ],
)
def test_every_route_needs_its_scope(
    client: TestClient,
    services: AccountServices,
    owner: Account,
    method: str,
    path: str,
    scope: str,
) -> None:
    others = [other for other in ALL_SCOPES if other != scope]
    lacking = services.keys.create(owner.account_id, "Lacking", scopes=others).key
    body = {"name": "x", "confirmation": "x"} if method in ("PATCH", "POST", "DELETE") else None
    response = client.request(method, path, headers=using(lacking), json=body)
    assert error(response) == (403, "missing_scope")
    assert error(client.request(method, path, json=body)) == (401, "unauthorized")


ADMIN = [
    ("GET", "/admin/accounts", None),
    ("GET", f"/admin/accounts/{NOWHERE}", None),
    ("POST", f"/admin/accounts/{NOWHERE}/suspend", None),
    ("POST", f"/admin/accounts/{NOWHERE}/unsuspend", None),
    ("POST", f"/admin/accounts/{NOWHERE}/credits", {"amount": 5}),
    ("POST", "/admin/invitations", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), ADMIN)
def test_only_the_operator_with_a_live_key_operates(
    client: TestClient,
    services: AccountServices,
    owner: Account,
    key: str,
    method: str,
    path: str,
    body: dict[str, object] | None,
) -> None:
    trying = services.keys.create(owner.account_id, "Try", kind="test").key
    for unfit in (key, trying):
        response = client.request(method, path, headers=using(unfit), json=body)
        assert error(response) == (403, "operator_only")


def test_the_operator_pages_through_all_accounts(
    client: TestClient, services: AccountServices, owner_key: str, clock: ManualClock
) -> None:
    for number in range(4):
        clock.advance(1)
        services.accounts.create(f"person{number}@example.com")
    first = client.get("/admin/accounts?limit=3", headers=using(owner_key)).json()
    assert [account["email"][:7] for account in first["accounts"]] == [
        "person3",
        "person2",
        "person1",
    ]
    assert first["accounts"][0]["credits_remaining"] == 100
    cursor = first["next_cursor"]
    rest = client.get(f"/admin/accounts?limit=3&cursor={cursor}", headers=using(owner_key)).json()
    assert [account["email"] for account in rest["accounts"]] == [
        "person0@example.com",
        "owner@localhost",
    ]
    assert rest["next_cursor"] is None


def test_the_operator_suspends_and_lets_in_again(
    client: TestClient, owner_key: str, key: str, sora: Account
) -> None:
    path = f"/admin/accounts/{sora.account_id}"
    assert client.post(f"{path}/suspend", headers=using(owner_key)).json()["status"] == "suspended"
    assert error(client.get("/account", headers=using(key))) == (403, "account_suspended")
    assert client.post(f"{path}/unsuspend", headers=using(owner_key)).json()["status"] == "active"
    assert client.get("/account", headers=using(key)).status_code == 200


def test_the_operator_grants_credits_once_however_often_it_is_asked(
    client: TestClient, owner_key: str, sora: Account
) -> None:
    path = f"/admin/accounts/{sora.account_id}"
    headers = using(owner_key, **{"Idempotency-Key": "thanks"})
    for _ in range(3):
        granted = client.post(f"{path}/credits", headers=headers, json={"amount": 400})
        assert granted.json() == {
            "account_id": sora.account_id,
            "credits_granted": 400,
            "credits_remaining": 500,
        }
    assert client.get(path, headers=using(owner_key)).json()["credits_remaining"] == 500


@pytest.mark.parametrize("amount", [0, -5, "5", 2.5, 10_000_001])
def test_a_grant_is_a_whole_number_of_credits(
    client: TestClient, owner_key: str, sora: Account, amount: object
) -> None:
    path = f"/admin/accounts/{sora.account_id}/credits"
    response = client.post(path, headers=using(owner_key), json={"amount": amount})
    assert error(response) == (400, "invalid_request")


def test_the_operator_can_not_act_on_an_account_that_is_not_there(
    client: TestClient, owner_key: str
) -> None:
    for method, path, body in ADMIN[1:5]:
        response = client.request(method, path, headers=using(owner_key), json=body)
        assert error(response) == (404, "not_found")


def test_an_invitation_is_a_link_to_sign_up(client: TestClient, owner_key: str) -> None:
    made = client.post("/admin/invitations", headers=using(owner_key), json={})
    assert "/sign-up?invitation=" in made.json()["invitation_url"]
