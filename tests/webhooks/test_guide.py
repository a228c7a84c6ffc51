"""What the guide tells developers to run accepts our requests and refuses everyone else's."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from charafy.kernel.settings import Settings
from charafy.reference.guides import text
from charafy.webhooks.schedule import DELAYS_S, FAILING_FOR
from charafy.webhooks.signing import sign

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BODY = '{"type":"video.completed","data":{"name":"さくら"}}'.encode()
ID = "5e2a9c40-1c6f-4f0b-8d57-6b3a94e7f210"

Verify = Callable[[str, Mapping[str, str], bytes], bool]
"""Whether the guide's code accepts a request."""


@pytest.fixture(scope="module")
def guide() -> str:
    return text("webhooks", Settings())


def snippet(guide: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", guide, re.DOTALL)
    assert found, f"the guide has no {language}"
    return found[1]


@pytest.fixture
def in_python(guide: str) -> Verify:
    names: dict[str, Any] = {}
    exec(snippet(guide, "python"), names)

    def verify(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
        try:
            names["verify"](secret, headers, body)
        except ValueError:
            return False
        return True

    return verify


@pytest.fixture
def in_javascript(guide: str, tmp_path: Path) -> Verify:
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node here")
    (tmp_path / "verify.mjs").write_text(snippet(guide, "javascript"), encoding="utf-8")
    (tmp_path / "ask.mjs").write_text(
        'import { verify } from "./verify.mjs";\n'
        "const [secret, headers, body] = JSON.parse(process.argv[2]);\n"
        'try { verify(secret, headers, Buffer.from(body, "base64")); console.log("yes"); }\n'
        'catch (error) { console.log("no: " + error.message); }\n'
    )

    def verify(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
        asked = json.dumps([secret, dict(headers), base64.b64encode(body).decode()])
        said = subprocess.run(
            [node, "ask.mjs", asked],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        ).stdout.strip()
        assert said in ("yes", "no: too old", "no: wrong signature"), said
        return said == "yes"

    return verify


@pytest.fixture(params=["in_python", "in_javascript"])
def verify(request: pytest.FixtureRequest) -> Verify:
    found: Verify = request.getfixturevalue(request.param)
    return found


def headers(*, age_s: int = 0, keys: tuple[bytes, ...] = (KEY,)) -> dict[str, str]:
    sent_at = int(time.time()) - age_s
    return {
        "webhook-id": ID,
        "webhook-timestamp": str(sent_at),
        "webhook-signature": sign(keys, ID, sent_at, BODY),
    }


def test_what_we_sign_is_accepted(verify: Verify) -> None:
    assert verify(SECRET, headers(), BODY)
    assert verify(SECRET, headers(keys=(b"new", KEY)), BODY)
    assert verify(SECRET, headers(age_s=200), BODY)


def test_what_others_sign_or_change_is_refused(verify: Verify) -> None:
    assert not verify(SECRET, headers(keys=(b"other",)), BODY)
    assert not verify(SECRET, headers(), BODY + b" ")
    assert not verify(SECRET, headers() | {"webhook-id": "other"}, BODY)
    assert not verify(SECRET, headers() | {"webhook-signature": "v1,"}, BODY)
    assert not verify(SECRET, headers() | {"webhook-signature": "v1,é"}, BODY)


def test_what_is_repeated_later_is_refused(verify: Verify) -> None:
    assert not verify(SECRET, headers(age_s=400), BODY)
    assert not verify(SECRET, headers(age_s=-400), BODY)
    assert not verify(SECRET, headers() | {"webhook-timestamp": "soon"}, BODY)


def test_the_guide_names_the_schedule_that_is_kept(guide: str) -> None:
    assert "5 seconds, 5 minutes, 30 minutes, 2, 5, 10, 14, 20 and 24 hours" in guide
    hours = tuple(hour * 3_600 for hour in (2, 5, 10, 14, 20, 24))
    assert (5, 300, 1_800, *hours) == DELAYS_S
    assert FAILING_FOR.days == 5
