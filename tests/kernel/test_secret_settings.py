"""One secret for all machines: of the settings or the data folder, never one against the other."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from charafy.cli import refusal
from charafy.ground import lay_ground
from charafy.kernel.clock import SystemClock
from charafy.kernel.secret_settings import SecretRefused, load_secret
from charafy.kernel.settings import Settings

GIVEN = "0123456789abcdeffedcba9876543210" * 2 + "a1b2c3d4e5f60718" * 2


def test_without_a_setting_it_is_made_once_in_the_data_folder(tmp_path: Path) -> None:
    secret = load_secret(tmp_path / "home")
    assert len(secret) == 32
    assert load_secret(tmp_path / "home") == secret
    assert load_secret(tmp_path / "another") != secret


def test_machines_that_are_given_one_share_it_and_keep_no_file(tmp_path: Path) -> None:
    houses = [Settings(home=tmp_path / name, secret=SecretStr(GIVEN)) for name in ("a", "b")]
    for settings in houses:
        settings.home.mkdir()
        ground = lay_ground(settings, SystemClock())
        ground.db.close()
        assert ground.secret == bytes.fromhex(GIVEN)
        assert not (settings.home / "secret").exists()


def test_the_environment_gives_it_and_an_empty_word_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHARAFY_SECRET", f" {GIVEN.upper()}\n")
    settings = Settings()
    assert settings.secret == SecretStr(GIVEN.upper())
    assert GIVEN.upper() not in repr(settings) + settings.model_dump_json()
    monkeypatch.setenv("CHARAFY_SECRET", "")
    assert Settings().secret is None


def test_a_server_moves_its_own_secret_into_the_settings(tmp_path: Path) -> None:
    secret = load_secret(tmp_path)
    assert load_secret(tmp_path, SecretStr(secret.hex())) == secret


def test_one_that_contradicts_the_data_folder_is_refused(tmp_path: Path) -> None:
    held = load_secret(tmp_path)
    with pytest.raises(SecretRefused, match="CHARAFY_SECRET differs from") as refused:
        load_secret(tmp_path, SecretStr(GIVEN))
    assert str(tmp_path / "secret") in str(refused.value)
    assert GIVEN not in str(refused.value)
    assert load_secret(tmp_path) == held


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("hunter2", "is not hexadecimal"),
        (secrets.token_hex(31), "has less than 64 digits"),
        ("5ec7e7" * 30, "could be guessed"),
    ],
    ids=["no number", "short", "known"],
)
def test_what_is_no_secret_is_refused_without_being_shown(given: str, reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(secret=SecretStr(given))
    sentence = refusal(refused.value)
    assert f"CHARAFY_SECRET {reason}" in sentence
    assert "openssl rand -hex 32" in sentence
    assert given not in sentence + str(refused.value)


def test_a_file_that_holds_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"")
    with pytest.raises(SecretRefused, match="holds no whole secret"):
        load_secret(tmp_path)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    with pytest.raises(SecretRefused, match="can't be read"):
        load_secret(tmp_path, SecretStr(GIVEN))
