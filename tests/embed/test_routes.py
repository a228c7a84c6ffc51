"""Embed settings over HTTP: kept as they are sent, within the contract's limits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.neighbours import Customer

FIELDS = [
    "character_id",
    "embed_enabled",
    "allowed_origins",
    "embed_session_limit_seconds",
    "embed_daily_limit_seconds",
    "embed_monthly_limit_seconds",
    "embed_max_concurrent",
    "embed_url",
]
LIMITS = {
    "embed_session_limit_seconds": (60, 3_600),
    "embed_daily_limit_seconds": (60, 86_400),
    "embed_monthly_limit_seconds": (3_600, 2_592_000),
    "embed_max_concurrent": (1, 100),
}


@pytest.fixture
def path(alice: Customer) -> str:
    return f"/characters/{alice.character()}/embed"


def test_a_new_character_is_not_embedded_and_nothing_is_limited(alice: Customer, path: str) -> None:
    settings = alice.get(path).json()
    assert list(settings) == FIELDS
    assert settings["embed_enabled"] is False
    assert settings["allowed_origins"] == []
    assert [settings[name] for name in LIMITS] == [None] * 4


def test_the_contracts_example_answers_as_the_contract_says(alice: Customer, path: str) -> None:
    answer = alice.put(
        path,
        {
            "embed_enabled": True,
            "allowed_origins": ["https://example.com"],
            "embed_session_limit_seconds": 300,
            "embed_daily_limit_seconds": 3600,
        },
    )
    assert answer.status_code == 200
    assert list(answer.json()) == FIELDS
    character_id = path.split("/")[2]
    assert answer.json() == {
        "character_id": character_id,
        "embed_enabled": True,
        "allowed_origins": ["https://example.com"],
        "embed_session_limit_seconds": 300,
        "embed_daily_limit_seconds": 3600,
        "embed_monthly_limit_seconds": None,
        "embed_max_concurrent": None,
        "embed_url": f"http://127.0.0.1:8000/embed/{character_id}",
    }
    assert alice.get("/characters").json()["characters"][0]["embed_enabled"] is True


def test_an_update_changes_only_what_it_sends(alice: Customer, path: str) -> None:
    alice.put(path, {"embed_enabled": True, "embed_max_concurrent": 5})
    alice.put(path, {"allowed_origins": ["https://a.example", "https://b.example"]})
    alice.put(path, {"embed_session_limit_seconds": 60})
    alice.put(path, {})
    settings = alice.get(path).json()
    assert settings["embed_enabled"] is True
    assert settings["embed_max_concurrent"] == 5
    assert settings["allowed_origins"] == ["https://a.example", "https://b.example"]
    assert settings["embed_session_limit_seconds"] == 60


def test_null_removes_a_limit_and_an_empty_list_allows_all(alice: Customer, path: str) -> None:
    alice.put(path, {"embed_max_concurrent": 5, "allowed_origins": ["https://a.example"]})
    settings = alice.put(path, {"embed_max_concurrent": None, "allowed_origins": []}).json()
    assert settings["embed_max_concurrent"] is None
    assert settings["allowed_origins"] == []


def test_limits_are_inclusive_whole_numbers(alice: Customer, path: str) -> None:
    for name, (least, most) in LIMITS.items():
        for value in (least, most, float(most)):
            kept = alice.put(path, {name: value}).json()[name]
            assert kept == value
            assert isinstance(kept, int)
        out_of_range: list[Any] = [least - 1, most + 1, least + 0.5, "60", True, [60], {}]
        for wrong in out_of_range:
            answer = alice.put(path, {name: wrong})
            assert (answer.status_code, answer.json()["param"]) == (400, name), wrong
        assert alice.get(path).json()[name] == most


@pytest.mark.parametrize("raw", ["NaN", "Infinity", "1e999", "-0", "1e30"])
def test_numbers_that_are_none_are_400(alice: Customer, path: str, raw: str) -> None:
    answer = alice._ask(
        "PUT",
        path,
        content=f'{{"embed_max_concurrent": {raw}}}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 400


def test_origins_are_kept_as_browsers_send_them(alice: Customer, path: str) -> None:
    sent = {
        "https://Example.COM": "https://example.com",
        "HTTPS://b.example/": "https://b.example",
        "https://c.example:443": "https://c.example",
        "https://d.example:8443": "https://d.example:8443",
        "https://ドメイン.example": "https://xn--eckwd4c7c.example",
        "https://bücher.example": "https://xn--bcher-kva.example",
        "https://localhost:3000": "https://localhost:3000",
        "http://localhost:3000/": "http://localhost:3000",
        "http://127.0.0.1:80": "http://127.0.0.1",
        "http://[::1]:5173": "http://[::1]:5173",
        "http://shop.localhost": "http://shop.localhost",
        "https://192.0.2.1": "https://192.0.2.1",
        "https://[2001:DB8:0:0::1]:8443": "https://[2001:db8::1]:8443",
        "https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
    }
    kept = alice.put(path, {"allowed_origins": [*sent, "https://example.com/"]}).json()
    assert kept["allowed_origins"] == list(dict.fromkeys(sent.values()))


BAD_ORIGINS: list[Any] = [
    "",
    "https://",
    "example.com",
    "//example.com",
    "http://example.com",
    "http://192.168.0.1",
    "http://localhost.example",
    "http://mylocalhost",
    "ftp://localhost",
    "ftp://example.com",
    "https://*.example.com",
    "https://*",
    "*",
    "null",
    "https://example.com/path",
    "https://example.com//",
    "https://example.com?",
    "https://example.com?a=b",
    "https://example.com#",
    "https://example.com#top",
    "https://user@example.com",
    "https://user:secret@example.com",
    "https://@example.com",
    "https://exam ple.com",
    "https://example.com https://evil.example",
    "https://example.com;script-src *",
    "https://example.com,https://evil.example",
    "https://example.com\nX-Header: 1",
    "https://exa'mple.com",
    "https://-example.com",
    "https://example..com",
    "https://example.com:0x50",
    "https://example.com:99999",
    "https://[::1",
    "https://[::1::2]",
    "https://[fe80::1%25eth0]",
    "https://example.com:0",
    "https:\\\\example.com",
    "https://exam_ple.com",
    "https://" + "a" * 400 + ".example",
    "https://" + "a" * 64 + ".example",
    "\ud800",
    7,
    None,
]


def test_what_is_no_plain_https_origin_is_400(alice: Customer, path: str) -> None:
    for origin in BAD_ORIGINS:
        answer = alice.put(path, {"allowed_origins": ["https://ok.example", origin]})
        assert answer.status_code == 400, origin
        assert answer.json()["param"].startswith("allowed_origins"), origin
        assert "secret" not in answer.json()["error"]
    assert alice.get(path).json()["allowed_origins"] == []


@pytest.mark.parametrize("value", ["https://example.com", {}, None, [["https://a.example"]]])
def test_origins_are_a_list_of_strings(alice: Customer, path: str, value: Any) -> None:
    assert alice.put(path, {"allowed_origins": value}).status_code == 400


def test_twenty_origins_are_the_most(alice: Customer, path: str) -> None:
    twenty = [f"https://{number}.example" for number in range(20)]
    assert alice.put(path, {"allowed_origins": twenty}).json()["allowed_origins"] == twenty
    assert alice.put(path, {"allowed_origins": [*twenty, "https://x.example"]}).status_code == 400


@pytest.mark.parametrize("value", [None, 1, "true", []])
def test_embed_enabled_is_true_or_false(alice: Customer, path: str, value: Any) -> None:
    answer = alice.put(path, {"embed_enabled": value})
    assert (answer.status_code, answer.json()["param"]) == (400, "embed_enabled")
