"""Settings come from the environment, once, and never change."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from charafy.kernel.settings import Settings


def test_the_environment_moves_the_house(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CHARAFY_HOME", str(tmp_path))
    monkeypatch.setenv("CHARAFY_HOST", "::1")
    monkeypatch.setenv("CHARAFY_PORT", "8123")
    settings = Settings()
    assert settings.home == tmp_path
    assert settings.base_url == "http://[::1]:8123"
    assert settings.db_url == f"sqlite:///{tmp_path}/charafy.db"


def test_one_price_can_be_changed_without_repeating_the_book(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHARAFY_PRICES__AVATAR", "39")
    prices = Settings().prices
    assert (prices.avatar, prices.tts_per_100_chars, prices.voice_clone) == (39, 1, 100)


def test_a_server_on_every_address_is_reached_on_this_machine() -> None:
    assert Settings(host="0.0.0.0", port=8000).base_url == "http://127.0.0.1:8000"
    assert Settings(public_url="https://talk.example/").base_url == "https://talk.example"


def test_settings_are_frozen_and_checked() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Settings(port=70_000)


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    assert "hunter2" not in repr(Settings(smtp_url=SecretStr("smtp://me:hunter2@mail.example")))
