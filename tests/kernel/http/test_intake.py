"""What strangers may send: little, of few parts, soon."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.requests import Request
from starlette.types import Message

from charafy.kernel.errors import BadRequest, Unauthorized
from charafy.kernel.http import intake
from charafy.kernel.http.errors import install_error_handlers
from charafy.kernel.http.intake import MAX_PARTS, STRANGERS_BODY_BYTES, Intake
from charafy.kernel.http.middleware import RequestContext
from charafy.kernel.http.schema import Body
from charafy.kernel.observe import Metrics


class Letter(Body):
    text: str


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    install_error_handlers(app)

    @app.post("/letters")
    def letters(body: Letter) -> int:
        return len(body.text)

    def vouch(request: Request) -> None:
        if request.headers.get("x-api-key") != "known":
            raise Unauthorized("Who are you?", headers={"x-told": "yes"})

    app.add_middleware(RequestContext, metrics=Metrics(), vouch=vouch)
    return TestClient(app, raise_server_exceptions=False)


LARGE = b'{"text": "%s"}' % (b"a" * STRANGERS_BODY_BYTES)


def test_strangers_send_no_large_bodies(client: TestClient) -> None:
    refused = client.post("/letters", content=LARGE, headers={"content-type": "application/json"})
    assert (refused.status_code, refused.json()["error"]) == (401, "Who are you?")
    assert refused.headers["x-told"] == "yes"


def test_strangers_send_no_large_bodies_without_announcing_them(client: TestClient) -> None:
    read: list[int] = []

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(LARGE), 10_000):
            read.append(start)
            yield LARGE[start : start + 10_000]

    refused = client.post(
        "/letters", content=pieces(), headers={"content-type": "application/json"}
    )
    assert (refused.status_code, refused.json()["error"]) == (401, "Who are you?")


def test_who_is_known_sends_large_bodies(client: TestClient) -> None:
    headers = {"content-type": "application/json", "x-api-key": "known"}
    assert client.post("/letters", content=LARGE, headers=headers).json() == STRANGERS_BODY_BYTES


@pytest.mark.parametrize("part", [b"{},", b"[],", b"1,", b'"a":1,'])
def test_nobody_sends_more_parts_than_any_request_has(client: TestClient, part: bytes) -> None:
    """Each `{}` of three bytes is an object of 64: eight million of them fill the memory."""
    content = b'{"text": "a", "more": [' + part * (MAX_PARTS + 1) + b"1]}"
    headers = {"content-type": "application/json", "x-api-key": "known"}
    answer = client.post("/letters", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "body_too_complex")


def test_a_body_that_drips_in_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "BODY_S", 0.02)
    dripped: list[bytes] = []

    async def drip() -> Message:
        await asyncio.sleep(0)
        dripped.append(b" ")
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def read_all() -> None:
        body = Intake({"type": "http", "headers": []}, drip, None)
        while True:
            await body.receive()

    with pytest.raises(BadRequest) as refused:
        asyncio.run(read_all())
    assert refused.value.code == "body_too_slow"
    assert dripped


def test_once_the_body_is_there_the_client_may_wait_as_long_as_it_likes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake, "BODY_S", 0.0)
    messages: list[Message] = [
        {"type": "http.request", "body": b"", "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        if len(messages) == 1:
            await asyncio.sleep(0)
        return messages.pop(0)

    async def read_all() -> Message:
        body = Intake({"type": "http", "headers": []}, receive, None)
        await body.receive()
        return await body.receive()

    assert asyncio.run(read_all())["type"] == "http.disconnect"
