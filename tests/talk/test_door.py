"""Where a talk process listens, what it tells APIs, and whom it answers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from aiohttp import web
from pydantic import ValidationError

from charafy.cli import refusal
from charafy.conversations.nodes import NODE_HEADER
from charafy.house import House
from charafy.kernel.settings import Settings
from charafy.talk.door import DoorRefused, listen
from charafy.talk.server import MOST_BYTES, application


@contextlib.contextmanager
def listening(**settings: Any) -> Iterator[tuple[str, int]]:
    """The address that APIs are told, and the port."""
    url, sock = listen(Settings(**settings))
    with sock:
        yield url, sock.getsockname()[1]


def test_it_is_reached_at_the_address_that_it_listens_on() -> None:
    with listening() as (url, port):
        assert url == f"http://127.0.0.1:{port}"
    with listening(talk_host="127.0.0.2") as (url, port):
        assert url == f"http://127.0.0.2:{port}"


def test_another_address_may_be_told() -> None:
    with listening(talk_host="0.0.0.0", talk_url="https://talk-1.example/") as (url, _):
        assert url == "https://talk-1.example"


def test_who_listens_everywhere_is_reached_by_the_machines_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "gethostbyname", lambda _: "10.1.2.3")
    with listening(talk_host="0.0.0.0") as (url, port):
        assert url == f"http://10.1.2.3:{port}"


@pytest.mark.parametrize("found", ["127.0.1.1", None])
def test_a_name_that_leads_nowhere_else_is_refused(
    monkeypatch: pytest.MonkeyPatch, found: str | None
) -> None:
    def by_name(_: str) -> str:
        if found is None:
            raise OSError
        return found

    monkeypatch.setattr(socket, "gethostbyname", by_name)
    with pytest.raises(DoorRefused, match="set CHARAFY_TALK_HOST"), listening(talk_host="0.0.0.0"):
        pass


def test_a_taken_port_is_refused_in_a_sentence() -> None:
    with (
        listening() as (_, port),
        pytest.raises(DoorRefused, match=f"Port {port} on 127.0.0.1 can't be used"),
        listening(talk_port=port),
    ):
        pass


@pytest.mark.parametrize(
    "url", ["10.0.0.7:8100", "ftp://a", "http://a:port", "http://a/path", "http://me:hunter2@a"]
)
def test_what_is_no_address_stops_the_start(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(talk_url=url)
    assert refusal(refused.value).startswith("CHARAFY_TALK_URL")
    assert "hunter2" not in str(refused.value)


def test_nobody_on_the_network_is_answered_but_apis_of_the_house(house: House) -> None:
    """Real sockets; what answers behind them counts who comes through."""
    nodes = house.conversation_room.nodes
    asyncio.run(_knock(nodes))


async def _knock(nodes: Any) -> None:
    came: list[Any] = []

    async def trickle(candidates: Any) -> None:
        came.append(candidates)

    node = cast("Any", SimpleNamespace(name="a", trickle=trickle))
    runner = web.AppRunner(application(node, nodes))
    await runner.setup()
    url, sock = listen(Settings(talk_host="127.0.0.2"))
    await web.SockSite(runner, sock).start()
    body = b'{"pc_id": "p", "candidates": []}'
    word = nodes.word("a", "PATCH", body)
    try:
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            for headers, content in (
                ({}, body),
                ({NODE_HEADER: "guess"}, body),
                ({NODE_HEADER: nodes.word("b", "PATCH", body)}, body),
                ({NODE_HEADER: word}, body.replace(b"p", b"q")),
            ):
                answer = await client.patch("/connect", content=content, headers=headers)
                assert answer.status_code == 403
            elsewhere = await client.get("/metrics", headers={NODE_HEADER: word})
            assert elsewhere.status_code == 403
            much = b"x" * (MOST_BYTES + 1)
            large = await client.patch("/connect", content=much, headers={NODE_HEADER: word})
            assert large.status_code == 413
            assert came == []
            answer = await client.patch("/connect", content=body, headers={NODE_HEADER: word})
            assert (answer.status_code, len(came)) == (200, 1)
    finally:
        await runner.cleanup()
