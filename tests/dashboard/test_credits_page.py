"""Credits: what there is, where they went, what is set aside, and getting more."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html import escape

import pytest
from pydantic import SecretStr

from charafy.characters.models import Draft
from charafy.kernel.ids import new_id
from charafy.voices.catalogue import preset_id
from tests.dashboard.conftest import Open, Site
from tests.dashboard.test_home import account_of
from tests.support.clock import ManualClock
from tests.support.fake_stripe import SECRET_KEY, WEBHOOK_SECRET, FakeStripe, fake_stripe
from tests.support.images import jpeg

PAGE = "/dashboard/credits"
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    with fake_stripe() as fake:
        yield fake


@pytest.fixture
def shop(open_site: Open, stripe: FakeStripe) -> Site:
    """A server that sells."""
    return open_site(
        stripe_secret_key=SecretStr(SECRET_KEY),
        stripe_webhook_secret=SecretStr(WEBHOOK_SECRET),
        stripe_api_url=stripe.url,
        credit_packs=(500, 1_000),
    )


def spend(
    site: Site,
    amount: int,
    kind: str = "tts",
    description: str = "Work",
    *,
    character_id: str | None = None,
) -> None:
    with site.house.db.write() as tx:
        site.house.credits.charge(
            tx,
            account_of(site).account_id,
            amount,
            kind=kind,
            reference=f"{kind}:{new_id()}",
            description=description,
            character_id=character_id,
        )


def person(site: Site, name: str = "Mia") -> str:
    """The id of a character of the member's."""
    made = site.house.characters.create(
        account_of(site).account_id,
        Draft(name=name, voice_id=preset_id("af_heart"), language="en"),
        jpeg(),
        limit=10,
    )
    return made.character_id


def hold(site: Site, amount: int, kind: str = "conversation") -> str:
    """The id of the work."""
    work = new_id()
    with site.house.db.write() as tx:
        site.house.credits.hold(
            tx,
            account_of(site).account_id,
            amount,
            kind=kind,
            reference=f"{kind}:{work}",
            description=f"Work {work}",
            lease_s=600,
        )
    return work


def test_the_page_says_what_there_is_and_what_is_set_aside(site: Site) -> None:
    browser = site.member()
    talk = hold(site, 30)
    browser.open(PAGE)
    figures = re.findall(r"<dd>([\d,]+)", browser.html)
    assert figures[:2] == ["70", "30"]
    assert f'href="/dashboard/conversations/{talk}"' in browser.html


def test_every_page_shows_what_can_be_spent(site: Site) -> None:
    browser = site.member()
    hold(site, 30)
    for path in ("/dashboard", "/dashboard/keys"):
        browser.open(path)
        assert re.search(r'class="purse"[^>]*><span class="num">70</span> credits', browser.html)


def test_use_is_drawn_by_day_and_kind_and_said_as_a_table(site: Site, clock: ManualClock) -> None:
    browser = site.member()
    spend(site, 10)
    clock.advance(86_400)
    spend(site, 20, "video")
    spend(site, 5, "tts")
    browser.open(f"{PAGE}?days=7")
    assert len(re.findall(r'<g class="day">', browser.html)) == 7
    assert len(re.findall(r'<rect class="k-tts" x=', browser.html)) == 2
    assert len(re.findall(r'<rect class="k-video" x=', browser.html)) == 1
    rows = re.findall(r'<th scope="row"[^>]*>([\d-]+)</th>(.*?)</tr>', browser.html)
    numbers = {day: re.findall(r"[\d,]+", re.sub("<[^>]+>", " ", cells)) for day, cells in rows}
    assert numbers == {"2026-01-02": ["20", "5", "25"], "2026-01-01": ["0", "10", "10"]}
    assert "7 days: 35 in all, most on 2026-01-02 with 25." in browser.html


def test_the_period_is_one_of_a_few(site: Site) -> None:
    browser = site.member()
    spend(site, 1)
    for days, drawn in (("7", 7), ("90", 90), ("", 30), ("31", 30), ("x", 30)):
        browser.open(f"{PAGE}?days={days}")
        assert len(re.findall(r'<g class="day">', browser.html)) == drawn


def test_at_the_present_pace_it_lasts_for_so_long(site: Site) -> None:
    browser = site.member()
    browser.open(PAGE)
    assert "At this pace" not in browser.html
    assert "Nothing was used in 30 days." in browser.html
    spend(site, 50)
    browser.open(PAGE)
    assert re.search(r"At this pace[^<]*</dt><dd>30 ", browser.html)


