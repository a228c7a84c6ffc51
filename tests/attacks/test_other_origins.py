"""What pages of other origins may read here, and what not."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.attacks.conftest import MakeHouse, client_of
from tests.support.routes import routes

ELSEWHERE = "https://elsewhere.example"
ALLOW = "access-control-allow-origin"


@pytest.fixture
def client(make_house: MakeHouse) -> TestClient:
    house = make_house()
    account = house.accounts.create("sora@example.com")
    client = client_of(house)
    client.headers["x-api-key"] = house.keys.create(account.account_id, "Key").key
    return client


FOR_TOKENS = "/api/v1/conversation/connect"
"""Where pages connect with the token of one conversation; keys and sessions mean nothing there."""


def test_no_route_of_the_api_lets_pages_of_other_origins_in(client: TestClient) -> None:
    paths = {route.path for route in routes(client.app) if route.is_api}  # type: ignore[arg-type]
    assert len(paths) > 20
    for path in paths - {FOR_TOKENS}:
        asked = {"origin": ELSEWHERE, "access-control-request-method": "POST"}
        preflight = client.options(path, headers=asked)
        assert preflight.status_code == 405, path
        assert ALLOW not in preflight.headers, path


@pytest.mark.parametrize("path", ["/voices", "/characters", "/credits", "/nowhere"])
def test_no_answer_of_the_api_may_be_read_elsewhere(client: TestClient, path: str) -> None:
    assert ALLOW not in client.get(f"/api/v1{path}", headers={"origin": ELSEWHERE}).headers


def test_where_pages_connect_no_key_and_no_session_counts(client: TestClient) -> None:
    """And no cookie is sent along: an answer to every page is none to a page with credentials."""
    offer = {"sdp": "v=0", "type": "offer"}
    answer = client.post(FOR_TOKENS, json=offer, headers={"origin": ELSEWHERE})
    assert answer.status_code == 401
    assert answer.headers[ALLOW] == "*"
    assert "access-control-allow-credentials" not in answer.headers


def test_a_session_says_nothing_to_the_api(make_house: MakeHouse) -> None:
    """Else every page could act for whoever is signed in here."""
    house = make_house()
    account = house.accounts.create("sora@example.com", password="correct horse battery")
    session = house.account_services.sessions.begin(account.account_id)
    client = client_of(house)
    client.cookies.set("charafy_session", session.token)
    assert client.get("/dashboard").status_code == 200
    assert client.get("/api/v1/credits").status_code == 401


def test_the_openapi_document_is_for_every_page(client: TestClient) -> None:
    assert client.get("/openapi.json", headers={"origin": ELSEWHERE}).headers[ALLOW] == "*"
