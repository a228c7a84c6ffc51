"""The page at /docs: complete, in two languages, from this server alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from fastapi.testclient import TestClient

from charafy.reference.guides import NAMES, titles
from charafy.reference.names import OPERATIONS
from charafy.reference.operations import Chapter
from charafy.web.pages import PAGE_LANGUAGES

VOID = {"meta", "link", "input", "br", "hr", "img", "wbr"}


class Outline(HTMLParser):
    """Ids, links, resources and code of a page; fails on tags that don't match."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.resources: list[str] = []
        self.inline: list[str] = []
        self.code: list[str] = []
        self.text: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self.links.append(found.get("href", ""))
        if tag in ("script", "img", "link") and (source := found.get("src") or found.get("href")):
            self.resources.append(source)
        if (tag == "script" and "src" not in found) or tag == "style":
            self.inline.append(tag)
        self.inline += [name for name in found if name == "style" or name.startswith("on")]
        if tag == "pre":
            self.code.append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if "pre" in self._open:
            self.code[-1] += data

    def check_closed(self) -> None:
        assert self._open == []


@pytest.fixture(params=PAGE_LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(browser: TestClient, language: str) -> Outline:
    answer = browser.get(f"/docs?lang={language}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    outline = Outline()
    outline.feed(answer.text)
    outline.check_closed()
    return outline


def test_every_operation_and_every_guide_has_an_anchor(
    page: Outline, contents: tuple[Chapter, ...]
) -> None:
    operations = [o.anchor for chapter in contents for o in chapter.operations]
    assert len(operations) >= 25
    assert {*operations, *NAMES} <= set(page.ids)


def test_the_contents_lead_to_every_operation_and_guide(
    page: Outline, contents: tuple[Chapter, ...]
) -> None:
    for chapter in contents:
        for operation in chapter.operations:
            assert f"#{operation.anchor}" in page.links
    for name in NAMES:
        assert f"#{name}" in page.links


def test_links_inside_the_page_lead_somewhere(page: Outline) -> None:
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids, link


def test_ids_are_unique(page: Outline) -> None:
    assert [name for name, count in Counter(page.ids).items() if count > 1] == []


def test_nothing_is_inline_and_nothing_comes_from_elsewhere(
    page: Outline, browser: TestClient
) -> None:
    assert page.inline == []
    assert len(page.resources) >= 5
    for resource in page.resources:
        assert resource.startswith("/static/"), resource
        assert browser.get(resource).status_code == 200, resource


def test_examples_name_this_server_and_hold_no_key(page: Outline) -> None:
    assert len(page.code) > 60
    text = "\n".join(page.code)
    assert "curl https://talk.example.com/api/v1/characters" in text
    assert "127.0.0.1" not in text
    assert not re.search(r"ck_(live|test)_\w{8}", text)


def test_the_first_code_is_the_contract_s_first_curl_line(page: Outline) -> None:
    assert page.code[0] == (
        'curl https://talk.example.com/api/v1/characters \\\n  -H "x-api-key: YOUR_API_KEY"'
    )


def test_the_chrome_speaks_the_reader_s_language(page: Outline, language: str) -> None:
    expected = {"en": "Build with Charafy", "ja": "Charafyで作る"}
    assert expected[language] in page.text


def test_both_languages_have_the_same_words() -> None:
    words = {
        language: json.loads(
            (files("charafy.web") / "i18n" / f"{language}.json").read_text("utf-8")
        )
        for language in PAGE_LANGUAGES
    }
    mine = {
        language: {key for key in known if key.startswith("ref_")}
        for language, known in words.items()
    }
    assert mine["en"] == mine["ja"]
    assert len(mine["en"]) > 40


def test_every_operation_has_a_title_in_japanese() -> None:
    assert titles("ja").keys() == {name for _, _, name in OPERATIONS}
    assert titles("en") == {}


def test_prices_of_the_page_are_those_of_the_server(page: Outline) -> None:
    text = "".join(page.text)
    assert "1 / 100 chars (min 1)" in text
    assert "100 / request" in text


def test_the_page_may_run_only_its_own_scripts(browser: TestClient) -> None:
    policy = browser.get("/docs").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy


def test_its_head_can_be_asked_for_alone(browser: TestClient) -> None:
    assert browser.head("/docs").status_code == 200
