"""The frame of every page: safe under a strict content policy, reachable by keyboard, bilingual."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tests.web.conftest import STATIC, Render, words

PAGE = '{% extends "layout.html" %}{% block main %}body{% endblock %}'


class Tags(HTMLParser):
    """Every start tag of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.found if name == tag]


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_page_names_its_language_and_speaks_it(render: Render, lang: str) -> None:
    html = render(PAGE, lang)
    assert Tags(html).named("html") == [{"lang": lang}]
    assert words(lang)["sign_in"] in html


def test_nothing_is_inline_so_a_strict_policy_holds(render: Render) -> None:
    tags = Tags(render(PAGE))
    assert tags.named("style") == []
    assert [attrs.get("src") for attrs in tags.named("script")] == ["/static/charafy.js"]
    for _, attrs in tags.found:
        assert not [name for name in attrs if name == "style" or name.startswith("on")]


def test_every_static_file_a_page_asks_for_exists(render: Render) -> None:
    urls = set(re.findall(r'"/static/([^"]+)"', render(PAGE)))
    assert {"charafy.css", "charafy.js", "icon.svg"} <= urls
    assert [url for url in urls if not (STATIC / url).is_file()] == []


def test_the_first_link_skips_to_the_content(render: Render) -> None:
    tags = Tags(render(PAGE))
    assert tags.named("a")[0]["href"] == "#main"
    assert tags.named("main")[0]["id"] == "main"


def test_visitors_are_offered_to_sign_in_and_members_to_sign_out(render: Render) -> None:
    visitor, member = render(PAGE), render(PAGE, account="a@example.com", csrf_token="t0ken")
    assert 'href="/sign-in"' in visitor and 'action="/sign-out"' not in visitor
    assert 'action="/sign-out"' in member and 'href="/sign-in"' not in member
    assert '<input type="hidden" name="csrf_token" value="t0ken">' in member


def test_both_languages_have_the_same_words() -> None:
    english, japanese = words("en"), words("ja")
    assert english.keys() == japanese.keys()
    assert [key for key, text in (english | japanese).items() if not text.strip()] == []
