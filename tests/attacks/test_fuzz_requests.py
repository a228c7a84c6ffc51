"""What Stripe and browsers send along, spoilt: read, or refused in our own words."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from contextlib import suppress
from typing import Final

import pytest
from hypothesis import strategies as st

from charafy.credits.gateway import StripeGateway
from charafy.kernel.errors import BadRequest
from charafy.web.pages import PAGE_LANGUAGES, preferred
from tests.support.fuzz import Json, fuzzed, json_values, scalars, spoilt

SECRET: Final = "whsec_test"


def signed(payload: bytes) -> str:
    now = int(time.time())
    digest = hmac.new(SECRET.encode(), f"{now}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={now},v1={digest}"


@pytest.fixture(scope="module")
def gateway() -> StripeGateway:
    return StripeGateway("sk_test", SECRET, "http://127.0.0.1:9")


EVENT: Final = b'{"type": "checkout.session.completed", "data": {"object": {}}}'


@fuzzed(150, given=spoilt([signed(EVENT), "t=1,v1=ab,v0=cd"]))
def test_a_spoilt_signature_of_stripe_is_refused(gateway: StripeGateway, given: str) -> None:
    with pytest.raises(BadRequest):
        gateway.read(EVENT, given)


def test_a_signature_that_is_no_ascii_is_refused(gateway: StripeGateway) -> None:
    with pytest.raises(BadRequest):
        gateway.read(EVENT, f"t={int(time.time())},v1=é")


CHECKOUT: Final = {
    "id": "cs_1",
    "payment_status": "paid",
    "payment_intent": "pi_1",
    "amount_total": 500,
    "amount_refunded": 0,
    "currency": "usd",
    "metadata": {"purchase_id": "p"},
}
EVENTS: Final = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            [
                "checkout.session.completed",
                "checkout.session.async_payment_failed",
                "charge.refunded",
                "other",
            ]
        )
        | scalars,
        "data": st.fixed_dictionaries(
            {
                "object": st.dictionaries(st.sampled_from(list(CHECKOUT)), json_values).map(
                    lambda changed: {**CHECKOUT, **changed}
                )
            }
        )
        | json_values,
    }
)


@fuzzed(150, event=EVENTS | json_values)
def test_what_stripe_signed_is_read_or_refused(gateway: StripeGateway, event: Json) -> None:
    payload = json.dumps(event).encode("utf-8", "surrogatepass")
    with suppress(BadRequest):
        gateway.read(payload, signed(payload))


@fuzzed(150, given=spoilt(["ja-JP,ja;q=0.9,en;q=0.8", "en"]))
def test_any_accept_language_is_one_of_ours(given: str) -> None:
    assert preferred(given) in PAGE_LANGUAGES
