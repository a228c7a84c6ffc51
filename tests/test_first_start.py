"""The first start makes an owner, a key and demo characters; later starts make nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx

from tests.support.server import running


def test_the_curl_line_that_the_first_start_prints_works_when_pasted(tmp_path: Path) -> None:
    with running(tmp_path / "home", CHARAFY_VOICE_ENGINE="scripted") as server:
        start = server.said.index("curl -X POST")
        line = server.said[start : server.said.index("hello.mp3") + len("hello.mp3")]
        subprocess.run(line, shell=True, cwd=tmp_path, check=True, timeout=30)
    audio = (tmp_path / "hello.mp3").read_bytes()
    assert audio[:2] == b"\xff\xf3"
    assert len(audio) > 5_000


def test_the_second_start_keeps_everything_and_shows_no_key(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running(home, CHARAFY_VOICE_ENGINE="scripted") as first:
        key = first.api_key
    with running(home, CHARAFY_VOICE_ENGINE="scripted") as second:
        assert second.api_key == ""
        assert "ck_live" not in second.said
        characters = httpx.get(
            f"{second.base_url}/api/v1/characters", headers={"x-api-key": key}, timeout=10
        ).json()["characters"]
    assert sorted(c["name"] for c in characters) == ["Emma", "Hana", "Leo"]
    assert {c["language"] for c in characters} == {"en", "ja"}


def test_the_database_never_holds_the_key_itself(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running(home, CHARAFY_VOICE_ENGINE="scripted") as server:
        secret = server.api_key.encode()
    assert secret
    for path in home.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path