def test_the_ledger_shows_balances_page_by_page(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charafy.dashboard.credits.LINES_AT_ONCE", 2)
    browser = site.member()
    for amount in (1, 2, 3):
        spend(site, amount)
    browser.open(PAGE)
    lines = r'<td[^>]*class="num(?: gain)?">([+-]\d+)</td><td[^>]*>(\d+)</td>'
    assert re.findall(lines, browser.html) == [("-3", "94"), ("-2", "97")]
    more = re.search(r'href="([^"]*before=[\w-]+)#ledger"', browser.html)
    assert more
    browser.open(more[1].replace("&amp;", "&"))
    assert re.findall(lines, browser.html) == [("-1", "99"), ("+100", "100")]
    assert "Newest" in browser.html


def test_use_is_drawn_by_character_and_each_is_called_by_name(site: Site) -> None:
    browser = site.member()
    mia, ken, gone = person(site, "Mia"), person(site, EVIL), new_id()
    for amount, whose in ((20, mia), (9, ken), (6, gone), (3, None)):
        spend(site, amount, character_id=whose)
    browser.open(f"{PAGE}?days=7&by=character")
    for place in ("1", "2", "3", "nobody"):
        assert len(re.findall(rf'<rect class="k-{place}" x=', browser.html)) == 1
    named = re.findall(r'<span class="of">([^<]*)</span>', browser.html)
    assert named == ["Mia", escape(EVIL), f"Deleted ({gone[:8]})", "No character"]
    assert EVIL not in browser.html
    assert re.search(r'href="[^"]*by=character[^"]*" aria-current="true"', browser.html)


def test_one_character_is_looked_at_alone(site: Site) -> None:
    browser = site.member()
    mia = person(site)
    spend(site, 20, "video", character_id=mia)
    spend(site, 9)
    browser.open(f"{PAGE}?days=7&character={mia.upper()}")
    lines = r'<td role="cell"[^>]*>([^<]*)</td><td[^>]*class="num(?: gain)?">([+-]\d+)</td>'
    assert re.findall(lines, browser.html) == [("Mia", "-20")]
    assert "7 days: 20 in all" in browser.html
    assert f'<option value="{mia}" selected>Mia</option>' in browser.html
    assert f'ledger.csv?character={mia}"' in browser.html
    assert re.search(r"At this pace[^<]*</dt><dd>17 ", browser.html), "of all that was used"
    browser.open(f"{PAGE}?character=none")
    assert [amount for _, amount in re.findall(lines, browser.html)] == ["-9", "+100"]


def test_a_deleted_character_keeps_its_history(site: Site) -> None:
    browser = site.member()
    mia = person(site)
    spend(site, 20, character_id=mia)
    site.house.characters.delete(account_of(site).account_id, mia)
    browser.open(f"{PAGE}?character={mia}")
    assert f'<option value="{mia}" selected>Deleted ({mia[:8]})</option>' in browser.html
    assert "30 days: 20 in all" in browser.html


@pytest.mark.parametrize(
    "query",
    [
        "character=x",
        "character=05b742a6-d56f-4d7c-be56-3781ceed5436",
        "by=x&character=%22",
    ],
)
def test_a_character_that_nothing_went_into_shows_nothing(site: Site, query: str) -> None:
    browser = site.member()
    spend(site, 20)
    browser.open(f"{PAGE}?{query}")
    assert "Nothing was used in 30 days." in browser.html
    assert "Welcome credits" not in browser.html


def test_the_csv_says_whose_work_it_was(site: Site) -> None:
    browser = site.member()
    mia, formula, gone = person(site), person(site, "=1+1"), new_id()
    for whose in (mia, formula, gone, None):
        spend(site, 1, character_id=whose)
    rows = list(csv.DictReader(io.StringIO(browser.client.get(f"{PAGE}/ledger.csv").text)))
    assert [(row["character_id"], row["character"]) for row in rows[:4]] == [
        ("", ""),
        (gone, ""),
        (formula, "'=1+1"),
        (mia, "Mia"),
    ]
    narrowed = browser.client.get(f"{PAGE}/ledger.csv?character={mia}").text
    (row,) = csv.DictReader(io.StringIO(narrowed))
    assert (row["amount"], row["balance"], row["character"]) == ("-1", "99", "Mia")


def test_nobody_reads_anothers_ledger(site: Site) -> None:
    site.member("riku@example.com")
    riku = account_of(site, "riku@example.com").account_id
    with site.house.db.read() as tx:
        theirs = site.house.credits.recent(tx, riku)[0]
    browser = site.member()
    browser.open(f"{PAGE}?before={theirs.id}")
    assert "Welcome credits" not in browser.html
    assert theirs.id not in browser.client.get(f"{PAGE}/ledger.csv").text


def test_the_ledger_can_be_taken_along_whole(site: Site) -> None:
    browser = site.member()
    for amount in (1, 2):
        spend(site, amount)
    answer = browser.client.get(f"{PAGE}/ledger.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert "charafy-credits-2026-01-01.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["type"], row["amount"], row["balance"]) for row in rows] == [
        ("tts", "-2", "97"),
        ("tts", "-1", "99"),
        ("grant", "100", "100"),
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_spreadsheet_takes_a_description_for_a_formula(site: Site, text: str) -> None:
    browser = site.member()
    spend(site, 1, description=text)
    answer = browser.client.get(f"{PAGE}/ledger.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert rows[0]["description"] == f"'{text}"


def test_what_the_operator_wrote_beside_a_grant_stays_text(site: Site) -> None:
    browser = site.member()
    with site.house.db.write() as tx:
        site.house.credits.adjust(tx, account_of(site).account_id, 5, reason=EVIL)
    browser.open(PAGE)
    assert "&lt;script&gt;alert(1)" in browser.html and EVIL not in browser.html


def test_a_server_without_payments_sells_nothing(site: Site) -> None:
    browser = site.member()
    browser.open(PAGE)
    assert f"{PAGE}/buy" not in browser.forms()
    form = {
        "csrf_token": browser.forms()["/sign-out"]["csrf_token"],
        "pack": "500",
        "form": new_id(),
    }
    answer = browser.client.post(f"{PAGE}/buy", data=form)
    assert answer.status_code == 403
    assert "sells no credits" in answer.text


def test_an_order_shows_its_price_and_a_link_to_where_it_is_paid(
    shop: Site, stripe: FakeStripe
) -> None:
    browser = shop.member()
    browser.open(PAGE)
    assert browser.submit(f"{PAGE}/buy", pack="1000").status_code == 200
    assert "$10.00" in browser.html and "1,000" in browser.html
    (session,) = stripe.sessions.values()
    assert f'href="{session["url"]}"' in browser.html
    assert stripe.asked[0]["success_url"].endswith(f"{PAGE}?purchase=done")
    with shop.house.db.read() as tx:
        assert shop.house.credits.balance(tx, account_of(shop).account_id).available == 100


def test_a_form_that_is_sent_twice_leads_to_one_order(shop: Site, stripe: FakeStripe) -> None:
    browser = shop.member()
    browser.open(PAGE)
    form = browser.forms()[f"{PAGE}/buy"] | {"pack": "500"}
    pages = [browser.client.post(f"{PAGE}/buy", data=form) for _ in range(2)]
    (session,) = stripe.sessions.values()
    for page in pages:
        assert f'href="{session["url"]}"' in page.text


@pytest.mark.parametrize("pack", ["", "501", "-500", "5e2", "９", "9" * 30])
def test_only_what_is_on_sale_can_be_ordered(shop: Site, stripe: FakeStripe, pack: str) -> None:
    browser = shop.member()
    browser.open(PAGE)
    assert browser.submit(f"{PAGE}/buy", pack=pack).status_code == 400
    assert "Choose one of the amounts on sale." in browser.html
    assert not stripe.sessions


def test_when_the_payment_provider_fails_the_page_says_so(shop: Site, stripe: FakeStripe) -> None:
    stripe.failing = 500
    browser = shop.member()
    browser.open(PAGE)
    assert browser.submit(f"{PAGE}/buy", pack="500").status_code == 502
    assert "The payment provider doesn" in browser.html
    browser.open(f"{PAGE}/buy")
    assert browser.path == PAGE


def test_who_comes_back_from_paying_is_thanked(shop: Site) -> None:
    browser = shop.member()
    browser.open(f"{PAGE}?purchase=done")
    assert "Thank you" in browser.html
