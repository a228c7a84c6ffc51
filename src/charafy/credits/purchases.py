"""Buying credits: a purchase remembers what was sold, and is granted once, when it is paid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
import structlog

from charafy.credits.gateway import NotPaid, Paid, Refunded, StripeGateway
from charafy.credits.service import Credits
from charafy.credits.tables import purchases
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import BadRequest, Conflict, Forbidden, NotFound
from charafy.kernel.http.caller import Caller
from charafy.kernel.ids import new_id
from charafy.kernel.settings import Settings

log = structlog.get_logger("charafy.purchases")

CURRENCY = "usd"
CENTS_PER_CREDIT = 1
UNAVAILABLE = "purchases_unavailable"


@dataclass(frozen=True, slots=True)
class Checkout:
    """A purchase that waits for its buyer."""

    purchase_id: str
    url: str
    credits: int
    amount_cents: int
    currency: str


def gateway_from(settings: Settings) -> StripeGateway | None:
    """The gateway, or None when Stripe is not configured.

    Both secrets are needed: without the webhook's, money would come in and no credits go out.
    """
    key, webhook = settings.stripe_secret_key, settings.stripe_webhook_secret
    if not (key and webhook and key.get_secret_value() and webhook.get_secret_value()):
        return None
    return StripeGateway(
        key.get_secret_value(), webhook.get_secret_value(), settings.stripe_api_url
    )


class Purchases:
    """Sells the credit packs of the settings. Thread-safe."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        credits: Credits,
        settings: Settings,
        gateway: StripeGateway | None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._credits = credits
        self._settings = settings
        self._gateway = gateway

    @property
    def packs(self) -> tuple[int, ...]:
        """The amounts of credits on sale; none when purchases are off."""
        return self._settings.credit_packs if self._gateway else ()

    def checkout(
        self, caller: Caller, credits: int, success_url: str | None, cancel_url: str | None
    ) -> Checkout:
        """Open a checkout at Stripe.

        Raises `Forbidden` when purchases are off or with a test key, `BadRequest` for an amount
        that is not on sale or a bad address, `UpstreamFailed` when Stripe doesn't answer.
        """
        gateway = self._gateway
        if gateway is None:
            raise Forbidden(
                "Credits can't be bought on this server: its operator has not set up payments.",
                code=UNAVAILABLE,
            )
        if caller.is_test:
            raise Forbidden("A test key never pays: use a live key.", code="test_key")
        if credits not in self.packs:
            on_sale = ", ".join(f"{pack:,}" for pack in self.packs)
            raise BadRequest(f"credits: must be one of {on_sale}.", param="credits")
        back = f"{self._settings.base_url}/dashboard/credits"
        success_url = _web_address("success_url", success_url or f"{back}?purchase=done")
        cancel_url = _web_address("cancel_url", cancel_url or back)
        purchase_id, cents = new_id(), credits * CENTS_PER_CREDIT
        self._remember(purchase_id, caller.account_id, credits, cents)
        session = gateway.open_session(
            purchase_id=purchase_id,
            name=f"{credits:,} Charafy credits",
            amount_cents=cents,
            currency=CURRENCY,
            success_url=success_url,
            cancel_url=cancel_url,
        )
        with self._db.write() as tx:
            _update(tx, purchase_id, session_id=session.id)
        return Checkout(purchase_id, session.url, credits, cents, CURRENCY)

    def receive(self, payload: bytes, signature: str | None) -> None:
        """Act on a webhook of Stripe's; the same one twice, or late, does no harm.

        Raises `NotFound` when purchases are off, `BadRequest` for what Stripe did not sign and
        `Conflict` for a refund that overtook its payment (Stripe sends it again).
        """
        if self._gateway is None:
            raise NotFound("Payments are not set up on this server.", code=UNAVAILABLE)
        report = self._gateway.read(payload, signature)
        if report is None:
            return
        with self._db.write() as tx:
            match report:
                case Paid():
                    self._grant(tx, report)
                case NotPaid():
                    self._fail(tx, report)
                case Refunded():
                    self._take_back(tx, report)

    def _remember(self, purchase_id: str, account_id: str, credits: int, cents: int) -> None:
        row = {
            "id": purchase_id,
            "account_id": account_id,
            "credits": credits,
            "amount_cents": cents,
            "currency": CURRENCY,
            "state": "open",
            "refunded_cents": 0,
            "created_at": self._clock.now(),
        }
        with self._db.write() as tx:
            tx.execute(sa.insert(purchases), row)

    def _grant(self, tx: Tx, paid: Paid) -> None:
        sold = _find(tx, purchases.c.id == paid.purchase_id)
        if sold is None or sold.state in ("paid", "review"):
            # Another product of the same Stripe account, or an event that came before.
            return
        right = (
            sold.session_id in (None, paid.session_id)
            and paid.amount_cents == sold.amount_cents
            and paid.currency == sold.currency
        )
        if not right:
            _update(tx, sold.id, state="review")
            log.error("purchase_differs_from_what_was_sold", purchase_id=sold.id)
            return
        now = self._clock.now()
        changes = {"session_id": paid.session_id, "payment_id": paid.payment_id, "paid_at": now}
        try:
            self._credits.grant(
                tx,
                sold.account_id,
                sold.credits,
                kind="purchase",
                reference=f"stripe:{paid.session_id}",
                description="Credit purchase",
            )
        except NotFound:
            _update(tx, sold.id, state="review", **changes)
            log.error("purchase_for_a_closed_account", purchase_id=sold.id)
            return
        _update(tx, sold.id, state="paid", **changes)

    def _fail(self, tx: Tx, report: NotPaid) -> None:
        sold = _find(tx, purchases.c.id == report.purchase_id)
        if sold is not None and sold.state == "open" and sold.session_id == report.session_id:
            _update(tx, sold.id, state="failed")

    def _take_back(self, tx: Tx, refund: Refunded) -> None:
        """Take the refunded credits, as far as they are still there: a balance is never below 0."""
        sold = _find(tx, purchases.c.id == refund.purchase_id)
        if sold is None and refund.payment_id is not None:
            sold = _find(tx, purchases.c.payment_id == refund.payment_id)
        if sold is None or sold.state == "review":
            return
        if sold.state != "paid":
            raise Conflict("This payment is not known yet: send the refund again later.")
        due = (refund.refunded_cents - sold.refunded_cents) // CENTS_PER_CREDIT
        if due <= 0:
            return
        _update(tx, sold.id, refunded_cents=refund.refunded_cents)
        try:
            taken = min(due, self._credits.balance(tx, sold.account_id).available)
        except NotFound:  # the account is closed: there is nothing left to take
            return
        self._credits.charge(
            tx,
            sold.account_id,
            taken,
            kind="purchase_refund",
            reference=f"stripe:{refund.charge_id}:{refund.refunded_cents}",
            description="Credit purchase refunded",
        )
        if taken < due:
            log.warning("refunded_credits_were_spent", purchase_id=sold.id, missing=due - taken)


def _find(tx: Tx, condition: sa.ColumnElement[bool]) -> sa.Row[Any] | None:
    return tx.execute(sa.select(purchases).where(condition).with_for_update()).first()


def _update(tx: Tx, purchase_id: str, **values: Any) -> None:
    tx.execute(sa.update(purchases).where(purchases.c.id == purchase_id).values(**values))


def _web_address(param: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and parts.hostname and url.isprintable()
    except ValueError:
        fine = False
    if not fine or " " in url:
        raise BadRequest(f"{param}: must be an http or https address.", param=param)
    return url
