"""Money comes from Stripe or from nobody."""

from __future__ import annotations

import hashlib
import hmac
import json
import time

import pytest
from pydantic import SecretStr

from tests.attacks.conftest import MakeHouse, client_of


def _signed(payload: bytes, secret: str) -> str:
    now = int(time.time())
    digest = hmac.new(secret.encode(), f"{now}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={now},v1={digest}"


@pytest.mark.parametrize("secret", [None, SecretStr("")])
def test_half_configured_payments_sell_nothing_and_believe_nobody(
    make_house: MakeHouse, secret: SecretStr | None
) -> None:
    """Without a webhook secret, anyone could sign with the empty one."""
    house = make_house(
        stripe_secret_key=SecretStr("sk_test"),
        stripe_webhook_secret=secret,
        stripe_api_url="http://127.0.0.1:9",
    )
    buyer = house.accounts.create("buyer@example.com", credits=0)
    key = house.keys.create(buyer.account_id, "Key").key
    client = client_of(house)

    refused = client.post(
        "/api/v1/credits/checkout", json={"credits": 500}, headers={"x-api-key": key}
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "purchases_unavailable")

    payload = json.dumps({"type": "charge.updated", "data": {"object": {}}}).encode()
    forged = client.post(
        "/api/v1/stripe/webhook",
        content=payload,
        headers={"stripe-signature": _signed(payload, "")},
    )
    assert (forged.status_code, forged.json()["code"]) == (404, "purchases_unavailable")
