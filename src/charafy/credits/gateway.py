"""Stripe, reduced to what a purchase needs: open a checkout, and read what Stripe reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import structlog
from pydantic import BaseModel, Field, ValidationError

from charafy.kernel.errors import BadRequest, UpstreamFailed

if TYPE_CHECKING:  # importing the SDK takes a while: only a server that sells pays for it
    from stripe.params.checkout import SessionCreateParams

log = structlog.get_logger("charafy.stripe")

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 15.0
RETRIES = 1
SIGNATURE_TOLERANCE_S = 300
PURCHASE = "purchase_id"
"""The metadata field that leads from what Stripe reports to what we sold."""


@dataclass(frozen=True, slots=True)
class Session:
    """A checkout that was opened at Stripe."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class Paid:
    """A checkout was paid in full."""

    purchase_id: str | None
    session_id: str
    payment_id: str | None
    amount_cents: int | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class NotPaid:
    """A checkout ended without a payment."""

    purchase_id: str | None
    session_id: str


@dataclass(frozen=True, slots=True)
class Refunded:
    """Some or all of a payment went back to the buyer."""

    purchase_id: str | None
    payment_id: str | None
    charge_id: str
    refunded_cents: int
    """In all, since the payment."""


Report = Paid | NotPaid | Refunded


class StripeGateway:
    """One Stripe account, by its own client: no global key. Thread-safe."""

    def __init__(self, secret_key: str, webhook_secret: str, api_url: str) -> None:
        import stripe

        self._stripe = stripe
        self._webhook_secret = webhook_secret
        self._client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_url.rstrip("/")},
            http_client=stripe.RequestsClient(timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S)),
            max_network_retries=RETRIES,
        )

    def open_session(
        self,
        *,
        purchase_id: str,
        name: str,
        amount_cents: int,
        currency: str,
        success_url: str,
        cancel_url: str,
    ) -> Session:
        """Open a checkout for one item; raises `UpstreamFailed`."""
        params: SessionCreateParams = {
            "mode": "payment",
            "client_reference_id": purchase_id,
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": currency,
                        "unit_amount": amount_cents,
                        "product_data": {"name": name},
                    },
                }
            ],
            # What is paid is compared with what was sold: no other currency may be offered.
            "adaptive_pricing": {"enabled": False},
            "metadata": {PURCHASE: purchase_id},
            "payment_intent_data": {"metadata": {PURCHASE: purchase_id}},
            "success_url": success_url,
            "cancel_url": cancel_url,
        }
        try:
            session = self._client.v1.checkout.sessions.create(
                params, {"idempotency_key": purchase_id}
            )
        except self._stripe.StripeError as error:
            log.error("stripe_failed", error_type=type(error).__name__, status=error.http_status)
            raise UpstreamFailed(
                "The payment provider did not open a checkout. Try again shortly.",
                code="payment_provider_failed",
            ) from error
        if not session.url:
            raise UpstreamFailed("The payment provider answered without an address to pay at.")
        return Session(session.id, session.url)

    def read(self, payload: bytes, signature: str | None) -> Report | None:
        """A webhook's report, or None for one that doesn't concern purchases.

        Raises `BadRequest` when Stripe did not sign it within the last five minutes
        (`bad_signature`) or it is not an event.
        """
        try:
            if signature is not None and not signature.isascii():  # the SDK can't compare these
                signature = None
            self._stripe.WebhookSignature.verify_header(
                payload, signature, self._webhook_secret, SIGNATURE_TOLERANCE_S
            )
        except (self._stripe.SignatureVerificationError, UnicodeDecodeError) as error:
            raise BadRequest(
                "This request does not carry a valid Stripe signature.", code="bad_signature"
            ) from error
        try:
            return _report(_Event.model_validate_json(payload))
        except ValidationError as error:
            raise BadRequest(
                "The body is not a Stripe event that this server understands."
            ) from error


class _Object(BaseModel):
    metadata: dict[str, str] | None = None

    @property
    def purchase_id(self) -> str | None:
        return (self.metadata or {}).get(PURCHASE)


class _CheckoutSession(_Object):
    id: str = Field(max_length=255)
    payment_status: Literal["paid", "unpaid", "no_payment_required"]
    payment_intent: str | None = Field(None, max_length=255)
    amount_total: int | None = None
    currency: str | None = None


class _Charge(_Object):
    id: str = Field(max_length=100)
    payment_intent: str | None = Field(None, max_length=255)
    amount_refunded: int = Field(ge=0)


class _Data(BaseModel):
    object: dict[str, Any]


class _Event(BaseModel):
    type: str
    data: _Data


def _report(event: _Event) -> Report | None:
    match event.type:
        case "checkout.session.completed" | "checkout.session.async_payment_succeeded":
            session = _CheckoutSession.model_validate(event.data.object)
            # Slow ways to pay complete the checkout first and pay days later.
            return _paid(session) if session.payment_status == "paid" else None
        case "checkout.session.async_payment_failed" | "checkout.session.expired":
            session = _CheckoutSession.model_validate(event.data.object)
            return NotPaid(session.purchase_id, session.id)
        case "charge.refunded":
            charge = _Charge.model_validate(event.data.object)
            return Refunded(
                charge.purchase_id, charge.payment_intent, charge.id, charge.amount_refunded
            )
        case _:
            return None


def _paid(session: _CheckoutSession) -> Paid:
    return Paid(
        session.purchase_id,
        session.id,
        session.payment_intent,
        session.amount_total,
        session.currency,
    )
