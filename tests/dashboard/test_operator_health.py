"""The operator sees what works, what waits and what isn't set up, in words."""

from __future__ import annotations

from charafy.kernel.roll import Roll
from tests.dashboard.conftest import Open, Site

PAGE = "/operator/health"


def staffed(site: Site) -> None:
    site.house.conversation_room.nodes.register("talker-1", "http://127.0.0.1:1", 4)
    Roll(site.house.db, site.house.clock).enter("worker-1", "here")


def test_the_page_is_the_operators_alone(site: Site) -> None:
    assert site.member().open(PAGE).status_code == 403
    assert site.operator().open(PAGE).status_code == 200


def test_each_part_says_how_it_is(site: Site) -> None:
    staffed(site)
    browser = site.operator()
    browser.open("/operator")
    assert f'href="{PAGE}"' in browser.html
    browser.open(PAGE)
    assert "Something needs a look." in browser.html, "the voice was not loaded yet"
    assert "The model is still being loaded" in browser.html
    site.house.voice.load()
    browser.open(PAGE)
    assert "Everything works." in browser.html
    assert "The model is still being loaded" not in browser.html
    assert "GB" in browser.html


def test_processes_that_are_missing_are_told(site: Site) -> None:
    browser = site.operator()
    browser.open(PAGE)
    assert "Something needs a look." in browser.html
    assert "Nothing leads conversations" in browser.html
    assert "Nothing works off jobs" in browser.html


def test_processes_are_there_by_name(site: Site) -> None:
    staffed(site)
    browser = site.operator()
    browser.open(PAGE)
    assert "talker-1" in browser.html
    assert "0 of 4 conversations" in browser.html
    assert "worker-1" in browser.html
    assert "Nothing leads conversations" not in browser.html
    assert "Nothing works off jobs" not in browser.html


def test_what_is_not_set_up_names_its_setting(site: Site) -> None:
    browser = site.operator()
    browser.open(PAGE)
    for setting in ("CHARAFY_SMTP_URL", "CHARAFY_STRIPE_SECRET_KEY", "CHARAFY_LLM_BASE_URL"):
        assert setting in browser.html


def test_what_is_set_up_is_not_told_as_missing(open_site: Open) -> None:
    with_mind = open_site(llm_base_url="https://llm.example.com/v1", llm_model="big").operator()
    with_mind.open(PAGE)
    assert "CHARAFY_LLM_BASE_URL" not in with_mind.html


def test_the_page_is_there_in_japanese(site: Site) -> None:
    browser = site.operator()
    browser.open(f"{PAGE}?lang=ja")
    assert "サーバーの状態" in browser.html
