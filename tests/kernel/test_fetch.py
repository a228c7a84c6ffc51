"""Downloads for users: what is public comes, what is private stays out of reach."""

from __future__ import annotations

import gzip
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import ip_addresses

from charafy.kernel.addresses import is_public
from charafy.kernel.clock import SystemClock
from charafy.kernel.errors import BadRequest, TooManyRequests
from charafy.kernel.fetch import MAX_AT_ONCE, Fetcher
from charafy.kernel.outside import resolve
from tests.support.servers import (
    LocalServer,
    answer,
    dripping,
    endless,
    raw,
    redirect,
    silent,
)

PUBLIC = "93.184.215.14"
MB = 1024 * 1024


class Net:
    """Names and routes of a small Internet: every public address leads to one local server."""

    def __init__(self, **names: list[list[str]]) -> None:
        self.names = {name.replace("_", "."): answers for name, answers in names.items()}
        self.asked: list[str] = []
        self.connected: list[str] = []
        self.server: LocalServer | None = None

    def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        answers = self.names.get(host)
        if answers is None:
            return resolve(host, port)
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def connect(self, address: str, port: int, timeout_s: float) -> socket.socket:
        self.connected.append(address)
        if self.server is None:
            raise ConnectionRefusedError
        return socket.create_connection(("127.0.0.1", self.server.port), timeout_s)


@pytest.fixture
def net() -> Net:
    return Net(photos_example=[[PUBLIC]])


@pytest.fixture
def fetcher(net: Net) -> Iterator[Fetcher]:
    made = Fetcher(SystemClock(), resolver=net.resolve, connector=net.connect)
    yield made
    made.close()


def get(fetcher: Fetcher, url: str, *, max_bytes: int = MB, timeout_s: float = 5.0) -> bytes:
    return fetcher.get(
        url, max_bytes=max_bytes, timeout_s=timeout_s, accept="image/*", param="image"
    )


def refusal(fetcher: Fetcher, url: str, **limits: float) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        get(fetcher, url, **limits)  # type: ignore[arg-type]
    assert caught.value.param == "image"
    return caught.value


def test_a_public_url_is_downloaded(fetcher: Fetcher, net: Net) -> None:
    with LocalServer(answer(b"picture")) as net.server:
        assert get(fetcher, "http://photos.example/a%20b?size=2#top") == b"picture"
    head = net.server.requests[0]
    assert head.startswith("GET /a%20b?size=2 HTTP/1.1\r\n")
    assert "\r\nHost: photos.example\r\n" in head
    assert net.connected == [PUBLIC]


def test_a_download_carries_no_cookies_credentials_or_wish_for_compression(
    fetcher: Fetcher, net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with LocalServer(answer(b"picture", "Set-Cookie: a=b")) as net.server:
        get(fetcher, "http://photos.example/1")
        get(fetcher, "http://photos.example/2")
    head = net.server.requests[1].lower()
    assert "cookie" not in head
    assert "authorization" not in head
    assert "accept-encoding: identity" in head


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.8.8.8/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://localhost/",
        "http://localhost./",
        "http://0.0.0.0/",
        "http://0/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://224.0.1.1/",
        "http://255.255.255.255/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::127.0.0.1]/",
        "http://[64:ff9b:1::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[2001:0:7f00:1::]/",
        "http://[fe80::1]/",
        "http://[fc00::1]/",
        "http://[fec0::1]/",
        "http://[ff0e::1]/",
        "https://127.0.0.1/",
        "http://１２７.0.0.1/",
    ],
)
def test_an_address_that_is_not_public_is_refused_unconnected(
    fetcher: Fetcher, net: Net, url: str
) -> None:
    assert refusal(fetcher, url).code in ("image_url_refused", "image_url_unreachable")
    assert net.connected == []


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://169.254.169.254/", "http://[::1]/"])
def test_the_refusal_says_why_in_a_sentence(fetcher: Fetcher, url: str) -> None:
    error = refusal(fetcher, url)
    assert error.code == "image_url_refused"
    assert error.message == (
        "The image URL leads to an address that is not on the public Internet."
    )


def test_public_addresses_are_known_as_such() -> None:
    for address in ("8.8.8.8", PUBLIC, "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"):
        assert is_public(address), address


@given(ip_addresses(v=4))
def test_an_ipv6_address_that_wraps_an_ipv4_address_is_judged_by_it(inner: IPv4Address) -> None:
    for wrapped in (f"::ffff:{inner}", f"64:ff9b::{inner}"):
        assert is_public(wrapped) is is_public(str(inner))
    assert not is_public(f"2002:{int(inner) >> 16:x}:{int(inner) & 0xFFFF:x}::1")


