"""One attempt: to the public Internet alone, bounded in time and size, over TLS that is checked."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from charafy.kernel.clock import SystemClock
from charafy.kernel.outside import Outside, resolve
from charafy.webhooks.models import Endpoint
from charafy.webhooks.outbox import Claim
from charafy.webhooks.sending import Outcome, Sender
from charafy.webhooks.signing import Secrets
from tests.support.servers import (
    Answer,
    LocalServer,
    answer,
    dripping,
    endless,
    raw,
    redirect,
    silent,
)

PUBLIC = "93.184.215.14"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLAIM = Claim(
    delivery_id="d",
    lease="l",
    event_id="5e2a9c40-1c6f-4f0b-8d57-6b3a94e7f210",
    event_type="video.completed",
    body=b'{"type":"video.completed"}',
    tries=0,
    endpoint=Endpoint(
        endpoint_id="e",
        account_id="a",
        url="https://hooks.example/",
        description="",
        events=None,
        enabled=True,
        disabled_reason=None,
        disabled_at=None,
        generation=1,
        retiring=(),
        created_at=NOW,
        updated_at=NOW,
    ),
)
Send = Callable[[str], Outcome]


class Net:
    """Every public address leads to one server here; names resolve as they are told to."""

    def __init__(self) -> None:
        self.names: dict[str, list[list[str]]] = {"hooks.example": [[PUBLIC]]}
        self.connected: list[str] = []
        self.asked: list[str] = []
        self.port = 0

    def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        answers = self.names.get(host)
        if answers is None:
            return resolve(host, port)
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def connect(self, address: str, port: int, timeout_s: float) -> socket.socket:
        self.connected.append(address)
        return socket.create_connection(("127.0.0.1", self.port), timeout_s)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for hooks.example that signs itself, with its key, in one file."""
    path = tmp_path_factory.mktemp("tls") / "hooks.pem"
    subprocess.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=hooks.example "
        f"-addext subjectAltName=DNS:hooks.example -keyout {path} -out {path}.crt "
        f"&& cat {path}.crt >> {path}",
        shell=True,
        check=True,
        capture_output=True,
        timeout=30,
    )
    return path


@pytest.fixture
def net() -> Net:
    return Net()


@pytest.fixture
def outside(net: Net, certificate: Path) -> Iterator[Outside]:
    made = Outside(
        resolver=net.resolve,
        connector=net.connect,
        tls=ssl.create_default_context(cafile=str(certificate)),
    )
    yield made
    made.close()


@pytest.fixture
def send(outside: Outside) -> Send:
    sender = Sender(SystemClock(), Secrets(b"s" * 32), outside, timeout_s=0.6)
    return lambda url: sender.send(replace(CLAIM, endpoint=replace(CLAIM.endpoint, url=url)))


@pytest.fixture
def serve(net: Net, certificate: Path) -> Callable[[Answer], LocalServer]:
    """The server that public addresses lead to."""

    def start(reply: Answer) -> LocalServer:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
        server = LocalServer(reply, tls)
        net.port = server.port
        return server

    return start


Serve = Callable[[Answer], LocalServer]


def test_a_public_https_address_is_told(send: Send, serve: Serve, net: Net) -> None:
    with serve(answer(b"fine")) as server:
        outcome = send("https://hooks.example/a%20b?c=d#e")
    assert (outcome.response_status, outcome.response_body) == (200, "fine")
    assert outcome.is_delivered
    assert net.connected == [PUBLIC]
    assert server.requests[0].startswith("POST /a%20b?c=d HTTP/1.1\r\nHost: hooks.example\r\n")
    assert server.bodies == [CLAIM.body]


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::127.0.0.1]/",
        "https://[fe80::1]/",
    ],
)
def test_an_address_that_is_not_public_is_never_connected_to(
    send: Send, net: Net, url: str
) -> None:
    outcome = send(url)
    assert outcome.response_status is None
    assert outcome.error
    assert net.connected == []


@pytest.mark.parametrize("addresses", [["127.0.0.1"], [PUBLIC, "10.0.0.1"], ["::1"]])
def test_a_name_with_a_private_address_is_refused_at_every_attempt(
    send: Send, net: Net, addresses: list[str]
) -> None:
    net.names["inside.example"] = [addresses]
    outcome = send("https://inside.example/")
    assert outcome.error == "The URL leads to an address that is not on the public Internet."
    assert net.connected == []


