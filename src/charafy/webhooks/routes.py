"""Webhook endpoints and their deliveries over HTTP, relative to /api/v1."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.guard import Guard
from charafy.kernel.http.idempotency import Fingerprint, Idempotency, Replay
from charafy.webhooks.schemas import (
    CreateEndpoint,
    DeletedEndpoint,
    DeliveryAnswer,
    DeliveryList,
    EndpointAnswer,
    EndpointList,
    EndpointWithSecret,
    UpdateEndpoint,
)
from charafy.webhooks.service import Endpoint, Webhooks

MAX_PAGE = 100
SENDS_PER_MINUTE = 30
"""Tests and redeliveries of one account: each makes us send a request to where it says."""

_Responses = dict[int | str, dict[str, Any]]
_EVERY: Final[_Responses] = {
    401: {"description": "Missing or wrong API key."},
    403: {"description": "The key lacks the scope."},
    429: {"description": "Too many requests."},
}
_ONE: Final[_Responses] = {**_EVERY, 404: {"description": "No such thing, or not yours."}}
_BAD: Final[_Responses] = {400: {"description": "Bad input: the error names the field."}}
_CREATE: Final[_Responses] = {
    **_EVERY,
    **_BAD,
    403: {"description": "The number of endpoints is reached, or the key lacks the scope."},
    409: {"description": "The Idempotency-Key is in use, or was used with other parameters."},
}
_ROTATE: Final[_Responses] = {
    **_ONE,
    409: {"description": "Too many old secrets are signing still, or the Idempotency-Key is used."},
}
_SEND: Final[_Responses] = {
    **_ONE,
    409: {"description": "The endpoint is disabled, or the Idempotency-Key is used."},
}
_SHOWN_ONCE: Mapping[str, str] = MappingProxyType(
    {"content-type": "application/json", "cache-control": "no-store"}
)

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many at most.")]
Cursor = Annotated[
    str | None, Query(max_length=200, description="`next_cursor` of the page before.")
]


def router(
    guard: Guard, webhooks: Webhooks, idempotency: Idempotency, *, db: Database, clock: Clock
) -> APIRouter:
    """`/webhooks`, relative to the API's base path."""
    api = APIRouter(tags=["Webhooks"])
    _add_endpoints(api, guard, webhooks, clock)
    _add_secrets(api, guard, webhooks, _ShownOnce(webhooks, idempotency, db, clock))
    _add_log(api, guard, webhooks)
    _add_sending(api, guard, webhooks, idempotency)
    return api


class _ShownOnce:
    """Answers that hold a secret: it is stored nowhere, so a replay can't show it again."""

    def __init__(
        self, webhooks: Webhooks, idempotency: Idempotency, db: Database, clock: Clock
    ) -> None:
        self._webhooks = webhooks
        self._idempotency = idempotency
        self._db = db
        self._clock = clock

    def run(
        self, caller: Caller, request: Request, body: Fingerprint, make: Callable[[Tx], Endpoint]
    ) -> Response:
        """Do `make` unless this request was answered before; the endpoint with its new secret."""
        ticket = self._idempotency.begin(caller, request, body)
        if isinstance(ticket, Replay):
            return ticket.response()
        try:
            with self._db.write() as tx:
                endpoint = make(tx)
                kept = self._answer(endpoint, None)
                self._idempotency.finish(ticket, 200, _SHOWN_ONCE, body=kept, tx=tx)
        except BaseException:  # whatever stopped it, the Idempotency-Key must be free for a retry
            self._idempotency.abandon(ticket)
            raise
        shown = self._answer(endpoint, self._webhooks.secret(endpoint))
        return Response(shown, 200, dict(_SHOWN_ONCE))

    def _answer(self, endpoint: Endpoint, secret: str | None) -> bytes:
        fields = EndpointWithSecret.fields_of(endpoint, self._clock.now())
        return EndpointWithSecret(**fields, secret=secret).model_dump_json().encode()


