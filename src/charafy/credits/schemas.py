"""What the credits routes take and answer."""

from __future__ import annotations

from pydantic import Field

from charafy.credits.purchases import Checkout
from charafy.credits.values import Balance, Entry
from charafy.kernel.clock import iso
from charafy.kernel.http.schema import Answer, Body


class Transaction(Answer):
    """One movement of credits."""

    id: str = Field(examples=["5f0c1f0e-58a9-4f3e-9d0a-6c1f6d3f2a11"])
    amount: int = Field(description="Positive came in, negative went out.", examples=[1000])
    type: str = Field(
        description="What moved them: purchase, grant, tts, refund and so on.",
        examples=["purchase"],
    )
    description: str = Field(examples=["Credit purchase"])
    created_at: str = Field(examples=["2025-01-01T00:00:00Z"])
    reference: str = Field(
        description="Names the work or payment behind it; unique.",
        examples=["tts:0b6d0f1c-7f1e-4a56-9a0e-7d6b0a5c2f10"],
    )
    character_id: str | None = Field(
        description="Whose speech, video, conversation or avatar it was, even of a character that "
        "is deleted by now; null for what belongs to no character, and for speech and avatars "
        "made before this was noted.",
        examples=[None],
    )

    @classmethod
    def of(cls, entry: Entry) -> Transaction:
        return cls(
            id=entry.id,
            amount=entry.amount,
            type=entry.kind,
            description=entry.description,
            created_at=iso(entry.created_at),
            reference=entry.reference,
            character_id=entry.character_id,
        )


class CreditsAnswer(Answer):
    """The balance and what moved it last."""

    credits_remaining: int = Field(description="What can be spent now.", examples=[500])
    transactions: list[Transaction] = Field(description="The last 50, newest first.")
    credits_held: int = Field(
        description="Reserved by work under way; not part of credits_remaining.", examples=[0]
    )

    @classmethod
    def of(cls, balance: Balance, entries: list[Entry]) -> CreditsAnswer:
        return cls(
            credits_remaining=balance.available,
            transactions=[Transaction.of(entry) for entry in entries],
            credits_held=balance.held,
        )


class TransactionsAnswer(Answer):
    """A page of the account's transactions, newest first."""

    transactions: list[Transaction]
    next_cursor: str | None = Field(
        description="Ask with this `cursor` for the next page; null on the last one."
    )


class CheckoutBody(Body):
    """How many credits to buy, and where the buyer's browser goes afterwards."""

    credits: int = Field(description="One of the amounts on sale.", examples=[1000])
    success_url: str | None = Field(
        None, max_length=2048, description="http(s) address after paying; default: the dashboard."
    )
    cancel_url: str | None = Field(
        None,
        max_length=2048,
        description="http(s) address after giving up; default: the dashboard.",
    )


class CheckoutAnswer(Answer):
    """Where the buyer pays. Credits arrive when the payment is confirmed."""

    checkout_id: str = Field(examples=["9a4b6a0e-0e56-4b21-8d6f-5a5b0f6f9d11"])
    checkout_url: str = Field(description="Open this in the buyer's browser.")
    credits: int = Field(examples=[1000])
    amount_cents: int = Field(examples=[1000])
    currency: str = Field(examples=["usd"])

    @classmethod
    def of(cls, checkout: Checkout) -> CheckoutAnswer:
        return cls(
            checkout_id=checkout.purchase_id,
            checkout_url=checkout.url,
            credits=checkout.credits,
            amount_cents=checkout.amount_cents,
            currency=checkout.currency,
        )


class WebhookAnswer(Answer):
    """Tells Stripe that the event need not be sent again."""

    received: bool = True