def test_a_public_ipv6_address_and_an_international_name_can_be_named(
    fetcher: Fetcher, net: Net
) -> None:
    net.names["xn--eckwd4c7c.example"] = [[PUBLIC]]
    with LocalServer(answer(b"picture")) as net.server:
        assert get(fetcher, "http://[2606:4700::1111]/a.png") == b"picture"
        assert get(fetcher, "http://ドメイン.example/写真.png") == b"picture"
    six, name = net.server.requests
    assert "\r\nHost: [2606:4700::1111]\r\n" in six
    assert "\r\nHost: xn--eckwd4c7c.example\r\n" in name
    assert name.startswith("GET /%E5%86%99%E7%9C%9F.png ")
    assert net.connected == ["2606:4700::1111", PUBLIC]


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    fetcher: Fetcher, net: Net
) -> None:
    net.names["mixed.example"] = [[PUBLIC, "127.0.0.1"]]
    assert refusal(fetcher, "http://mixed.example/").code == "image_url_refused"
    assert net.connected == []


@pytest.mark.parametrize("inside", ["127.0.0.1", "169.254.169.254", "::1"])
def test_a_name_that_resolves_to_a_private_address_is_refused(
    fetcher: Fetcher, net: Net, inside: str
) -> None:
    net.names["inside.example"] = [[inside]]
    assert refusal(fetcher, "http://inside.example/").code == "image_url_refused"
    assert net.connected == []


def test_a_name_that_changes_after_it_was_judged_gains_nothing(fetcher: Fetcher, net: Net) -> None:
    net.names["rebind.example"] = [[PUBLIC], ["127.0.0.1"]]
    with LocalServer(answer(b"picture")) as net.server:
        assert get(fetcher, "http://rebind.example/") == b"picture"
    assert net.asked == ["rebind.example"]
    assert net.connected == [PUBLIC]


def test_a_name_that_changes_between_two_redirects_is_judged_again(
    fetcher: Fetcher, net: Net
) -> None:
    net.names["rebind.example"] = [[PUBLIC], ["127.0.0.1"]]
    with LocalServer(redirect("/again")) as net.server:
        assert refusal(fetcher, "http://rebind.example/").code == "image_url_refused"
    assert net.connected == [PUBLIC]


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/",
        "http://[::1]/",
        "//127.0.0.1/",
        "http://photos.example:6379/",
        "file:///etc/passwd",
        "gopher://photos.example/",
        "http://user:secret@photos.example/",
    ],
)
def test_a_redirect_to_where_we_would_not_go_is_refused(
    fetcher: Fetcher, net: Net, target: str
) -> None:
    with LocalServer(redirect(target)) as net.server:
        assert refusal(fetcher, "http://photos.example/").code == "image_url_refused"
    assert net.connected == [PUBLIC]


def test_three_redirects_are_followed_and_a_fourth_is_not(fetcher: Fetcher, net: Net) -> None:
    def hops(connection: socket.socket, stop: object) -> None:
        step = len(server.requests)
        reply = answer(b"there") if step > 3 else redirect(f"/{step}")
        reply(connection, stop)  # type: ignore[arg-type]

    with LocalServer(hops) as server:
        net.server = server
        assert get(fetcher, "http://photos.example/") == b"there"
    with LocalServer(redirect("/round")) as net.server:
        error = refusal(fetcher, "http://photos.example/")
        assert error.code == "image_url_unreachable"
        assert len(net.server.requests) == 4


@pytest.mark.parametrize("location", ["http://[", "http://exa mple/", "\xff\xfe://x", ""])
def test_a_redirect_to_nonsense_is_a_clear_error(fetcher: Fetcher, net: Net, location: str) -> None:
    with LocalServer(redirect(location)) as net.server:
        assert refusal(fetcher, "http://photos.example/").code.startswith("image_url_")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://photos.example/a.jpg",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//photos.example/a.jpg",
        "photos.example",
        "http://",
        "http:///a.jpg",
        "http://photos.example:22/",
        "http://photos.example:99999/",
        "http://user@photos.example/",
        "http://user:secret@photos.example/",
        "http://exa\nmple/",
        "http://[1::2::3]/",
        "http://" + "a" * 3000 + "/",
        "",
    ],
)
def test_a_url_that_may_not_be_fetched_is_refused_unresolved(
    fetcher: Fetcher, net: Net, url: str
) -> None:
    error = refusal(fetcher, url)
    assert error.code == "image_url_refused"
    assert "secret" not in error.message
    assert net.asked == []


def test_a_name_that_does_not_exist_is_unreachable(fetcher: Fetcher, net: Net) -> None:
    net.names["nowhere.example"] = [[]]
    assert refusal(fetcher, "http://nowhere.example/").code == "image_url_unreachable"


def test_a_resolver_that_hangs_is_not_waited_for(net: Net) -> None:
    release = threading.Event()

    def hang(_host: str, _port: int) -> list[str]:
        release.wait(10)
        return [PUBLIC]

    fetcher = Fetcher(SystemClock(), resolver=hang, connector=net.connect)
    try:
        error = refusal(fetcher, "http://photos.example/", timeout_s=0.1)
    finally:
        release.set()
        fetcher.close()
    assert error.code == "image_url_unreachable"


