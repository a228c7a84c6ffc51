"""Lines to paste are lines that run."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from charafy.characters.service import Character
from charafy.dashboard.recipes import Code, recipes
from charafy.web.client_package import client_package
from tests.dashboard.conftest import Open
from tests.support.npm import install
from tests.web.conftest import STATIC

BASE = "https://charafy.example"
CODES: tuple[Code, ...] = get_args(Code)


@pytest.fixture(params=["en", "ja"])
def person(open_site: Open, request: pytest.FixtureRequest) -> Character:
    site = open_site(demo=True)
    people = site.house.characters.list(site.owner.account_id)
    return next(one for one in people if one.language == request.param)


@pytest.mark.parametrize("code", CODES)
def test_every_line_names_the_character_and_carries_the_key(person: Character, code: Code) -> None:
    made = recipes(BASE, person, code, "ck_live_abc")
    assert [one.name for one in made] == ["speak", "video", "talk", "embed", "credits"]
    for one in made[:4]:
        assert person.character_id in one.code
    for one in made:
        assert ("ck_live_abc" in one.code) == (one.name != "embed")


def test_curl_is_one_command_with_a_body_of_json(person: Character) -> None:
    speak = recipes(BASE, person, "curl")[0]
    words = shlex.split(speak.code.replace("\\\n", " "))
    assert words[:4] == ["curl", "-X", "POST", f"{BASE}/api/v1/tts"]
    assert json.loads(words[words.index("-d") + 1])["character_id"] == person.character_id
    assert words[-2:] == ["--output", "hello.mp3"]


def test_python_is_python(person: Character) -> None:
    for one in recipes(BASE, person, "python"):
        if one.name != "embed":
            ast.parse(one.code)


def test_javascript_is_javascript_with_the_client_of_this_server(person: Character) -> None:
    types = (STATIC / "client" / "charafy-client.d.ts").read_text("utf-8")
    for one in recipes(BASE, person, "javascript"):
        if one.name == "embed":
            continue
        assert f"// npm install {BASE}/charafy-client.tgz\n" in one.code
        assert f'baseUrl: "{BASE}" }});' in one.code
        for resource, method in re.findall(r"await charafy\.(\w+)\.(\w+)\(", one.code):
            assert f"readonly {resource}: " in types and f"  {method}(" in types


@pytest.mark.parametrize("name", ["speak", "video", "talk", "credits"])
def test_javascript_runs_where_there_is_node(person: Character, name: str, tmp_path: Path) -> None:
    """Up to the first request, which finds nobody."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    install(client_package(), tmp_path)
    made = {one.name: one.code for one in recipes("http://127.0.0.1:9", person, "javascript")}
    program = tmp_path / f"{name}.mjs"
    program.write_text(made[name].replace("apiKey:", "maxRetries: 0, apiKey:"), "utf-8")
    ran = subprocess.run([node, program], capture_output=True, text=True, timeout=60)
    assert "ConnectionError: The connection failed." in ran.stderr


@pytest.mark.parametrize("code", CODES)
def test_without_a_character_there_is_the_bill(code: Code) -> None:
    (bill,) = recipes(BASE, None, code)
    assert bill.name == "credits"
    assert "YOUR_API_KEY" in bill.code
