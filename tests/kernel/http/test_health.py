"""What the server tells those who watch it."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from charafy.kernel.http import health
from charafy.kernel.http.errors import install_error_handlers
from charafy.kernel.observe import Metrics


def client(
    problem: str | None = None, token: str | None = None, address: str = "127.0.0.1"
) -> TestClient:
    app = FastAPI()
    install_error_handlers(app)
    secret = SecretStr(token) if token else None
    app.include_router(health.router(Metrics(), {"voice": lambda: problem}, secret))
    return TestClient(app, client=(address, 50_000))


def test_a_waiting_server_is_alive_but_not_ready() -> None:
    waiting = client("The voice is loading.")
    assert waiting.get("/healthz").status_code == 200
    answer = waiting.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["problems"] == {"voice": "The voice is loading."}


def test_a_server_whose_parts_all_work_is_ready() -> None:
    assert client().get("/readyz").json() == {"status": "ready", "problems": {}}


def test_metrics_are_for_this_machine() -> None:
    assert "charafy_http_requests_total" in client().get("/metrics").text
    assert client(address="203.0.113.9").get("/metrics").status_code == 403


def test_with_a_token_metrics_are_for_its_holder_wherever_they_are() -> None:
    guarded = client(token="s3cret", address="203.0.113.9")
    assert guarded.get("/metrics").status_code == 403
    headers = {"authorization": "Bearer s3cret"}
    assert guarded.get("/metrics", headers=headers).status_code == 200
    assert client(token="s3cret").get("/metrics").status_code == 403


def test_metrics_are_not_for_whoever_hides_their_address() -> None:
    """A proxy may write anything into X-Forwarded-For: `unknown`, or an address with a port."""
    for address in ("unknown", "203.0.113.9:4711", ""):
        assert client(address=address).get("/metrics").status_code == 403