def _add_endpoints(api: APIRouter, guard: Guard, webhooks: Webhooks, clock: Clock) -> None:
    reader = Annotated[Caller, Depends(guard("webhooks:read"))]
    writer = Annotated[Caller, Depends(guard("webhooks:write"))]

    @api.get("/webhooks", summary="List webhook endpoints", responses={**_EVERY, **_BAD})
    def list_endpoints(caller: reader, limit: Limit = 50, cursor: Cursor = None) -> EndpointList:
        """The account's endpoints, newest first, page by page. Secrets are not among it."""
        page = webhooks.page(caller.account_id, limit, cursor)
        now = clock.now()
        return EndpointList(
            endpoints=[EndpointAnswer.of(endpoint, now) for endpoint in page.endpoints],
            next_cursor=page.next_cursor,
        )

    @api.get("/webhooks/{endpoint_id}", summary="Get a webhook endpoint", responses=_ONE)
    def get_endpoint(caller: reader, endpoint_id: str) -> EndpointAnswer:
        """One endpoint, and why it is disabled if it is."""
        return EndpointAnswer.of(webhooks.get(caller.account_id, endpoint_id), clock.now())

    @api.patch(
        "/webhooks/{endpoint_id}", summary="Change a webhook endpoint", responses={**_ONE, **_BAD}
    )
    def update_endpoint(caller: writer, endpoint_id: str, body: UpdateEndpoint) -> EndpointAnswer:
        """Change what is sent and leave the rest. What was cancelled is not made up for."""
        changed = webhooks.update(caller.account_id, endpoint_id, body.changes())
        return EndpointAnswer.of(changed, clock.now())

    @api.delete("/webhooks/{endpoint_id}", summary="Delete a webhook endpoint", responses=_ONE)
    def delete_endpoint(caller: writer, endpoint_id: str) -> DeletedEndpoint:
        """Delete an endpoint with its deliveries; what waits is not sent."""
        owned = webhooks.get(caller.account_id, endpoint_id)
        webhooks.delete(caller.account_id, owned.endpoint_id)
        return DeletedEndpoint(endpoint_id=owned.endpoint_id)


def _add_secrets(api: APIRouter, guard: Guard, webhooks: Webhooks, shown_once: _ShownOnce) -> None:
    writer = Annotated[Caller, Depends(guard("webhooks:write"))]

    @api.post(
        "/webhooks",
        summary="Create a webhook endpoint",
        response_model=EndpointWithSecret,
        responses=_CREATE,
    )
    def create_endpoint(caller: writer, request: Request, body: CreateEndpoint) -> Response:
        """Be told of events at a URL of yours. The answer shows the signing secret this once."""
        events = None if body.events is None else tuple(body.events)

        def create(tx: Tx) -> Endpoint:
            return webhooks.add(
                tx, caller.account_id, body.url, events=events, description=body.description
            )

        return shown_once.run(caller, request, body, create)

    @api.post(
        "/webhooks/{endpoint_id}/rotate",
        summary="Replace the signing secret",
        response_model=EndpointWithSecret,
        responses=_ROTATE,
    )
    def rotate_secret(caller: writer, request: Request, endpoint_id: str) -> Response:
        """The answer shows the new secret this once.

        For 24 hours every event carries the signatures of both secrets.
        """
        return shown_once.run(
            caller, request, None, lambda tx: webhooks.rotate(tx, caller.account_id, endpoint_id)
        )


def _add_log(api: APIRouter, guard: Guard, webhooks: Webhooks) -> None:
    reader = Annotated[Caller, Depends(guard("webhooks:read"))]

    @api.get(
        "/webhooks/{endpoint_id}/deliveries",
        summary="List deliveries",
        responses={**_ONE, **_BAD},
    )
    def list_deliveries(
        caller: reader, endpoint_id: str, limit: Limit = 50, cursor: Cursor = None
    ) -> DeliveryList:
        """What an endpoint was told and how it answered, newest first, page by page."""
        page = webhooks.deliveries(caller.account_id, endpoint_id, limit, cursor)
        return DeliveryList(
            deliveries=[DeliveryAnswer.of(delivery) for delivery in page.deliveries],
            next_cursor=page.next_cursor,
        )


def _add_sending(
    api: APIRouter, guard: Guard, webhooks: Webhooks, idempotency: Idempotency
) -> None:
    writer = Annotated[Caller, Depends(guard("webhooks:write"))]

    @api.post(
        "/webhooks/{endpoint_id}/test",
        summary="Send a test event",
        response_model=DeliveryAnswer,
        responses=_SEND,
    )
    def send_test(caller: writer, request: Request, endpoint_id: str) -> Response:
        """Send `webhook.test` to the endpoint, once; its deliveries show what came of it."""
        guard.limit_account(caller, "webhook_sends", SENDS_PER_MINUTE)
        return idempotency.run_in_tx(
            caller,
            request,
            None,
            lambda tx: DeliveryAnswer.of(webhooks.test(tx, caller.account_id, endpoint_id)),
        )

    @api.post(
        "/webhooks/deliveries/{delivery_id}/redeliver",
        summary="Deliver again",
        response_model=DeliveryAnswer,
        responses=_SEND,
    )
    def redeliver(caller: writer, request: Request, delivery_id: str) -> Response:
        """Send an event again, whatever came of it, and retry as if it were new."""
        guard.limit_account(caller, "webhook_sends", SENDS_PER_MINUTE)
        return idempotency.run_in_tx(
            caller,
            request,
            None,
            lambda tx: DeliveryAnswer.of(webhooks.redeliver(tx, caller.account_id, delivery_id)),
        )
