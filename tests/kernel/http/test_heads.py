"""What comes before a request can be answered: bounded in size and time."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI

from charafy.kernel.http import heads
from charafy.kernel.http.heads import MAX_HEAD_BYTES, BoundedHeads

GET = b"GET /alive HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    app = FastAPI()

    @app.api_route("/alive", methods=["GET", "POST"])
    async def alive() -> str:
        return "yes"

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="off", http=BoundedHeads, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    until = time.monotonic() + 10
    while not server.started and time.monotonic() < until:
        threading.Event().wait(0.005)
    assert server.started
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(timeout=20)
    assert not thread.is_alive()
    listener.close()


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def _answer(connection: socket.socket) -> bytes:
    """Everything until the server closes."""
    received = b""
    try:
        while data := connection.recv(65_536):
            received += data
    except ConnectionResetError:  # it closed while we were still sending
        pass
    return received


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (GET, b"X-Header: " + b"a" * 1_000 + b"\r\n"),
        (GET + b"X-Endless: ", b"a" * 1_000),
        (b"GET /", b"a" * 1_000),
    ],
)
def test_a_head_without_end_is_cut_off(port: int, begin: bytes, more: bytes) -> None:
    sent = 0
    with _connect(port) as connection:
        connection.sendall(begin)
        try:
            while sent < 200 * MAX_HEAD_BYTES:
                connection.sendall(more)
                sent += len(more)
        except OSError:
            pass
    # The rest of what was sent had only reached the buffers of two sockets.
    assert sent < 150 * MAX_HEAD_BYTES


def test_a_head_that_is_too_large_is_told_so_in_the_shape_of_every_error(port: int) -> None:
    with _connect(port) as connection:
        connection.sendall(GET + b"X-Header: " + b"a" * MAX_HEAD_BYTES)
        head, _, body = _answer(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["code"] == "invalid_http"


def test_what_is_not_http_is_told_so_in_the_same_shape(port: int) -> None:
    with _connect(port) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        body = _answer(connection).partition(b"\r\n\r\n")[2]
    assert json.loads(body)["error"] == "Invalid HTTP request received."


@pytest.mark.parametrize("begin", [b"", GET], ids=["silent", "dripping"])
def test_a_head_that_never_comes_is_not_waited_for(
    port: int, begin: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "HEAD_S", 0.05)
    with _connect(port) as connection:
        connection.sendall(begin)
        assert _answer(connection) == b""


def test_a_connection_serves_many_requests_with_bodies_larger_than_a_head(port: int) -> None:
    body = b"a" * (3 * MAX_HEAD_BYTES)
    post = b"POST /alive HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    with _connect(port) as connection:
        for _ in range(3):
            connection.sendall(post + body)
            received = b""
            while not received.endswith(b'"yes"'):
                data = connection.recv(65_536)
                assert data, "the server hung up"
                received += data


def test_who_connected_before_the_server_ends_is_answered() -> None:
    app = FastAPI()

    @app.get("/alive")
    async def alive() -> str:
        return "yes"

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="off", http=BoundedHeads, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    with _connect(listener.getsockname()[1]) as early:
        until = time.monotonic() + 10
        while not server.server_state.connections and time.monotonic() < until:
            threading.Event().wait(0.005)
        server.should_exit = True
        while listener.fileno() != -1 and time.monotonic() < until:
            threading.Event().wait(0.005)
        early.sendall(GET + b"\r\n")
        assert _answer(early).startswith(b"HTTP/1.1 200 OK")
    thread.join(timeout=20)
    assert not thread.is_alive()
