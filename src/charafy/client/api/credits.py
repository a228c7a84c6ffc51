"""Credits: what is left, and where they went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from charafy.client.api.given import without_none
from charafy.client.api.pages import Pages
from charafy.client.api.transport import Transport


@dataclass(frozen=True, slots=True)
class Transaction:
    id: str
    amount: int
    type: str
    description: str
    created_at: datetime
    reference: str
    character_id: str | None


@dataclass(frozen=True, slots=True)
class Balance:
    """`transactions`: the last 50. `credits_held`: set aside for work under way."""

    credits_remaining: int
    transactions: tuple[Transaction, ...]
    credits_held: int


@dataclass(frozen=True, slots=True)
class Checkout:
    checkout_id: str
    checkout_url: str
    credits: int
    amount_cents: int
    currency: str


class Credits:
    def __init__(self, api: Transport) -> None:
        self._api = api

    def get(self) -> Balance:
        return self._api.ask(Balance, "GET", "/credits")

    def transactions(
        self, *, character_id: str | None = None, limit: int | None = None
    ) -> Pages[Transaction]:
        """All, or those of one character, newest first. `limit`: transactions per page."""
        query = {"character_id": character_id, "limit": limit}
        return self._api.pages(Transaction, "/credits/transactions", "transactions", query)

    def checkout(
        self,
        credits: int,
        *,
        success_url: str | None = None,
        cancel_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> Checkout:
        """Where a browser can pay for them."""
        body = without_none(credits=credits, success_url=success_url, cancel_url=cancel_url)
        key = idempotency_key
        return self._api.ask(Checkout, "POST", "/credits/checkout", json=body, key=key)
