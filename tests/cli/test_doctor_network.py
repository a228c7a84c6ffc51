"""The doctor asks what is around the house as clients do: relays by coturn, TLS, LiveKit."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from charafy.cli import doctor_network as network
from charafy.cli.doctor_relays import ask_relay
from charafy.credits.service import Credits
from charafy.kernel.db import Database
from charafy.kernel.ids import new_id
from charafy.kernel.observe import Metrics
from charafy.kernel.settings import Settings
from tests.support import turn
from tests.support.clock import ManualClock
from tests.support.otlp import Collector

PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no fault that is looked for here."""
    monkeypatch.setattr(network, "PATIENCE_S", PATIENCE_S)


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[turn.Turn]:
    with turn.running(tmp_path_factory.mktemp("turn")) as server:
        yield server


@pytest.fixture(scope="module")
def trusting() -> ssl.SSLContext:
    """Believes the certificate of the tests."""
    return ssl.create_default_context(cafile=str(turn.CERTIFICATE))


@pytest.fixture
def web() -> Iterator[tuple[ThreadingHTTPServer, int]]:
    """An https server at localhost that says what `said` of it is."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(turn.CERTIFICATE)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server, int(server.server_address[1])
    server.shutdown()
    server.server_close()
    thread.join(PATIENCE_S)


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = getattr(self.server, "said", (200, b'{"status":"alive"}'))
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


def credentials(secret: str = turn.SECRET) -> tuple[str, str]:
    """As clients get them."""
    username = f"{int((datetime.now(UTC) + timedelta(hours=1)).timestamp())}:someone"
    mac = hmac.digest(secret.encode(), username.encode(), hashlib.sha1)
    return username, base64.b64encode(mac).decode()


@pytest.mark.parametrize("query", ["", "?transport=udp", "?transport=tcp"])
def test_a_turn_server_gives_us_a_place_to_relay_from(relay: turn.Turn, query: str) -> None:
    asked = ask_relay(f"turn:127.0.0.1:{relay.port}{query}", *credentials(), None, PATIENCE_S)
    assert (asked.fails, asked.address) == (None, "127.0.0.1")


def test_over_tls_its_certificate_has_to_be_good(
    relay: turn.Turn, trusting: ssl.SSLContext
) -> None:
    url = f"turns:localhost:{relay.tls_port}"
    assert ask_relay(url, *credentials(), trusting, PATIENCE_S).fails is None
    why = ask_relay(url, *credentials(), None, PATIENCE_S).fails
    assert why is not None
    assert why.startswith("shows a certificate that can't be trusted")


def test_a_secret_that_is_not_the_servers_is_named(relay: turn.Turn) -> None:
    made_of_another = credentials("another secret")
    why = ask_relay(f"turn:127.0.0.1:{relay.port}", *made_of_another, None, PATIENCE_S).fails
    assert why is not None
    assert "is CHARAFY_TURN_SECRET its static-auth-secret" in why


@pytest.mark.parametrize("scheme", ["stun", "stuns"])
def test_a_stun_server_sees_us(relay: turn.Turn, trusting: ssl.SSLContext, scheme: str) -> None:
    port = relay.port if scheme == "stun" else relay.tls_port
    asked = ask_relay(f"{scheme}:localhost:{port}", tls=trusting, patience_s=PATIENCE_S)
    assert (asked.fails, asked.address) == (None, "127.0.0.1")


def test_silence_a_closed_port_and_nonsense_are_told_apart() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as silent, socket.socket() as closed:
        silent.bind(("127.0.0.1", 0))
        closed.bind(("127.0.0.1", 0))
        for scheme in ("stun", "turn"):
            url = f"{scheme}:127.0.0.1:{silent.getsockname()[1]}"
            assert ask_relay(url, "a", "b", patience_s=1.0).fails == "does not answer by UDP"
            url = f"{scheme}:127.0.0.1:{closed.getsockname()[1]}?transport=tcp"
            why = ask_relay(url, "a", "b", patience_s=PATIENCE_S).fails
            assert why is not None
            assert why.startswith("can't be reached")
    for wrong in ("http://turn.example", "turn:", "turn.example:3478", "turn:a?transport=sctp"):
        assert ask_relay(wrong).fails == "is no address like turn:host:port"


def test_the_relays_of_the_settings_are_asked_with_what_clients_get(relay: turn.Turn) -> None:
    settings = Settings(
        stun_urls=(f"stun:127.0.0.1:{relay.port}",),
        turn_urls=(f"turn:127.0.0.1:{relay.port}",),
        turn_secret=SecretStr(turn.SECRET),
    )
    sees, relays = network.relays(settings)
    assert sees.state == "ok"
    assert relays.state == "note", "nobody outside of this machine reaches loopback"
    assert "external-ip" in relays.says


def test_without_relays_it_is_said_what_fails() -> None:
    (finding,) = network.relays(Settings())
    assert finding.state == "note"
    assert "CHARAFY_TURN_URLS" in finding.says


def test_a_public_address_leads_here_over_a_good_certificate(
    web: tuple[ThreadingHTTPServer, int], trusting: ssl.SSLContext
) -> None:
    findings = list(network.public_address(at(f"https://localhost:{web[1]}"), trusting))
    assert [finding.state for finding in findings] == ["ok", "ok"]
    assert "good until 2126-10-29" in findings[0].says


@pytest.mark.parametrize(
    ("said", "state", "words"),
    [
        ((200, b"Welcome to nginx!"), "missing", "leads to something else (200)"),
        ((404, b""), "missing", "leads to something else (404)"),
        ((502, b""), "note", "its proxy finds no server behind it"),
    ],
)
def test_where_it_leads_to_something_else_it_is_said(
    web: tuple[ThreadingHTTPServer, int],
    trusting: ssl.SSLContext,
    said: tuple[int, bytes],
    state: str,
    words: str,
) -> None:
    vars(web[0])["said"] = said
    *_, finding = network.public_address(at(f"https://localhost:{web[1]}"), trusting)
    assert finding.state == state
    assert words in finding.says


def test_a_certificate_that_browsers_refuse_is_told_with_the_reason(
    web: tuple[ThreadingHTTPServer, int],
) -> None:
    (finding,) = network.public_address(at(f"https://localhost:{web[1]}"))
    assert finding.state == "missing"
    assert "browsers refuse it (self-signed certificate)" in finding.says


def test_one_that_ends_soon_is_told(
    web: tuple[ThreadingHTTPServer, int],
    trusting: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network, "SOON_DAYS", 100_000)
    finding = network.certificate("localhost", web[1], trusting)
    assert finding.state == "note"
    assert finding.says.endswith("renew it")


def test_no_tls_and_nobody_are_told_apart() -> None:
    plain = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=plain.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    port = int(plain.server_address[1])
    try:
        assert "no TLS at port" in network.certificate("127.0.0.1", port).says
    finally:
        plain.shutdown()
        plain.server_close()
        thread.join(PATIENCE_S)
    assert network.certificate("127.0.0.1", port).state == "note"


def test_plain_http_to_the_world_is_refused() -> None:
    finding, *_ = network.public_address(at("http://charafy.invalid"))
    assert finding.state == "missing"
    assert "browsers give no microphone to http" in finding.says


def test_a_collector_is_tried_with_its_headers_which_stay_hidden() -> None:
    with Collector() as taking:
        given: dict[str, Any] = {
            "otlp_url": taking.url,
            "otlp_headers": SecretStr("authorization=hunter2"),
        }
        (finding,) = network.collector(Settings(**given))
        assert finding.state == "ok"
        assert taking.headers[0]["authorization"] == "hunter2"
        taking.mood = 403
        (finding,) = network.collector(Settings(**given))
        assert finding.state == "missing"
        assert "answers 403" in finding.says
    (finding,) = network.collector(Settings(**given))
    assert finding.state == "missing"
    assert "hunter2" not in finding.says


def test_the_ports_that_a_firewall_has_to_let_in_are_named() -> None:
    (finding,) = network.talk_ports(Settings())
    assert finding.state == "ok"
    assert "UDP" in finding.says


def test_a_clock_that_is_behind_the_ledger_is_told(db: Database, clock: ManualClock) -> None:
    now = clock.now()
    credits, account = Credits(db, clock, Metrics()), new_id()
    if not db.url.startswith("sqlite"):
        why = network.clock_fails(db, now)
        assert why is not None, "PostgreSQL has a clock of its own, and ours is years away"
        assert "the database's" in why
        assert network.clock_fails(db, datetime.now(UTC)) is None
        return
    assert network.clock_fails(db, now) is None
    with db.write() as tx:
        credits.open(tx, account)
        credits.grant(tx, account, 1, kind="grant", reference="one", description="One")
    assert network.clock_fails(db, now) is None
    why = network.clock_fails(db, now - timedelta(hours=1))
    assert why is not None
    assert why.startswith("behind the last entry of the ledger")


def at(url: str) -> Settings:
    return Settings(public_url=url)


@pytest.mark.parametrize(
    ("mode", "size", "state"),
    [(0o600, 32, "ok"), (0o640, 32, "note"), (0o644, 32, "missing"), (0o600, 8, "missing")],
)
def test_the_secret_is_one_users_alone_and_whole(
    tmp_path: Path, mode: int, size: int, state: str
) -> None:
    from charafy.cli import doctor

    file = tmp_path / "secret"
    file.write_bytes(bytes(size))
    file.chmod(mode)
    (finding,) = doctor._secret(Settings(home=tmp_path))
    assert finding.state == state
