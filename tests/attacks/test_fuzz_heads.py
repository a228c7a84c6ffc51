"""Whatever stands in a request's head, path, query or form: answered in our own words, never a 500.

Over PostgreSQL too: it keeps no NUL and knows no half of a surrogate pair.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import strategies as st
from pydantic import SecretStr

from charafy.house import House
from charafy.kernel.cursors import cursor_after
from charafy.kernel.ids import new_id
from tests.attacks.conftest import MakeHouse, client_of
from tests.support.clock import ManualClock
from tests.support.fuzz import Json, fuzzed, spoilt

FILE: Final = Path(__file__).parents[2] / "docs" / "openapi.json"
SECRET: Final = "whsec_test"
INSIDE: Final = ("Traceback", "site-packages", "sqlalchemy", "psycopg", 'File "', "pydantic")
"""What no answer may show: where it broke, and in what."""


@dataclass(frozen=True)
class Place:
    client: TestClient
    key: str
    house: House

    def ask(self, method: str, url: str, **more: Any) -> Any:
        answer = self.client.request(method, url, follow_redirects=False, **more)
        assert answer.status_code < 500 or answer.status_code in (502, 503), (
            answer.status_code,
            answer.text[:500],
        )
        if "image" not in answer.headers.get("content-type", ""):
            assert not any(word in answer.text for word in INSIDE), answer.text[:500]
        return answer


@pytest.fixture
def place(make_house: MakeHouse) -> Place:
    """With limits that no fuzz reaches: what is refused for its number is not looked at."""
    house = make_house(
        stripe_secret_key=SecretStr("sk_test"),
        stripe_webhook_secret=SecretStr(SECRET),
        stripe_api_url="http://127.0.0.1:9",
    )
    who = house.accounts.create("owner@example.com", credits=1_000)
    return Place(client_of(house), house.keys.create(who.account_id, "Key").key, house)


HEADS: Final[Mapping[str, tuple[str, ...]]] = {
    "x-api-key": ("ck_live_" + "a" * 46,),
    "authorization": ("Bearer ck_live_" + "a" * 46, "Basic YTpi"),
    "cookie": ("charafy_session=abc; charafy_form=def; lang=ja", 'lang="\\303\\251"'),
    "accept-language": ("ja-JP,ja;q=0.9,en;q=0.8", "en"),
    "accept-encoding": ("gzip, deflate;q=0", "gzip;q=0.0"),
    "range": ("bytes=0-10", "bytes=-5", "bytes=5-", "bytes=0-1,3-4"),
    "if-range": ('"abc"', "Wed, 21 Oct 2015 07:28:00 GMT"),
    "if-none-match": ('"abc", W/"def"', "*"),
    "idempotency-key": ("order-1",),
    "content-type": (
        "application/json",
        "multipart/form-data; boundary=xx",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
    ),
    "content-length": ("10", "0"),
    "origin": ("https://example.com", "http://[::1]:80", "null"),
    "referer": ("https://example.com/page", "http://[::1"),
    "sec-fetch-site": ("same-origin", "cross-site"),
    "sec-fetch-dest": ("iframe", "document"),
    "host": ("example.com", "[::1]:8000", "localhost:99999"),
    "x-forwarded-for": ("10.0.0.1, 203.0.113.7", "[2001:db8::1]:443"),
    "x-request-id": ("abc",),
    "traceparent": ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",),
    "stripe-signature": ("t=1,v1=abc",),
}

BODIES: Final = (
    '{"name": "Aria"}',
    '--xx\r\nContent-Disposition: form-data; name="audio"; filename="a.wav"\r\n\r\nRIFF\r\n--xx--',
    "email=a%40example.com&password=abc",
    "[" * 30_000,
    '{"a":' * 5_000,
    "\ufeff{}",
    "",
)

PATHS: Final = (
    ("GET", "/"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/dashboard"),
    ("GET", "/api/v1/characters"),
    ("POST", "/api/v1/characters"),
    ("POST", "/api/v1/tts"),
    ("POST", "/api/v1/voices"),
    ("PATCH", "/api/v1/conversation/connect"),
    ("POST", "/api/v1/stripe/webhook"),
    ("GET", "/files/somewhere/file.png"),
    ("GET", "/embed/" + new_id()),
    ("GET", "/health"),
)


def head(value: str) -> bytes:
    """As bytes on the wire, where a head ends with its line."""
    return value.replace("\r", "").replace("\n", "").encode("utf-8", "surrogatepass")


@fuzzed(
    80,
    heads=st.dictionaries(st.sampled_from(list(HEADS)), st.integers(0, 3), min_size=1, max_size=4),
    how=st.data(),
    asked=st.sampled_from(PATHS),
    body=spoilt(BODIES) | st.sampled_from(BODIES),
    known=st.booleans(),
)
def asked_in_odd_ways(
    place: Place,
    heads: dict[str, int],
    how: st.DataObject,
    asked: tuple[str, str],
    body: str,
    known: bool,
) -> None:
    sent = {name.encode(): head(how.draw(spoilt(HEADS[name]))) for name in heads}
    if known:
        sent[b"x-api-key"] = place.key.encode()
    content = body.encode("utf-8", "surrogatepass") if asked[0] != "GET" else None
    place.ask(*asked, headers=sent, content=content)


def test_heads_and_bodies_in_any_form_get_an_answer(place: Place) -> None:
    asked_in_odd_ways(place)


OPERATIONS: Final = [
    (method.upper(), path, operation)
    for path, methods in json.loads(FILE.read_text())["paths"].items()
    for method, operation in methods.items()
]


def test_a_nul_anywhere_is_an_answer_too(place: Place) -> None:
    """In each parameter of each operation, and in each field of each body."""
    schemas = json.loads(FILE.read_text())["components"]["schemas"]
    for method, path, operation in OPERATIONS:
        parameters = [one for one in operation.get("parameters", []) if "in" in one]
        queries = [one["name"] for one in parameters if one["in"] == "query"]
        url = path
        for one in parameters:
            if one["in"] == "path":
                url = url.replace("{" + one["name"] + "}", "a%00b")
        body = {name: _with_nul(about) for name, about in _fields(operation, schemas).items()}
        alone = [{name: body[name]} for name in body] if method == "PATCH" else []
        for query in [f"?{name}=a%00b" for name in queries] or [""]:
            for fields in [body, *alone]:
                sent = {"json": fields} if body else {}
                place.ask(method, url + query, headers=_known(place), **sent)
    lost = {"pc_id": "a\0b", "candidates": [{"candidate": "a\0b", "sdp_mid": "a\0b"}]}
    assert place.ask("PATCH", "/api/v1/conversation/connect", json=lost).status_code == 404


def _fields(operation: Json, schemas: Json) -> dict[str, Json]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return {}
    name = content["schema"].get("$ref", "").rpartition("/")[2]
    found: dict[str, Json] = schemas.get(name, {}).get("properties", {})
    return found


def _with_nul(about: Json) -> Json:
    for kind in [about, *about.get("anyOf", [])]:
        match kind.get("type"):
            case "string":
                return "a\0b" if "enum" not in kind else kind["enum"][0]
            case "array":
                return ["a\0b"]
            case "object":
                return {"a\0b": "c\0d"}
    return about.get("default", 1)


GOOD_CURSOR: Final = cursor_after(ManualClock().now(), new_id())


def test_cursors_of_lists_are_ours_or_refused(place: Place) -> None:
    lists = [
        path
        for method, path, operation in OPERATIONS
        if (method, _takes(operation, "cursor"), "{" in path) == ("GET", True, False)
        and place.ask("GET", path, headers=_known(place)).status_code == 200
    ]
    assert len(lists) > 3

    @fuzzed(60, cursor=spoilt([GOOD_CURSOR, "MDAwMS0wMS0wMVQwMDowMDowMCswOTowMA"]))
    def ask(cursor: str) -> None:
        sent = quote(cursor, errors="replace")
        answer = place.ask(
            "GET", f"{lists[len(cursor) % len(lists)]}?cursor={sent}", headers=_known(place)
        )
        assert answer.status_code in (200, 400)

    ask()


def _takes(operation: Json, name: str) -> bool:
    return any(one.get("name") == name for one in operation.get("parameters", []))


def _known(place: Place) -> dict[str, str]:
    return {"x-api-key": place.key}


def test_a_signature_that_is_no_text_of_ours_is_refused_with_400(place: Place) -> None:
    head = f"t={int(time.time())},v1=é".encode()
    sent: Mapping[bytes, bytes] = {b"stripe-signature": head}
    answer = place.ask("POST", "/api/v1/stripe/webhook", headers=sent, content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_signature")
