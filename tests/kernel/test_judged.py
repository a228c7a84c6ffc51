"""Addresses that users name and that are asked again and again: each connection is judged."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence

import httpx
import pytest

from charafy.kernel.judged import JudgedTransport
from charafy.kernel.outside import Outside
from tests.support.fake_llm import Server

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


def silent(_: socket.socket, over: threading.Event) -> None:
    over.wait(5)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(lambda connection, _: connection.sendall(OK))
    yield made
    made.close()


def client(names: Mapping[str, Sequence[str]], *allowed: str) -> httpx.Client:
    outside = Outside(
        allowed_hosts=allowed, resolver=lambda host, _: names.get(host, [host]), resolvers=1
    )
    return httpx.Client(transport=JudgedTransport(outside), timeout=2)


def test_an_address_that_the_operator_vouches_for_is_asked_over_one_connection(
    server: Server,
) -> None:
    with client({"models.test": ["127.0.0.1"]}, f"models.test:{server.port}") as http:
        for _ in range(3):
            answer = http.post(f"http://models.test:{server.port}/v1", json={"a": 1})
            assert (answer.status_code, answer.text) == (200, "hello")
    assert server.connections == 1
    head, body = server.requests[0]
    assert f"host: models.test:{server.port}" in head.lower()
    assert body == {"a": 1}


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"])
def test_a_name_that_leads_into_our_own_network_is_not_followed(address: str) -> None:
    names = {"models.test": ["93.184.216.34", address]}
    with client(names) as http, pytest.raises(httpx.ConnectError, match="public Internet"):
        http.post("https://models.test/v1", json={})


def test_nor_is_one_that_leads_there_later(server: Server) -> None:
    names = {"models.test": ["93.184.216.34"]}
    with client(names) as http:
        names["models.test"] = ["127.0.0.1"]
        with pytest.raises(httpx.ConnectError, match="public Internet"):
            http.post("https://models.test/v1", json={})
    assert server.connections == 0


def test_what_its_own_words_forbid_is_not_asked(server: Server) -> None:
    with client({}) as http:
        for url in (f"http://127.0.0.1:{server.port}/v1", "https://models.test:8080/v1"):
            with pytest.raises(httpx.ConnectError, match="must"):
                http.post(url, json={})
    assert server.connections == 0


def test_a_server_that_is_gone_and_one_that_is_silent_are_told_apart() -> None:
    made = Server(silent)
    here = f"127.0.0.1:{made.port}"
    with client({}, here) as http:
        with pytest.raises(httpx.TimeoutException):
            http.post(f"http://{here}/v1", json={}, timeout=0.2)
        made.close()
        with pytest.raises(httpx.ConnectError):
            http.post(f"http://{here}/v1", json={})
