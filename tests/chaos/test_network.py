"""Ways fail as they are told to, and are whole again afterwards."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.support.network import Network, Trouble, Way


@pytest.fixture
def way() -> Iterator[Way]:
    """To a server that says everything twice."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                came, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=double, args=(came,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    with Network() as network:
        yield network.way(listener.getsockname()[1])
    listener.close()


def double(came: socket.socket) -> None:
    with came:
        try:
            while data := came.recv(100):
                came.sendall(data * 2)
        except OSError:
            return


def connected(way: Way) -> socket.socket:
    return socket.create_connection(("127.0.0.1", way.port), timeout=60)


def said(connection: socket.socket, what: bytes, length: int) -> bytes:
    connection.sendall(what)
    heard = b""
    while len(heard) < length and (data := connection.recv(100)):
        heard += data
    return heard


def test_what_is_silent_holds_back_and_delivers_when_it_is_over(way: Way) -> None:
    with connected(way) as connection:
        assert said(connection, b"a", 2) == b"aa"
        way.be("silent")
        connection.sendall(b"b")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(100)
        connection.settimeout(60)
        way.be("none")
        assert connection.recv(2) == b"bb"


def test_a_cut_resets_who_is_there_and_turns_away_who_comes(way: Way) -> None:
    with connected(way) as connection:
        assert said(connection, b"a", 2) == b"aa"
        way.be("cut")
        with pytest.raises(ConnectionError):
            said(connection, b"b", 2)
            said(connection, b"b", 2)
            raise ConnectionError("ended in peace")
    # A machine in a hurry resets it before it is through connecting.
    with pytest.raises(ConnectionError), connected(way) as late:
        said(late, b"c", 2)
        raise ConnectionError("ended in peace")
    way.be("none")
    with connected(way) as again:
        assert said(again, b"d", 2) == b"dd"


def test_an_answer_of_its_own_instead_of_the_servers(way: Way) -> None:
    way.be(b"no")
    with connected(way) as connection:
        assert said(connection, b"a", 3) == b"no"


@pytest.mark.parametrize("trouble", ["none", "late"])
def test_everything_comes_through_in_order(way: Way, trouble: Trouble) -> None:
    way.be(trouble)
    with connected(way) as connection:
        assert said(connection, b"abc", 6) == b"abcabc"
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(10) == b""
