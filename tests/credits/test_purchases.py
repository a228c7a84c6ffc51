"""Credits are bought at Stripe (a fake one here) and granted once, when they are paid."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from charafy.credits.service import Credits
from charafy.credits.tables import purchases
from charafy.kernel.db import Database
from tests.support.fake_stripe import FakeStripe, event, signature

PAID = "checkout.session.completed"


def buy(shop: Any, credits: int = 1_000, **more: Any) -> Any:
    return shop.post("/credits/checkout", {"credits": credits} | more)


def report(shop: Any, kind: str, about: dict[str, Any], **signing: Any) -> Any:
    payload = event(kind, about)
    headers = {"Stripe-Signature": signature(payload, **signing)}
    return shop.client.post("/stripe/webhook", content=payload, headers=headers)


def bought(shop: Any, stripe: FakeStripe) -> str:
    """The session of a purchase of 1,000 credits that was paid and granted."""
    assert buy(shop).status_code == 200
    session = list(stripe.sessions)[-1]
    assert report(shop, PAID, stripe.pay(session)).status_code == 200
    return session


def amounts(shop: Any) -> list[tuple[str, int]]:
    transactions = shop.get("/credits").json()["transactions"]
    return [(item["type"], item["amount"]) for item in transactions]


def state(db: Database) -> str:
    with db.read() as tx:
        return str(tx.execute(sa.select(purchases.c.state)).scalar_one())


def audited(db: Database, credits: Credits) -> bool:
    with db.read() as tx:
        return credits.audit(tx) == []


def test_a_checkout_is_opened_for_exactly_what_is_sold(shop: Any, stripe: FakeStripe) -> None:
    answer = buy(shop)

    assert answer.status_code == 200
    body = answer.json()
    assert body == {
        "checkout_id": body["checkout_id"],
        "checkout_url": f"{stripe.url}/pay/cs_test_1",
        "credits": 1_000,
        "amount_cents": 1_000,
        "currency": "usd",
    }
    [form], [headers] = stripe.asked, stripe.headers
    back = "https://charafy.example/dashboard/credits"
    assert form == {
        "mode": "payment",
        "client_reference_id": body["checkout_id"],
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "1000",
        "line_items[0][price_data][product_data][name]": "1,000 Charafy credits",
        "adaptive_pricing[enabled]": "false",
        "metadata[purchase_id]": body["checkout_id"],
        "payment_intent_data[metadata][purchase_id]": body["checkout_id"],
        "success_url": f"{back}?purchase=done",
        "cancel_url": back,
    }
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert headers["idempotency-key"] == body["checkout_id"]


def test_nothing_is_granted_before_it_is_paid(shop: Any, stripe: FakeStripe) -> None:
    buy(shop)
    unpaid = stripe.sessions["cs_test_1"]

    assert report(shop, PAID, unpaid).json() == {"received": True}
    assert amounts(shop) == [("grant", 100)]


@pytest.mark.parametrize("kind", [PAID, "checkout.session.async_payment_succeeded"])
def test_a_paid_checkout_is_granted(shop: Any, stripe: FakeStripe, kind: str) -> None:
    buy(shop)
    assert report(shop, kind, stripe.pay("cs_test_1")).status_code == 200

    assert shop.get("/credits").json()["credits_remaining"] == 1_100
    newest = shop.get("/credits").json()["transactions"][0]
    assert (newest["type"], newest["amount"]) == ("purchase", 1_000)
    assert newest["description"] == "Credit purchase"
    assert newest["reference"] == "stripe:cs_test_1"


def test_a_report_that_comes_many_times_at_once_is_granted_once(
    shop: Any, stripe: FakeStripe, db: Database, credits: Credits
) -> None:
    buy(shop)
    paid = stripe.pay("cs_test_1")
    kinds = [PAID, "checkout.session.async_payment_succeeded"]
    together = threading.Barrier(12)

    def post(number: int) -> int:
        together.wait(20)
        return int(report(shop, kinds[number % 2], paid).status_code)

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(post, range(12))) == {200}

    assert amounts(shop) == [("purchase", 1_000), ("grant", 100)]
    assert audited(db, credits)


@pytest.mark.parametrize(
    "difference", [{"amount_total": 1}, {"currency": "jpy"}, {"id": "cs_other"}]
)
def test_what_differs_from_what_was_sold_is_kept_for_review(
    shop: Any, stripe: FakeStripe, db: Database, difference: dict[str, Any]
) -> None:
    buy(shop)
    answer = report(shop, PAID, stripe.pay("cs_test_1", **difference))

    assert answer.status_code == 200, "or Stripe would send it for days"
    assert amounts(shop) == [("grant", 100)]
    assert state(db) == "review"


def test_a_payment_for_something_else_is_none_of_our_business(
    shop: Any, stripe: FakeStripe
) -> None:
    buy(shop)
    paid = stripe.pay("cs_test_1")
    for metadata in ({}, None, {"purchase_id": "unknown"}):
        assert report(shop, PAID, paid | {"metadata": metadata}).status_code == 200
    assert report(shop, "invoice.paid", {"id": "in_1"}).status_code == 200

    assert amounts(shop) == [("grant", 100)]


@pytest.mark.parametrize(
    "kind", ["checkout.session.expired", "checkout.session.async_payment_failed"]
)
def test_a_checkout_that_is_given_up_is_marked_failed(
    shop: Any, stripe: FakeStripe, db: Database, kind: str
) -> None:
    buy(shop)
    report(shop, kind, stripe.sessions["cs_test_1"])

    assert state(db) == "failed"
    assert amounts(shop) == [("grant", 100)]


def test_the_end_of_another_checkout_does_not_fail_this_one(
    shop: Any, stripe: FakeStripe, db: Database
) -> None:
    buy(shop)
    other = stripe.sessions["cs_test_1"] | {"id": "cs_other"}
    report(shop, "checkout.session.expired", other)

    assert state(db) == "open"


def test_a_payment_that_outlives_its_checkout_is_still_granted(
    shop: Any, stripe: FakeStripe, db: Database
) -> None:
    buy(shop)
    report(shop, "checkout.session.expired", stripe.sessions["cs_test_1"])
    report(shop, PAID, stripe.pay("cs_test_1"))

    assert state(db) == "paid"
    assert amounts(shop)[0] == ("purchase", 1_000)


def test_refunds_take_the_credits_back_step_by_step(
    shop: Any, stripe: FakeStripe, db: Database, credits: Credits
) -> None:
    session = bought(shop, stripe)
    for refunded in (300, 300, 1_000):
        report(shop, "charge.refunded", stripe.charge(session, refunded))

    assert amounts(shop) == [
        ("purchase_refund", -700),
        ("purchase_refund", -300),
        ("purchase", 1_000),
        ("grant", 100),
    ]
    assert audited(db, credits)


def test_a_refund_is_found_by_its_payment_when_it_has_no_metadata(
    shop: Any, stripe: FakeStripe
) -> None:
    session = bought(shop, stripe)
    report(shop, "charge.refunded", stripe.charge(session, 1_000, metadata={}))

    assert amounts(shop)[0] == ("purchase_refund", -1_000)


def test_a_refund_of_spent_credits_takes_what_is_left(
    shop: Any, stripe: FakeStripe, db: Database, credits: Credits, owner: str
) -> None:
    session = bought(shop, stripe)
    with db.write() as tx:
        credits.charge(tx, owner, 900, kind="tts", reference="t", description="Speech")
        credits.hold(tx, owner, 50, kind="tts", reference="h", description="Speech", lease_s=60)
    assert report(shop, "charge.refunded", stripe.charge(session, 1_000)).status_code == 200

    assert amounts(shop)[0] == ("purchase_refund", -150)
    assert shop.get("/credits").json()["credits_remaining"] == 0
    assert audited(db, credits)


def test_a_refund_that_overtakes_its_payment_is_asked_for_again(
    shop: Any, stripe: FakeStripe
) -> None:
    buy(shop)
    refund = stripe.charge("cs_test_1", 1_000)
    assert report(shop, "charge.refunded", refund).status_code == 409

    report(shop, PAID, stripe.pay("cs_test_1"))
    assert report(shop, "charge.refunded", refund).status_code == 200
    assert shop.get("/credits").json()["credits_remaining"] == 100


@pytest.mark.parametrize("metadata", [{}, None])
def test_a_strangers_refund_without_a_payment_changes_nothing(
    shop: Any, stripe: FakeStripe, metadata: Any
) -> None:
    bought(shop, stripe)
    refund = {"id": "ch_1", "amount_refunded": 5, "payment_intent": None, "metadata": metadata}

    assert report(shop, "charge.refunded", refund).status_code == 200
    assert amounts(shop)[0] == ("purchase", 1_000)


def test_a_closed_account_that_is_paid_for_is_kept_for_review(
    shop: Any, stripe: FakeStripe, db: Database, credits: Credits, owner: str
) -> None:
    buy(shop)
    with db.write() as tx:
        credits.close(tx, owner)

    assert report(shop, PAID, stripe.pay("cs_test_1")).status_code == 200
    assert state(db) == "review"


@pytest.mark.parametrize(
    "forge",
    [
        lambda payload: {},
        lambda payload: {"Stripe-Signature": "t=1,v1=00"},
        lambda payload: {"Stripe-Signature": "nonsense"},
        lambda payload: {"Stripe-Signature": signature(payload, secret="whsec_other")},
        lambda payload: {"Stripe-Signature": signature(payload + b" ")},
        lambda payload: {"Stripe-Signature": signature(payload, age_s=301)},
    ],
)
def test_what_stripe_did_not_sign_just_now_is_refused(
    shop: Any, stripe: FakeStripe, forge: Callable[[bytes], dict[str, str]]
) -> None:
    buy(shop)
    payload = event(PAID, stripe.pay("cs_test_1"))
    answer = shop.client.post("/stripe/webhook", content=payload, headers=forge(payload))

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_signature")
    assert amounts(shop) == [("grant", 100)]


def test_guessing_signatures_is_limited_by_address(shop: Any) -> None:
    codes = [
        shop.client.post("/stripe/webhook", content=b"{}").status_code
        for _ in range(shop.settings.requests_per_minute_by_address + 1)
    ]

    assert set(codes[:-1]) == {400}
    assert codes[-1] == 429


@pytest.mark.parametrize(
    "payload",
    [b"", b"[1]", b"not json", b"{}", b'{"type": 5}', event(PAID, {}), event(PAID, {"id": 7})],
)
def test_a_signed_body_that_is_no_event_is_a_bad_request(shop: Any, payload: bytes) -> None:
    headers = {"Stripe-Signature": signature(payload)}

    answer = shop.client.post("/stripe/webhook", content=payload, headers=headers)
    assert answer.status_code == 400


def test_a_body_that_is_not_text_or_far_too_large_is_a_bad_request(shop: Any) -> None:
    for payload in (b"\xff\xfe", b"x" * 600_000):
        headers = {"Stripe-Signature": signature(payload)}
        answer = shop.client.post("/stripe/webhook", content=payload, headers=headers)
        assert answer.status_code == 400


@pytest.mark.parametrize("pack", [0, -500, 499, 10**12])
def test_only_the_packs_on_sale_can_be_bought(shop: Any, stripe: FakeStripe, pack: int) -> None:
    answer = buy(shop, pack)

    assert (answer.status_code, answer.json()["param"]) == (400, "credits")
    assert "500, 1,000" in answer.json()["error"]
    assert stripe.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "ftp://a.example/",
        "https://",
        "/relative",
        "https://a.example/x y",
        "https://a.example/\n",
        "https://[broken",
        "https://a.example/" + "x" * 2_048,
    ],
)
@pytest.mark.parametrize("param", ["success_url", "cancel_url"])
def test_a_bad_address_is_a_bad_request(
    shop: Any, stripe: FakeStripe, param: str, url: str
) -> None:
    answer = buy(shop, 500, **{param: url})

    assert (answer.status_code, answer.json()["param"]) == (400, param)
    assert stripe.asked == []


def test_the_buyer_is_sent_where_the_developer_says(shop: Any, stripe: FakeStripe) -> None:
    buy(shop, success_url="https://a.example/ok?s=1", cancel_url="http://127.0.0.1:3000/no")

    assert stripe.asked[0]["success_url"] == "https://a.example/ok?s=1"
    assert stripe.asked[0]["cancel_url"] == "http://127.0.0.1:3000/no"


def test_the_same_idempotency_key_opens_one_checkout(shop: Any, stripe: FakeStripe) -> None:
    first = shop.post("/credits/checkout", {"credits": 500}, Idempotency_Key="k")
    again = shop.post("/credits/checkout", {"credits": 500}, Idempotency_Key="k")

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(stripe.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 402, 429, 500])
def test_a_failing_stripe_is_an_upstream_error_that_can_be_tried_again(
    shop: Any, stripe: FakeStripe, status: int
) -> None:
    stripe.failing = status
    answer = shop.post("/credits/checkout", {"credits": 500}, Idempotency_Key="k")

    assert answer.status_code == 502
    assert answer.json()["code"] == "payment_provider_failed"
    assert "No." not in answer.text

    stripe.failing = None
    again = shop.post("/credits/checkout", {"credits": 500}, Idempotency_Key="k")
    assert again.status_code == 200


def test_a_test_key_buys_nothing(shop: Any, stripe: FakeStripe) -> None:
    answer = shop.post("/credits/checkout", {"credits": 500}, key="test")

    assert (answer.status_code, answer.json()["code"]) == (403, "test_key")
    assert stripe.asked == []


def test_a_key_without_the_scope_buys_nothing(shop: Any) -> None:
    answer = shop.post("/credits/checkout", {"credits": 500}, key="readonly")

    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


def test_without_stripe_nothing_is_sold(api: Any) -> None:
    bought = api.post("/credits/checkout", {"credits": 500})
    assert (bought.status_code, bought.json()["code"]) == (403, "purchases_unavailable")

    told = api.client.post("/stripe/webhook", content=json.dumps({}))
    assert (told.status_code, told.json()["code"]) == (404, "purchases_unavailable")
