"""Pages speak the reader's language, and both languages have the same words."""

from __future__ import annotations

import json
import re
from importlib import resources

import pytest
from starlette.requests import Request

from charafy.web.pages import CONTENT_SECURITY_POLICY, Pages, accepts_gzip, preferred


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("ja", "ja"),
        ("ja-JP,en;q=0.8", "ja"),
        ("en-US,ja;q=0.9", "en"),
        ("fr,ja;q=0.5,en;q=0.3", "ja"),
        ("fr,de", "en"),
        ("ja;q=oops,en", "en"),
    ],
)
def test_the_browsers_preference_decides(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


def test_scripts_connect_to_us_and_to_what_carries_conversations() -> None:
    assert Pages().policy == CONTENT_SECURITY_POLICY
    policy = Pages(["wss://rtc.example", "https://rtc.example"]).policy
    said = "; connect-src 'self' wss://rtc.example https://rtc.example; "
    assert policy.replace(said, "; ") == CONTENT_SECURITY_POLICY
    assert said in policy


def test_both_languages_have_the_same_words() -> None:
    folder = resources.files("charafy.web") / "i18n"
    names = {file.name for file in folder.iterdir() if file.name.endswith("en.json")}
    seen: set[str] = set()
    for name in names:
        english, japanese = (
            json.loads((folder / file).read_text(encoding="utf-8"))
            for file in (name, name.removesuffix("en.json") + "ja.json")
        )
        assert english.keys() == japanese.keys(), name
        assert all(value.strip() for value in (*english.values(), *japanese.values()))
        for key, words in english.items():
            gaps = [set(re.findall(r"{\w+}", text)) for text in (words, japanese[key])]
            assert gaps[0] == gaps[1], key
        assert seen.isdisjoint(english), "a key that two files have"
        seen |= english.keys()


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [("gzip, br", True), ("br", False), ("gzip;q=0", False), ("gzip;q=0.5", True), ("", False)],
)
def test_a_page_is_packed_only_for_those_who_can_unpack_it(accepted: str, packed: bool) -> None:
    headers = [(b"accept-encoding", accepted.encode())]
    assert accepts_gzip(Request({"type": "http", "headers": headers})) is packed