@pytest.mark.parametrize(
    "slow",
    [
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\n\r\n"), id="body"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nX-Long: "), id="headers"),
        pytest.param(dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="interim answers"),
        pytest.param(silent, id="nothing at all"),
    ],
)
def test_a_slow_download_ends_when_its_whole_time_is_over(
    fetcher: Fetcher, net: Net, slow: object
) -> None:
    assert callable(slow)
    with LocalServer(slow) as net.server:
        started = time.monotonic()
        error = refusal(fetcher, "http://photos.example/", timeout_s=0.4)
        assert time.monotonic() - started < 5
    assert error.code == "image_url_unreachable"
    assert "in time" in error.message


def test_a_server_that_never_finishes_its_tls_handshake_is_given_up(
    fetcher: Fetcher, net: Net
) -> None:
    with LocalServer(silent) as net.server:
        error = refusal(fetcher, "https://photos.example/", timeout_s=0.4)
    assert error.code == "image_url_unreachable"


def test_an_endless_download_ends_at_the_size_limit(fetcher: Fetcher, net: Net) -> None:
    with LocalServer(endless) as net.server:
        error = refusal(fetcher, "http://photos.example/", max_bytes=2 * MB)
    assert error.code == "image_too_large"
    assert error.message == "The image is larger than 2 MB."


def test_a_length_over_the_limit_is_refused_before_the_body(fetcher: Fetcher, net: Net) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    with LocalServer(raw(head)) as net.server:
        assert refusal(fetcher, "http://photos.example/").code == "image_too_large"


def test_a_compressed_body_is_not_unpacked(fetcher: Fetcher, net: Net) -> None:
    bomb = gzip.compress(b"\0" * 10 * MB)
    with LocalServer(answer(bomb, "Content-Encoding: gzip")) as net.server:
        error = refusal(fetcher, "http://photos.example/")
    assert "compressed" in error.message


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(raw(b""), id="closed"),
        pytest.param(raw(b"hello\r\n\r\n"), id="not HTTP"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), id="cut off"),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), id="bad length"),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), id="bad chunk"
        ),
        pytest.param(raw(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 300_000), id="huge header"),
        pytest.param(answer(b"", status="404 Not Found"), id="404"),
        pytest.param(answer(b"", status="500 Oops"), id="500"),
        pytest.param(answer(b"", status="304 Not Modified"), id="304"),
        pytest.param(answer(b"", status="302 Found"), id="redirect without target"),
    ],
)
def test_a_server_that_does_not_deliver_is_unreachable(
    fetcher: Fetcher, net: Net, broken: object
) -> None:
    assert callable(broken)
    with LocalServer(broken) as net.server:
        error = refusal(fetcher, "http://photos.example/")
    assert error.code == "image_url_unreachable"


def test_a_server_that_is_down_is_unreachable_and_every_address_was_tried(
    fetcher: Fetcher, net: Net
) -> None:
    net.names["two.example"] = [[PUBLIC, "8.8.8.8"]]
    assert refusal(fetcher, "http://two.example/").code == "image_url_unreachable"
    assert net.connected == [PUBLIC, "8.8.8.8"]


def test_an_allowed_host_may_be_private_on_its_port_alone(net: Net) -> None:
    with LocalServer(answer(b"picture")) as server:
        fetcher = Fetcher(SystemClock(), allowed_hosts=[f"127.0.0.1:{server.port}"])
        try:
            assert get(fetcher, f"http://127.0.0.1:{server.port}/") == b"picture"
            for url in (f"http://127.0.0.1:{server.port + 1}/", "http://127.0.0.1/"):
                assert refusal(fetcher, url).code == "image_url_refused"
        finally:
            fetcher.close()


def test_too_many_downloads_at_once_are_turned_away(net: Net) -> None:
    fetcher = Fetcher(SystemClock(), resolver=net.resolve, connector=net.connect, wait_s=0.05)
    for _ in range(MAX_AT_ONCE):
        fetcher._places.acquire()
    with pytest.raises(TooManyRequests):
        get(fetcher, "http://photos.example/")
    fetcher.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for photos.example that signs itself, with its key, in one file."""
    path = tmp_path / "photos.pem"
    subprocess.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=photos.example "
        f"-addext subjectAltName=DNS:photos.example -keyout {path} -out {path}.crt "
        f"&& cat {path}.crt >> {path}",
        shell=True,
        check=True,
        capture_output=True,
        timeout=30,
    )
    return path


def test_tls_names_and_checks_the_host_although_it_connects_to_an_address(
    net: Net, certificate: Path
) -> None:
    names: list[str | None] = []
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    tls.sni_callback = lambda _socket, name, _context: names.append(name)
    trusting = ssl.create_default_context(cafile=str(certificate))
    net.names["other.example"] = [[PUBLIC]]
    fetcher = Fetcher(SystemClock(), resolver=net.resolve, connector=net.connect, tls=trusting)
    with LocalServer(answer(b"picture"), tls) as net.server:
        assert get(fetcher, "https://photos.example/") == b"picture"
        error = refusal(fetcher, "https://other.example/")
    fetcher.close()
    assert names == ["photos.example", "other.example"]
    assert error.code == "image_url_unreachable"


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    fetcher: Fetcher, net: Net, certificate: Path
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with LocalServer(answer(b"picture"), tls) as net.server:
        assert refusal(fetcher, "https://photos.example/").code == "image_url_unreachable"
