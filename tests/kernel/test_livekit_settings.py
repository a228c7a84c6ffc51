"""LiveKit is set up wholly or not at all, and a mistake is told in one sentence."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from charafy.cli import refusal
from charafy.kernel.settings import Settings

SECRET = "s3cret-" * 6
ALL = {
    "CHARAFY_LIVEKIT_URL": "wss://livekit.example.com",
    "CHARAFY_LIVEKIT_API_KEY": "devkey",
    "CHARAFY_LIVEKIT_API_SECRET": SECRET,
}


def read(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


def refused(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    with pytest.raises(ValidationError) as error:
        read(monkeypatch, **environment)
    return refusal(error.value)


def test_all_three_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch).livekit_ws_url is None
    assert read(monkeypatch, **dict.fromkeys(ALL, "")).livekit_ws_url is None
    assert read(monkeypatch, **ALL).livekit_ws_url == "wss://livekit.example.com"


@pytest.mark.parametrize("missing", ALL)
def test_what_is_missing_is_named_and_no_secret_is_shown(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    said = refused(monkeypatch, **{name: text for name, text in ALL.items() if name != missing})
    assert f"{missing} is missing" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("http://127.0.0.1:7880", "ws://127.0.0.1:7880"),
        ("https://livekit.example.com/", "wss://livekit.example.com"),
        ("ws://[::1]:7880", "ws://[::1]:7880"),
    ],
)
def test_the_address_is_taken_as_operators_know_it(
    monkeypatch: pytest.MonkeyPatch, given: str, meant: str
) -> None:
    assert read(monkeypatch, **ALL | {"CHARAFY_LIVEKIT_URL": given}).livekit_ws_url == meant


@pytest.mark.parametrize(
    "url",
    [
        "livekit.example.com",
        "ftp://example.com",
        "wss://",
        "wss://a/b",
        "wss://a;b",
        "wss://me:pw@a",
        "ws://[::",
    ],
)
def test_what_is_no_address_of_a_server_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    said = refused(monkeypatch, **ALL | {"CHARAFY_LIVEKIT_URL": url})
    assert "CHARAFY_LIVEKIT_URL" in said
    assert SECRET not in said


def test_a_secret_that_can_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused(monkeypatch, **ALL | {"CHARAFY_LIVEKIT_API_SECRET": "hunter2"})
    assert "CHARAFY_LIVEKIT_API_SECRET" in said
    assert "hunter2" not in said
