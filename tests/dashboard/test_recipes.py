"""Lines to paste are lines that run."""

from __future__ import annotations

import ast
import json
import shlex
from typing import get_args

import pytest

from charafy.characters.service import Character
from charafy.dashboard.recipes import Code, recipes
from tests.dashboard.conftest import Open

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


@pytest.mark.parametrize("code", CODES)
def test_without_a_character_there_is_the_bill(code: Code) -> None:
    (bill,) = recipes(BASE, None, code)
    assert bill.name == "credits"
    assert "YOUR_API_KEY" in bill.code
