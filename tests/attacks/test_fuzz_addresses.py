"""Addresses, origins, data URIs and files of clones that somebody spoilt: ours, or refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import strategies as st

from charafy.embed.frames import MAX_ORIGIN_CHARS, origin_of
from charafy.embed.origins import BadOrigin, normal_origin
from charafy.engines.voice.cloning.clonefile import BadClone, pack, unpack
from charafy.kernel.addresses import is_public
from charafy.kernel.errors import BadRequest
from charafy.kernel.media.datauri import parse_data_uri
from charafy.kernel.outside import Outside, Refused
from tests.support.fuzz import fuzzed, spoilt

URLS = (
    "https://example.com/charafy?a=b#c",
    "http://[2001:db8::1]:443/",
    "https://user:password@example.com:443/",
    "https://0x7f.1/",
    "https://2130706433/",
    "https://xn--bcher-kva.example/",
    "https://bücher.example:8443",
    "http://localhost:3000",
    "https://[::ffff:127.0.0.1]/",
    "https://[fe80::1%25eth0]/",
)


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    made = Outside()
    yield made
    made.close()


@fuzzed(150, url=spoilt(URLS))
def test_a_spoilt_url_is_refused_or_one_that_we_may_go_to(outside: Outside, url: str) -> None:
    with suppress(Refused):
        target = outside.judge(url)
        assert target.scheme in ("http", "https")
        assert target.host
        assert not target.userinfo
        assert target.port in (None, 80, 443)
        assert target.raw_host.decode("ascii")


@fuzzed(150, text=spoilt(URLS))
def test_a_spoilt_origin_is_refused_or_safe_in_a_policy(text: str) -> None:
    with suppress(BadOrigin):
        origin = normal_origin(text)
        assert re.fullmatch(r"https?://[a-z0-9.:\[\]-]+", origin)
        assert normal_origin(origin) == origin


@fuzzed(150, text=spoilt(URLS))
def test_what_a_browser_says_of_its_page_is_an_origin_or_none(text: str) -> None:
    assert len(origin_of(text)) <= MAX_ORIGIN_CHARS


@fuzzed(150, text=spoilt(["127.0.0.1", "::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "fe80::1%1"]))
def test_no_spoilt_address_breaks_the_judge(text: str) -> None:
    assert is_public(text) in (True, False)


@fuzzed(100, text=spoilt(["data:image/png;base64,iVBORw0KGgo=", "data:audio/mpeg;base64,SUQz"]))
def test_a_spoilt_data_uri_is_bytes_or_refused(text: str) -> None:
    with suppress(BadRequest):
        assert len(parse_data_uri(text, max_bytes=1_000, param="image")) <= 1_000


@fuzzed(100, text=spoilt([pack("kokoro", {"a": 1}).decode()]) | st.just("[" * 200_000))
def test_a_spoilt_file_of_a_clone_is_read_or_none(text: str) -> None:
    with suppress(BadClone):
        assert unpack(text.encode("utf-8", "surrogatepass"))[0]


def test_a_file_of_a_clone_that_nests_without_an_end_is_none() -> None:
    with pytest.raises(BadClone):
        unpack(b"[" * 200_000)
