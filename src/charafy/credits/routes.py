"""Credits over HTTP, relative to /api/v1."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from charafy.credits.purchases import Purchases
from charafy.credits.schemas import (
    CheckoutAnswer,
    CheckoutBody,
    CreditsAnswer,
    Transaction,
    TransactionsAnswer,
    WebhookAnswer,
)
from charafy.credits.service import Credits
from charafy.kernel.db import Database
from charafy.kernel.errors import BadRequest, TooLarge
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.guard import Guard
from charafy.kernel.http.idempotency import Idempotency
from charafy.kernel.http.schema import Answer

MAX_WEBHOOK_BYTES = 512 * 1024
RECENT = 50

_READ: Final[Mapping[int | str, dict[str, Any]]] = MappingProxyType(
    {
        401: {"description": "Missing or wrong API key."},
        403: {"description": "The key lacks the scope credits:read."},
        429: {"description": "Too many requests."},
    }
)
_BUY: Final[Mapping[int | str, dict[str, Any]]] = MappingProxyType(
    {
        400: {"description": "Not an amount on sale, or a bad address."},
        401: {"description": "Missing or wrong API key."},
        403: {"description": "Purchases are off, a test key, or no scope credits:write."},
        409: {"description": "The Idempotency-Key is in use."},
        429: {"description": "Too many requests."},
        502: {"description": "The payment provider failed."},
    }
)
_WEBHOOK: Final[Mapping[int | str, dict[str, Any]]] = MappingProxyType(
    {
        400: {"description": "Not signed by Stripe, or not an event."},
        404: {"description": "Purchases are off."},
        409: {"description": "A refund came before its payment; send it again."},
        429: {"description": "Too many requests without a valid signature."},
    }
)


def router(
    guard: Guard, db: Database, credits: Credits, purchases: Purchases, idempotency: Idempotency
) -> APIRouter:
    api = APIRouter(tags=["Credits"])

    @api.get(
        "/credits", summary="Check credits", response_model=CreditsAnswer, responses=dict(_READ)
    )
    def check_credits(caller: Annotated[Caller, Depends(guard("credits:read"))]) -> Response:
        """Your current balance and the last 50 transactions."""
        with db.read() as tx:
            balance = credits.balance(tx, caller.account_id)
            entries = credits.recent(tx, caller.account_id, RECENT)
        return _json(CreditsAnswer.of(balance, entries))

    @api.get(
        "/credits/transactions",
        summary="List transactions",
        response_model=TransactionsAnswer,
        responses=dict(_READ),
    )
    def list_transactions(
        caller: Annotated[Caller, Depends(guard("credits:read"))],
        limit: Annotated[int, Query(ge=1, le=200, description="How many at most.")] = 50,
        cursor: Annotated[
            str | None, Query(max_length=64, description="`next_cursor` of the page before.")
        ] = None,
        character_id: Annotated[
            str | None,
            Query(
                max_length=64,
                description="Only the work of this character, which may be deleted by now.",
            ),
        ] = None,
    ) -> Response:
        """Every transaction of the account, newest first, page by page."""
        with db.read() as tx:
            if cursor is None:
                entries = credits.recent(
                    tx, caller.account_id, limit + 1, character_id=character_id
                )
            else:
                entries = credits.older(
                    tx, caller.account_id, cursor, limit + 1, character_id=character_id
                )
        page = entries[:limit]
        more = len(entries) > limit
        answer = TransactionsAnswer(
            transactions=[Transaction.of(entry) for entry in page],
            next_cursor=page[-1].id if more else None,
        )
        return _json(answer)

    @api.post(
        "/credits/checkout",
        summary="Buy credits",
        response_model=CheckoutAnswer,
        responses=dict(_BUY),
    )
    def buy_credits(
        body: CheckoutBody,
        request: Request,
        caller: Annotated[Caller, Depends(guard("credits:write"))],
    ) -> Response:
        """Open a Stripe Checkout for one of the packs on sale; 1 credit is $0.01.

        Send the buyer to `checkout_url`. The credits arrive when Stripe confirms the payment.
        """

        def work() -> CheckoutAnswer:
            return CheckoutAnswer.of(
                purchases.checkout(caller, body.credits, body.success_url, body.cancel_url)
            )

        return idempotency.run(caller, request, body, work)

    @api.post("/stripe/webhook", summary="Stripe's webhook", responses=dict(_WEBHOOK))
    async def stripe_webhook(
        request: Request, stripe_signature: Annotated[str | None, Header()] = None
    ) -> WebhookAnswer:
        """For Stripe alone: payments and refunds of credit purchases."""
        payload = await _body(request)

        def receive() -> None:
            try:
                purchases.receive(payload, stripe_signature)
            except BadRequest:
                guard.limit_address(request)
                raise

        await run_in_threadpool(receive)
        return WebhookAnswer()

    return api


def _json(answer: Answer) -> Response:
    """The answer as it is: FastAPI would walk through every transaction once more."""
    return Response(answer.model_dump_json(), media_type="application/json")


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_WEBHOOK_BYTES:
            raise TooLarge(f"The body is larger than {MAX_WEBHOOK_BYTES // 1024} KB.")
    return bytes(body)
