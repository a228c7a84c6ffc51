"""What an operator is told of the place for media: by `charafy doctor`, and by a start."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from charafy.kernel.storage_settings import Bucket
from tests.support import s3

Told = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """`charafy ...` on a machine that has nothing yet but a place for media."""

    def run(bucket: Bucket, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "charafy", *arguments],
            env={
                **os.environ,
                "CHARAFY_HOME": str(tmp_path / "home"),
                "CHARAFY_VOICE_ENGINE": "scripted",
                "CHARAFY_PORT": "0",
                "COLUMNS": "1000",
                **s3.environment_of(bucket),
                **env,
            },
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def media_lines(words: str) -> list[str]:
    return [line.strip() for line in words.splitlines() if "media" in line]


def test_doctor_writes_reads_signs_and_deletes(
    told: Told, bucket: Bucket, s3_server: s3.Server
) -> None:
    kept, links = media_lines(told(bucket, "doctor").stdout)
    assert kept == f"ok       media: {bucket} can be listed, written, read and deleted"
    assert links.startswith("note     links to media: open, but not for scripts of other sites")
    assert s3_server.objects(bucket) == []


def test_doctor_knows_a_server_that_scripts_may_read(told: Told, s3_server: s3.Server) -> None:
    with s3.running(s3_server.program, open_to_scripts=True) as server:
        lines = media_lines(told(server.new(), "doctor").stdout)
    assert lines[1] == "ok       links to media: signed by S3, open for clients"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"secret_key": "hunter2"}, "CHARAFY_STORAGE_SECRET_KEY is wrong"),
        ({"name": "no-such-bucket"}, "there is no bucket of that name"),
    ],
)
def test_doctor_says_what_s3_refuses(
    told: Told, bucket: Bucket, changes: dict[str, Any], says: str
) -> None:
    answer = told(replace(bucket, **changes), "doctor")
    [line] = media_lines(answer.stdout)
    assert line.startswith("missing  media: ")
    assert says in line
    assert answer.returncode == 1
    assert "hunter2" not in answer.stdout + answer.stderr


def test_doctor_sees_that_clients_do_not_reach_s3(told: Told, bucket: Bucket) -> None:
    outside = {"CHARAFY_STORAGE_PUBLIC_ENDPOINT": "http://127.0.0.1:9"}
    kept, links = media_lines(told(bucket, "doctor", **outside).stdout)
    assert kept.startswith("ok ")
    assert links.startswith("missing  links to media: can't be opened here (ConnectError)")


@pytest.mark.parametrize("process", ["api", "worker", "talk"])
def test_no_process_starts_on_a_bucket_that_is_not_there(
    told: Told, bucket: Bucket, process: str
) -> None:
    answer = told(replace(bucket, name="no-such-bucket"), process)
    assert answer.returncode == 1
    assert answer.stderr.strip() == (
        "charafy: Media can't be kept in s3://no-such-bucket/media/: there is no bucket of that "
        f"name on 127.0.0.1:{bucket.endpoint.rpartition(':')[2] if bucket.endpoint else ''}."
    )
