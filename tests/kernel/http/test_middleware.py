"""Around every request: an id, a cap, one shape of errors, no traces of what went wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from pydantic import Field, SecretStr
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from charafy.kernel.errors import Conflict, TooManyRequests
from charafy.kernel.http.errors import install_error_handlers
from charafy.kernel.http.intake import MAX_BODY_BYTES
from charafy.kernel.http.middleware import RequestContext
from charafy.kernel.http.schema import Body
from charafy.kernel.observe import Metrics


class Wish(Body):
    name: str = Field(min_length=1, max_length=5)
    amount: int = Field(1, ge=1)
    word: SecretStr = Field(SecretStr("please"), min_length=2, max_length=6)
    gifts: list[str] = Field([], max_length=2)


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = FastAPI()
    install_error_handlers(app)

    @app.post("/wish")
    def wish(body: Wish) -> str:
        return body.name

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("the password is hunter2")

    @app.get("/away")
    def database_is_away() -> None:
        nowhere = sqlite3.OperationalError("unable to open the file of hunter2")
        nowhere.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise OperationalError("SELECT 1", {}, nowhere)

    @app.get("/busy")
    def busy() -> None:
        raise TooManyRequests("Slow down.", retry_after_s=7)

    app.add_middleware(RequestContext, metrics=Metrics())
    yield TestClient(app, raise_server_exceptions=False)


def test_every_answer_carries_an_id_and_takes_the_callers_if_it_is_sane(client: TestClient) -> None:
    assert len(client.get("/nowhere").headers["x-request-id"]) == 32
    given = client.get("/nowhere", headers={"x-request-id": "trace-12345678"})
    assert given.json()["request_id"] == given.headers["x-request-id"] == "trace-12345678"
    forged = client.get("/nowhere", headers={"x-request-id": "a\tb <script>"})
    assert forged.headers["x-request-id"] != "a\tb <script>"


def test_an_unexpected_error_is_told_without_its_words(client: TestClient) -> None:
    with capture_logs() as logs:
        answer = client.get("/broken")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert answer.json()["request_id"]
    assert "hunter2" not in answer.text
    assert "hunter2" not in str(logs)
    assert any(entry.get("error_type") == "RuntimeError" for entry in logs)


def test_a_database_that_is_away_is_no_error_of_ours(client: TestClient) -> None:
    with capture_logs() as logs:
        answer = client.get("/away")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "hunter2" not in answer.text + str(logs)
    assert any(entry["event"] == "request_failed" for entry in logs)  # an operator wants to know


@pytest.mark.parametrize(
    ("content", "param", "says"),
    [
        (b"{", None, "The body is not valid JSON."),
        (b'{"name": "\xff"}', None, "The body is not valid JSON."),
        (b'{"amount": ' + b"9" * 5_000 + b"}", None, "The body is not valid JSON."),
        (b"[" * 20_000, None, "The body is not valid JSON."),
        (b"", None, "The body must be a JSON object with Content-Type: application/json."),
        (b"[]", None, "The body must be a JSON object with Content-Type: application/json."),
        (b"{}", "name", "name: this field is required."),
        (b'{"name": ""}', "name", "name: must not be empty."),
        (b'{"name": "abcdef"}', "name", "name: must have at most 5 characters."),
        (b'{"name": "a", "word": "a"}', "word", "word: must have at least 2 characters."),
        (b'{"name": "a", "word": "abcdefg"}', "word", "word: must have at most 6 characters."),
        (b'{"name": "a", "gifts": ["", "", ""]}', "gifts", "gifts: must have at most 2 items."),
        (b'{"name": 5}', "name", "name: must be a valid string."),
        (b'{"name": "a", "amount": "2"}', "amount", "amount: must be a valid integer."),
        (b'{"name": "a", "amount": 0}', "amount", "amount: must be greater than or equal to 1."),
    ],
)
def test_bad_input_is_400_with_a_sentence_and_the_field(
    client: TestClient, content: bytes, param: str | None, says: str
) -> None:
    answer = client.post("/wish", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"] == says
    assert answer.json()["param"] == param


def test_who_leaves_out_the_api_s_prefix_is_told(client: TestClient) -> None:
    answer = client.get("/v1/characters")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["error"].endswith("begin with /api/v1.")
    assert client.get("/nothing").json()["error"] == "There is nothing at this address."


def test_waiting_times_reach_the_caller(client: TestClient) -> None:
    answer = client.get("/busy")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


def test_methods_that_are_not_there_have_the_same_shape(client: TestClient) -> None:
    answer = client.delete("/wish")
    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"


def test_a_body_over_the_cap_is_refused_by_its_announcement(client: TestClient) -> None:
    headers = {"content-length": str(MAX_BODY_BYTES + 1), "content-type": "application/json"}
    answer = client.post("/wish", content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "body_too_large")


def test_a_body_without_announcement_is_cut_off_at_the_cap(client: TestClient) -> None:
    sent: list[int] = []

    def endless() -> Iterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 1_000_000 + 2):
            sent.append(1)
            yield b" " * 1_000_000

    answer = client.post("/wish", content=endless(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "body_too_large")


def test_metrics_name_the_whole_route_and_never_its_values() -> None:
    inner, outer, app, metrics = APIRouter(), APIRouter(), FastAPI(), Metrics()

    @inner.get("/wishes/{wish_id}")
    def show(wish_id: str) -> str:
        return wish_id

    outer.include_router(inner)
    app.include_router(outer, prefix="/api/v1")
    app.add_middleware(RequestContext, metrics=metrics)
    TestClient(app).get("/api/v1/wishes/secret-id")
    labels = {"method": "GET", "route": "/api/v1/wishes/{wish_id}", "status": "200"}
    assert metrics.registry.get_sample_value("charafy_http_requests_total", labels) == 1


def test_what_is_refused_is_counted_by_its_code() -> None:
    app, metrics = FastAPI(), Metrics()
    install_error_handlers(app)
    app.add_middleware(RequestContext, metrics=metrics)

    @app.get("/taken")
    def taken() -> None:
        raise Conflict("It is taken.", code="name_taken")

    browser = TestClient(app)
    for path in ("/taken", "/taken", "/nowhere"):
        browser.get(path)

    count = metrics.registry.get_sample_value
    assert count("charafy_http_errors_total", {"code": "name_taken"}) == 2
    assert count("charafy_http_errors_total", {"code": "not_found"}) == 1
