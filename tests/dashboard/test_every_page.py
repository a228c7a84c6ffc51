"""Rules that hold for every page and every form, walked from the routes themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import resources

import pytest
from fastapi.routing import APIRoute

from tests.dashboard.conftest import Site
from tests.support.browser import Browser

NOBODY = "5d6f0f4e-6f0e-4b52-9f39-3f2a1c0f7a11"
OPEN_TO_STRANGERS = {
    "/",
    "/design",
    "/sign-in",
    "/sign-in/link",
    "/sign-out",
    "/sign-up",
    "/verify",
    "/verify/send",
    "/reset",
    "/reset/send",
}
FILES = {"/dashboard/credits/ledger.csv"}
"""What is no page, though it is asked for like one."""


def routes(site: Site, method: str) -> Iterator[str]:
    for route in site.pages.routes:
        if isinstance(route, APIRoute) and method in (route.methods or ()):
            yield re.sub(r"{\w+(:path)?}", NOBODY, route.path)


def pages(site: Site, browser: Browser) -> Iterator[tuple[str, str]]:
    """All pages that this browser may see."""
    for path in routes(site, "GET"):
        answer = browser.open(path)
        if answer.status_code == 200 and path not in FILES:
            yield path, answer.text


def test_there_are_pages_to_walk(site: Site) -> None:
    assert len(list(routes(site, "GET"))) >= 14
    assert len(list(routes(site, "POST"))) >= 16


def test_no_form_from_elsewhere_does_anything(site: Site) -> None:
    for browser in (site.browser(), site.member(), site.operator()):
        for path in routes(site, "POST"):
            for token in ({}, {"csrf_token": "x" * 64}, {"csrf_token": "ключ"}):
                answer = browser.client.post(path, data=token, follow_redirects=False)
                sent_away = answer.status_code == 303 and answer.headers["location"] == "/sign-in"
                assert answer.status_code == 403 or sent_away, path
                if sent_away:
                    assert path not in OPEN_TO_STRANGERS
    account = site.services.accounts.by_email("sora@example.com")
    assert account is not None
    assert account.status == "active"


def test_one_persons_token_is_no_use_to_another(site: Site) -> None:
    theirs = site.member("riku@example.com").forms()["/sign-out"]
    browser = site.member()
    assert browser.client.post("/sign-out", data=theirs).status_code == 403
    browser.open("/dashboard")
    assert browser.path == "/dashboard"


def test_pages_behind_the_sign_in_send_strangers_there(site: Site) -> None:
    walked = 0
    for path in routes(site, "GET"):
        if path in OPEN_TO_STRANGERS:
            continue
        browser = site.browser()
        browser.open(path)
        assert browser.path == "/sign-in", path
        walked += 1
    assert walked >= 5


def test_the_operators_pages_are_closed_to_members(site: Site) -> None:
    browser = site.member()
    assert browser.open("/operator").status_code == 403
    assert "Only the operator" in browser.html
    form = {"csrf_token": browser.forms()["/sign-out"]["csrf_token"]}
    for path in routes(site, "POST"):
        if path.startswith("/operator"):
            assert browser.client.post(path, data=form).status_code == 403, path


@pytest.mark.parametrize("who", ["browser", "member", "operator"])
def test_every_page_forbids_scripts_that_are_not_ours_and_has_none_inline(
    site: Site, who: str
) -> None:
    browser: Browser = getattr(site, who)()
    walked = 0
    for path, html in pages(site, browser):
        assert browser.page is not None
        policy = browser.page.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script(?![^>]*\bsrc=)", html), path
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html), path
        assert browser.page.headers["cache-control"] == "no-store"
        walked += 1
    assert walked >= 4


def test_every_page_can_be_read_in_both_languages(site: Site) -> None:
    for browser in (site.browser(), site.operator()):
        for language in ("en", "ja"):
            for path in sorted({*routes(site, "GET")} - FILES):
                answer = browser.open(f"{path}?lang={language}")
                missing = NOBODY in path and answer.status_code == 404
                assert answer.status_code == 200 or missing, path
                assert f'<html lang="{language}">' in answer.text, path


def test_the_way_back_from_a_form_leads_only_to_our_pages(site: Site) -> None:
    browser = site.browser()
    for path in ("/verify/send", "/reset/send", "/operator/invitations", "/dashboard/account/x"):
        answer = browser.client.get(
            f"{path}?page=https://evil.example&lang=ja", follow_redirects=False
        )
        assert answer.status_code == 303
        assert re.match(r"/[a-z]", answer.headers["location"]), path


def all_words(language: str) -> dict[str, str]:
    """Of every file of this language; a key that stands in two of them is a mistake."""
    folder, found = resources.files("charafy.web") / "i18n", dict[str, str]()
    for file in folder.iterdir():
        if file.name.split(".")[-2:] == [language, "json"]:
            words: dict[str, str] = json.loads(file.read_text("utf-8"))
            assert not found.keys() & words.keys(), file.name
            found |= words
    return found


def test_both_languages_have_the_same_words() -> None:
    words = {language: all_words(language) for language in ("en", "ja")}
    assert words["en"].keys() == words["ja"].keys()
    for key, english in words["en"].items():
        japanese = words["ja"][key]
        assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", japanese)), key
