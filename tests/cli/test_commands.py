"""Every command works beside a running server and says clearly what it did."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Run
from tests.support import redis
from tests.support.server import Server

COMMANDS = (
    "serve",
    "api",
    "worker",
    "talk",
    "say",
    "video",
    "doctor",
    "backup",
    "restore",
    "keys create",
    "keys list",
    "keys revoke",
    "credits show",
    "credits grant",
    "characters list",
    "characters preview",
    "voices list",
    "voices clone",
    "voices delete",
    "voices consents",
    "models pull",
    "models list",
    "models verify",
    "accounts list",
    "accounts sign-in-link",
    "accounts suspend",
    "accounts unsuspend",
)


def ask(server: Server, key: str) -> int:
    return httpx.get(
        f"{server.base_url}/api/v1/credits", headers={"x-api-key": key}, timeout=10
    ).status_code


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(charafy: Run, command: str) -> None:
    answer = charafy(*command.split(), "--help")
    assert answer.returncode == 0
    assert f"charafy {command}" in answer.stdout


def test_a_key_made_beside_the_server_works_at_once_and_its_revocation_within_a_second(
    charafy: Run, server: Server
) -> None:
    key = charafy("keys", "create", "--name", "beside").stdout.strip()
    assert re.fullmatch(r"ck_live_\w{30,}", key)
    assert ask(server, key) == 200
    assert "beside" in charafy("keys", "revoke", "beside").stdout
    deadline = time.monotonic() + 5
    while ask(server, key) == 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ask(server, key) == 401
    row = next(line for line in charafy("keys", "list").stdout.splitlines() if "beside" in line)
    assert row.rstrip().endswith("revoked")


def test_a_test_key_is_told_by_its_prefix(charafy: Run) -> None:
    assert charafy("keys", "create", "--name", "t", "--test").stdout.startswith("ck_test_")


def test_granted_credits_are_there_for_the_server(charafy: Run, server: Server) -> None:
    url, headers = f"{server.base_url}/api/v1/credits", {"x-api-key": server.api_key}
    before = httpx.get(url, headers=headers, timeout=10).json()["credits_remaining"]
    assert "+250 credits" in charafy("credits", "grant", "250", "--reason", "Birthday").stdout
    after = httpx.get(url, headers=headers, timeout=10).json()
    assert after["credits_remaining"] == before + 250
    assert after["transactions"][0]["description"] == "Birthday"
    assert "Birthday" in charafy("credits", "show").stdout


def test_more_than_there_is_cannot_be_taken_back(charafy: Run) -> None:
    answer = charafy("credits", "grant", "--", "-1000000")
    assert answer.returncode == 1
    assert "you have 10,250" in answer.stderr


def test_characters_and_voices_are_listed_one_to_a_line(charafy: Run) -> None:
    characters = charafy("characters", "list").stdout.splitlines()
    assert {line.split()[1] for line in characters[1:]} == {"Emma", "Hana", "Leo"}
    assert len(charafy("voices", "list").stdout.splitlines()) == 1 + 33


def test_say_writes_a_file_that_is_audio(charafy: Run, tmp_path: Path) -> None:
    target = tmp_path / "hello.mp3"
    answer = charafy("say", "Hello there.", "--character", "emma", "-o", str(target))
    assert answer.returncode == 0, answer.stderr
    assert target.read_bytes()[:2] in (b"\xff\xf3", b"\xff\xfb")
    assert "Emma speaks for" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("say", "Hi", "--character", "Nobody", "-o", "x.mp3"), "no character called Nobody"),
        (("say", "Hi", "--character", "Emma", "-o", "x.txt"), "must end in"),
        (("say", "", "--character", "Emma", "-o", "x.mp3"), "1-5,000 characters"),
        (("keys", "revoke", "nothing-like-it"), "No active key matches"),
        (("keys", "create", "--name", "x", "--scope", "rule:world"), "scopes: must be some of"),
        (("credits", "show", "--account", "nobody@example.com"), "No account has the address"),
        (("models", "pull", "gpt-9"), "There is no model gpt-9"),
    ],
)
def test_a_refusal_is_one_sentence_and_status_1(
    charafy: Run, arguments: tuple[str, ...], says: str
) -> None:
    answer = charafy(*arguments)
    assert answer.returncode == 1
    assert says in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_owner_cannot_be_shut_out(charafy: Run) -> None:
    answer = charafy("accounts", "suspend")
    assert answer.returncode == 1
    assert "owner" in answer.stderr
    rows = [line.split() for line in charafy("accounts", "list").stdout.splitlines()]
    (owner,) = [row for row in rows if "owner@localhost" in row]
    assert owner[1:5] == ["owner@localhost", "Owner", "owner", "active"]


def test_the_sign_in_link_leads_to_the_running_server(charafy: Run, server: Server) -> None:
    link = charafy("accounts", "sign-in-link").stdout.strip()
    assert link.startswith(f"{server.base_url}/sign-in/link?token=")


def test_doctor_finds_this_house_in_order(charafy: Run) -> None:
    answer = charafy("doctor")
    assert "every balance equals the sum of its entries" in answer.stdout
    assert "answers: a server is running" in answer.stdout
    assert "language model: " in answer.stdout
    assert answer.returncode == 0


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"CHARAFY_LLM_ENGINE": "scripted"}, "only say back what they hear"),
        (
            {"CHARAFY_LLM_BASE_URL": "http://127.0.0.1:9/v1", "CHARAFY_LLM_MODEL": "some-model"},
            "some-model at http://127.0.0.1:9/v1",
        ),
        ({"CHARAFY_LLM_ENGINE": "embedded", "CHARAFY_LLM_PATH": "/none.gguf"}, "is no file"),
    ],
)
def test_doctor_says_what_characters_think_with(
    charafy: Run, settings: dict[str, str], says: str
) -> None:
    assert says in " ".join(charafy("doctor", **settings).stdout.split())


def test_doctor_says_what_is_missing_and_what_to_do(charafy: Run, tmp_path: Path) -> None:
    answer = charafy("doctor", CHARAFY_MODELS=str(tmp_path / "none"))
    assert answer.returncode == 1
    assert "Run `charafy models pull`" in answer.stdout


def test_doctor_says_whether_redis_can_be_used(charafy: Run) -> None:
    assert "each API process counts limits by itself" in " ".join(charafy("doctor").stdout.split())
    with redis.running() as store:
        answer = charafy("doctor", CHARAFY_REDIS_URL=store.url())
        assert "redis: answers" in answer.stdout
        assert answer.returncode == 0
        answer = charafy("doctor", CHARAFY_REDIS_URL=store.url(password="hunter2"))
        assert "refuses the" in answer.stdout
        assert "hunter2" not in answer.stdout + answer.stderr
        assert answer.returncode == 1


def test_a_taken_port_is_said_before_anything_is_loaded(charafy: Run, server: Server) -> None:
    answer = charafy("serve", "--port", server.base_url.rsplit(":", 1)[1])
    assert answer.returncode == 1
    assert "can't be used" in answer.stderr
