"""What was said, to its owner and to nobody else."""

from __future__ import annotations

import re

import pytest

from charafy.conversations.models import Ending, Role, TurnRecord
from charafy.conversations.schemas import CreateToken
from charafy.kernel.ids import new_id
from tests.dashboard.conftest import Site
from tests.dashboard.test_home import account_of
from tests.support.browser import Browser

EVIL = "<script>alert(1)</script>"


def member(site: Site, email: str = "sora@example.com") -> Browser:
    """Someone with characters."""
    browser = site.member(email)
    browser.submit("/dashboard/demo")
    return browser


def said(role: Role, text: str, interrupted: bool = False, **latency: float) -> TurnRecord:
    return TurnRecord(role, text, interrupted, started_s=65.0, latency=latency)


def held(
    site: Site,
    *turns: TurnRecord,
    email: str = "sora@example.com",
    ended: bool = True,
    origin: str | None = None,
) -> str:
    """A conversation of this account; its id."""
    account, room = account_of(site, email), site.house.conversation_room
    person = site.house.characters.list(account.account_id)[0]
    body = CreateToken(
        character_id=person.character_id, mode="audio-only", visitor_name=f"Mika {EVIL}"
    )
    with site.house.db.write() as tx:
        ticket = room.conversations.mint(tx, account.caller(), body, origin=origin)
    room.sessions.admit(ticket.token, "node")
    for turn in turns:
        room.sessions.turn(ticket.conversation_id, turn)
    if ended:
        room.sessions.end(ticket.conversation_id, Ending("hang_up", 72.0))
    return ticket.conversation_id


def test_before_anybody_talked_the_page_says_what_to_do(site: Site) -> None:
    browser = member(site)
    browser.open("/dashboard/conversations")
    assert "Nobody has talked yet" in browser.html
    assert re.search(r'href="/try/[\w-]+"', browser.html)


def test_the_list_says_with_whom_how_long_how_soon_and_for_how_much(site: Site) -> None:
    browser = member(site)
    talk = held(site, said("user", "Hi"), said("assistant", "Hello.", audible=0.9))
    browser.open("/dashboard/conversations")
    assert f'href="/dashboard/conversations/{talk}"' in browser.html
    assert "turns: 2" in browser.html
    assert "answered after 0.90 s" in browser.html
    assert "1:12" in browser.html
    assert "6 credits" in browser.html
    assert "hung up" in browser.html


def test_a_transcript_shows_every_turn_in_order_and_where_its_time_went(site: Site) -> None:
    browser = member(site)
    talk = held(
        site,
        said("assistant", "Good morning."),
        said("user", "Is it raining?"),
        said("assistant", "It is about to", True, recognised=0.2, thought=0.6, audible=1.5),
    )
    browser.open(f"/dashboard/conversations/{talk}")
    words = re.findall(r'<p class="words">([^<]*)</p>', browser.html)
    assert words == ["Good morning.", "Is it raining?", "It is about to"]
    assert browser.html.count('class="stages"') == 1
    assert "answered after 1.50 s" in browser.html
    assert "cut short" in browser.html
    assert "1:05" in browser.html


def test_a_conversation_on_somebodys_page_names_that_page(site: Site) -> None:
    browser = member(site)
    talk = held(site, origin="https://shop.example.com")
    browser.open(f"/dashboard/conversations/{talk}")
    assert "<code>https://shop.example.com</code>" in browser.html
    browser.open(f"/dashboard/conversations/{held(site)}")
    assert "On the page of" not in browser.html


def test_what_people_said_and_called_themselves_stays_text(site: Site) -> None:
    browser = member(site)
    talk = held(site, said("user", EVIL), said("assistant", f"{EVIL}<img src=x onerror=alert(1)>"))
    for path in ("/dashboard/conversations", f"/dashboard/conversations/{talk}"):
        browser.open(path)
        assert "<script>alert" not in browser.html
        assert "<img src=x" not in browser.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in browser.html


def test_nobody_sees_or_deletes_anothers_conversation(site: Site) -> None:
    member(site, "riku@example.com")
    theirs = held(site, said("user", "a secret"), email="riku@example.com")
    browser = member(site)
    for unknown in (theirs, theirs.upper(), new_id(), "nonsense"):
        assert browser.open(f"/dashboard/conversations/{unknown}").status_code == 404
        assert "a secret" not in browser.html
        form = {"csrf_token": browser.forms()["/sign-out"]["csrf_token"]}
        answer = browser.client.post(f"/dashboard/conversations/{unknown}/delete", data=form)
        assert answer.status_code == 404
    browser.open("/dashboard/conversations")
    assert theirs not in browser.html
    account_id = account_of(site, "riku@example.com").account_id
    assert site.house.conversation_room.conversations.get(account_id, theirs).transcript


def test_deleting_erases_what_was_said(site: Site) -> None:
    browser = member(site)
    talk = held(site, said("user", "forget this"))
    browser.open(f"/dashboard/conversations/{talk}")
    browser.submit(f"/dashboard/conversations/{talk}/delete")
    assert browser.path == "/dashboard/conversations"
    assert "The conversation is deleted." in browser.html
    assert talk not in browser.html
    assert browser.open(f"/dashboard/conversations/{talk}").status_code == 404


def test_one_that_goes_on_is_shown_so_far_and_can_be_looked_at_again(site: Site) -> None:
    browser = member(site)
    talk = held(site, said("user", "Hello?"), ended=False)
    browser.open(f"/dashboard/conversations/{talk}")
    assert "going on now" in browser.html
    assert "Hello?" in browser.html
    assert "Look again" in browser.html


def test_the_list_can_be_narrowed_and_comes_in_pages(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charafy.dashboard.conversations.AT_ONCE", 1)
    browser = member(site)
    over = held(site)
    live = held(site, ended=False)
    browser.open("/dashboard/conversations?status=live")
    assert live in browser.html and over not in browser.html
    browser.open("/dashboard/conversations?status=nonsense")
    first = {one for one in (over, live) if one in browser.html}
    more = re.search(r'href="(/dashboard/conversations\?[^"]*cursor=[^"]+)"', browser.html)
    assert more
    browser.open(more[1].replace("&amp;", "&"))
    second = {one for one in (over, live) if one in browser.html}
    assert first | second == {over, live} and not first & second
    assert "Newest" in browser.html


def test_a_search_without_result_leads_back(site: Site) -> None:
    browser = member(site)
    held(site)
    for query in (f"character={new_id()}", "character=nonsense", "status=minted"):
        browser.open(f"/dashboard/conversations?{query}")
        assert "No such conversations" in browser.html
        assert "Show all" in browser.html


def test_nonsense_for_a_page_is_refused_as_a_page(site: Site) -> None:
    browser = member(site)
    assert browser.open("/dashboard/conversations?cursor=nonsense").status_code == 400
    assert "That page is not there any more." in browser.html


def test_a_conversation_outlives_its_character(site: Site) -> None:
    browser = member(site)
    talk = held(site, said("user", "Bye"))
    account_id = account_of(site).account_id
    site.house.characters.delete(account_id, site.house.characters.list(account_id)[0].character_id)
    browser.open("/dashboard/conversations")
    assert "Deleted character" in browser.html
    assert browser.open(f"/dashboard/conversations/{talk}").status_code == 200