def test_a_name_that_changes_after_it_was_judged_gains_nothing(
    send: Send, serve: Serve, net: Net
) -> None:
    net.names["hooks.example"] = [[PUBLIC], ["127.0.0.1"]]
    with serve(answer(b"")):
        assert send("https://hooks.example/").is_delivered
        assert not send("https://hooks.example/").is_delivered
    assert net.asked == ["hooks.example"] * 2
    assert net.connected == [PUBLIC]


@pytest.mark.parametrize("target", ["https://127.0.0.1/", "https://hooks.example/other", "/other"])
def test_a_redirect_is_not_followed(send: Send, serve: Serve, net: Net, target: str) -> None:
    with serve(redirect(target)) as server:
        outcome = send("https://hooks.example/")
    assert outcome.response_status == 302
    assert not outcome.is_delivered
    assert len(server.requests) == 1
    assert net.asked == ["hooks.example"]


def test_plain_http_is_refused_also_when_it_was_stored(send: Send, net: Net) -> None:
    assert send("http://hooks.example/").error == "The URL must start with https://."
    assert net.asked == []


def test_a_certificate_for_another_name_and_one_that_nobody_vouches_for_are_refused(
    send: Send, serve: Serve, net: Net
) -> None:
    net.names["other.example"] = [[PUBLIC]]
    strict = Outside(resolver=net.resolve, connector=net.connect)
    sender = Sender(SystemClock(), Secrets(b"s" * 32), strict)
    with serve(answer(b"")) as server:
        for outcome in (send("https://other.example/"), sender.send(CLAIM)):
            assert outcome.error == "There was no answer: the connection failed."
        assert server.requests == []
    strict.close()


@pytest.mark.parametrize(
    "slow",
    [
        pytest.param(silent, id="nothing at all"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nX-Long: "), id="headers"),
        pytest.param(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="interim answers"),
    ],
)
def test_a_slow_receiver_is_given_up_when_its_whole_time_is_over(
    send: Send, serve: Serve, slow: Answer
) -> None:
    with serve(slow):
        started = time.monotonic()
        outcome = send("https://hooks.example/")
        assert time.monotonic() - started < 5
    assert outcome.error == "There was no answer: it did not answer in time."
    assert outcome.duration_ms >= 600


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(endless, id="endless"),
        pytest.param(answer(b"x" * 1_000_000), id="long"),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n" + b"x" * 9_999)
        ),
    ],
)
def test_of_a_long_answer_the_beginning_is_kept_and_its_status_counts(
    send: Send, serve: Serve, body: Answer
) -> None:
    with serve(body):
        outcome = send("https://hooks.example/")
    assert outcome.is_delivered
    assert outcome.response_body == "x" * 2_048


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\n\r\n"), id="dripping"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nxx"), id="cut off"),
    ],
)
def test_a_body_that_never_ends_well_does_not_undo_the_status(
    send: Send, serve: Serve, body: Answer
) -> None:
    with serve(body):
        outcome = send("https://hooks.example/")
    assert outcome.is_delivered
    assert (outcome.response_body or "").startswith("xx")


def test_what_is_kept_of_an_answer_is_text_whatever_it_was(send: Send, serve: Serve) -> None:
    with serve(answer(b"a\0b\xff\xfe")):
        kept = send("https://hooks.example/").response_body
    assert kept == "a\ufffdb\ufffd\ufffd"


@pytest.mark.parametrize(
    "broken", [raw(b""), raw(b"hello\r\n\r\n"), raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 300_000)]
)
def test_nonsense_is_no_answer(send: Send, serve: Serve, broken: Answer) -> None:
    with serve(broken):
        assert send("https://hooks.example/").error == "There was no answer: the connection failed."


def test_no_cookie_and_no_wish_for_compression_is_sent(send: Send, serve: Serve) -> None:
    with serve(answer(b"", "Set-Cookie: a=b")) as server:
        for _ in range(2):
            send("https://hooks.example/")
    head = server.requests[1].lower()
    assert "cookie" not in head
    assert "authorization" not in head
    assert "accept-encoding: identity" in head
