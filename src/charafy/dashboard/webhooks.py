"""The pages of webhooks: endpoints, their secrets (shown once), what they were told, and again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from pydantic import BaseModel, ValidationError
from starlette.responses import RedirectResponse, Response

from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.making import checked_number
from charafy.dashboard.watching import Watchers
from charafy.kernel.db import Tx
from charafy.kernel.errors import BadRequest, CharafyError
from charafy.kernel.http.errors import sentence
from charafy.kernel.http.schema import Answer
from charafy.webhooks.schemas import CreateEndpoint, UpdateEndpoint
from charafy.webhooks.service import EVENT_TYPES, Delivery, Endpoint

ENDPOINTS_SHOWN: Final = 100
DELIVERIES_AT_ONCE: Final = 20
SENDS_PER_MINUTE: Final = 20
"""Tests and repetitions by hand, of one account."""

Id = Annotated[str, Path(max_length=100)]
Text = Annotated[str, Form(max_length=4_000)]
Events = Annotated[Sequence[str], Form(max_length=32)]


DONE: Final = ("changed", "enabled", "disabled", "tested", "resent")
"""What a page can say was done."""

B = TypeVar("B", bound=BaseModel)


class Made(Answer):
    """What is remembered of a form that was sent: the secret stays with the endpoint."""

    endpoint_id: str


@dataclass(frozen=True, slots=True)
class Typed:
    """A form of an endpoint as somebody filled it in."""

    url: str = ""
    description: str = ""
    every: bool = True
    """All events, also those of later versions."""
    events: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, Any]:
        """As the API takes them: null stands for all events."""
        events = None if self.every else list(self.events)
        return {"url": self.url.strip(), "description": self.description, "events": events}


def typed(url: Text = "", description: Text = "", every: Text = "", events: Events = ()) -> Typed:
    return Typed(url, description, every == "yes", tuple(events))


Filled = Annotated[Typed, Depends(typed)]


class Hooks:
    """The handlers of these pages."""

    def __init__(self, door: Door, watchers: Watchers) -> None:
        self._door = door
        self._clock = watchers.clock
        self._db = watchers.db
        self._webhooks = watchers.webhooks
        self._idempotency = watchers.idempotency

    def add_to(self, api: APIRouter) -> None:
        self._add_list(api)
        self._add_one(api)
        self._add_changes(api)
        self._add_sending(api)

    def _add_list(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/dashboard/webhooks")
        def show_all(
            request: Request, visitor: Annotated[Visitor, Depends(door.member)]
        ) -> Response:
            return self._list(request, visitor, Typed())

        @api.post("/dashboard/webhooks")
        def create(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            filled: Filled,
            form: Annotated[str, Form(max_length=100)] = "",
        ) -> Response:
            try:
                endpoint = self._created(request, visitor, filled, checked_number(form))
            except CharafyError as error:
                return self._list(request, visitor, filled, error)
            # Shown in the answer itself: kept for another page it would have to be stored.
            return self._one(request, visitor, endpoint, secret=self._webhooks.secret(endpoint))

    def _add_one(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/dashboard/webhooks/{endpoint_id}")
        def show(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member)],
            endpoint_id: Id,
            cursor: Annotated[str, Query(max_length=200)] = "",
            done: Annotated[str, Query(max_length=20)] = "",
        ) -> Response:
            endpoint = self._owned(visitor, endpoint_id)
            return self._one(request, visitor, endpoint, cursor=cursor, done=done)

        @api.get("/dashboard/webhooks/{endpoint_id}/rotate")
        def back(visitor: Annotated[Visitor, Depends(door.member)], endpoint_id: Id) -> Response:
            return RedirectResponse(_page_of(self._owned(visitor, endpoint_id).endpoint_id), 303)

        @api.post("/dashboard/webhooks/{endpoint_id}/rotate")
        def rotate(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            endpoint_id: Id,
        ) -> Response:
            endpoint = self._owned(visitor, endpoint_id)
            try:
                with self._db.write() as tx:
                    endpoint = self._webhooks.rotate(tx, endpoint.account_id, endpoint_id)
            except CharafyError as error:
                return self._one(request, visitor, endpoint, error=error)
            return self._one(request, visitor, endpoint, secret=self._webhooks.secret(endpoint))

    def _add_changes(self, api: APIRouter) -> None:
        door, webhooks = self._door, self._webhooks

        @api.post("/dashboard/webhooks/{endpoint_id}")
        def change(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            endpoint_id: Id,
            filled: Filled,
        ) -> Response:
            endpoint = self._owned(visitor, endpoint_id)
            try:
                changes = _checked(UpdateEndpoint, filled).changes()
                webhooks.update(endpoint.account_id, endpoint_id, changes)
            except CharafyError as error:
                return self._one(request, visitor, endpoint, filled=filled, error=error)
            return RedirectResponse(_page_of(endpoint_id, "changed"), 303)

        @api.post("/dashboard/webhooks/{endpoint_id}/enable")
        def enable(
            visitor: Annotated[Visitor, Depends(door.member_sender)], endpoint_id: Id
        ) -> Response:
            webhooks.update(visitor.member.account_id, endpoint_id, {"enabled": True})
            return RedirectResponse(_page_of(endpoint_id, "enabled"), 303)

        @api.post("/dashboard/webhooks/{endpoint_id}/disable")
        def disable(
            visitor: Annotated[Visitor, Depends(door.member_sender)], endpoint_id: Id
        ) -> Response:
            webhooks.update(visitor.member.account_id, endpoint_id, {"enabled": False})
            return RedirectResponse(_page_of(endpoint_id, "disabled"), 303)

        @api.post("/dashboard/webhooks/{endpoint_id}/delete")
        def delete(
            visitor: Annotated[Visitor, Depends(door.member_sender)], endpoint_id: Id
        ) -> Response:
            webhooks.delete(visitor.member.account_id, endpoint_id)
            return RedirectResponse("/dashboard/webhooks", 303)

    def _add_sending(self, api: APIRouter) -> None:
        door, webhooks = self._door, self._webhooks

        @api.post("/dashboard/webhooks/{endpoint_id}/test")
        def test(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            endpoint_id: Id,
        ) -> Response:
            account_id = visitor.member.account_id
            door.limit(request, "webhook_sends", SENDS_PER_MINUTE, account_id)
            with self._db.write() as tx:
                webhooks.test(tx, account_id, endpoint_id)
            return RedirectResponse(_page_of(endpoint_id, "tested"), 303)

        @api.post("/dashboard/webhooks/{endpoint_id}/deliveries/{delivery_id}/resend")
        def resend(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            endpoint_id: Id,
            delivery_id: Id,
        ) -> Response:
            endpoint = self._owned(visitor, endpoint_id)
            door.limit(request, "webhook_sends", SENDS_PER_MINUTE, endpoint.account_id)
            with self._db.write() as tx:
                webhooks.redeliver(tx, endpoint.account_id, delivery_id)
            return RedirectResponse(_page_of(endpoint_id, "resent"), 303)

    def _owned(self, visitor: Visitor, endpoint_id: str) -> Endpoint:
        return self._webhooks.get(visitor.member.account_id, endpoint_id)

    def _created(self, request: Request, visitor: Visitor, filled: Typed, number: str) -> Endpoint:
        """Sent again, the same form makes no other one."""
        body, account = _checked(CreateEndpoint, filled), visitor.member

        def create(tx: Tx) -> Made:
            endpoint = self._webhooks.add(
                tx,
                account.account_id,
                body.url,
                events=None if body.events is None else tuple(body.events),
                description=body.description,
            )
            return Made(endpoint_id=endpoint.endpoint_id)

        answer = self._idempotency.run_in_tx(account.caller(), request, body, create, key=number)
        made = Made.model_validate_json(bytes(answer.body))
        return self._webhooks.get(account.account_id, made.endpoint_id)

    def _list(
        self,
        request: Request,
        visitor: Visitor,
        filled: Typed,
        error: CharafyError | None = None,
    ) -> Response:
        endpoints = self._webhooks.page(visitor.member.account_id, ENDPOINTS_SHOWN, None).endpoints
        return self._door.page(
            request,
            visitor,
            "webhooks",
            error.status if error else 200,
            endpoints=endpoints,
            newest={one.endpoint_id: self._newest(one) for one in endpoints},
            event_types=EVENT_TYPES,
            filled=filled,
            said=self._door.words(request, error) if error else "",
            wrong=error.param if error else "",
        )

    def _newest(self, endpoint: Endpoint) -> Delivery | None:
        log = self._webhooks.deliveries(endpoint.account_id, endpoint.endpoint_id, 1, None)
        return next(iter(log.deliveries), None)

    def _one(
        self,
        request: Request,
        visitor: Visitor,
        endpoint: Endpoint,
        *,
        cursor: str = "",
        secret: str = "",
        done: str = "",
        filled: Typed | None = None,
        error: CharafyError | None = None,
    ) -> Response:
        log = self._webhooks.deliveries(
            endpoint.account_id, endpoint.endpoint_id, DELIVERIES_AT_ONCE, cursor or None
        )
        return self._door.page(
            request,
            visitor,
            "webhook",
            error.status if error else 200,
            endpoint=endpoint,
            old_secret_until=endpoint.old_secret_until(self._clock.now()),
            secret=secret,
            deliveries=log.deliveries,
            cursor=cursor,
            more=log.next_cursor,
            event_types=EVENT_TYPES,
            filled=filled or _as_typed(endpoint),
            editing=filled is not None,
            done=done if done in DONE else "",
            said=self._door.words(request, error) if error else "",
            wrong=error.param if error else "",
        )


def _page_of(endpoint_id: str, done: str = "") -> str:
    return f"/dashboard/webhooks/{quote(endpoint_id, safe='')}" + (f"?done={done}" if done else "")


def _as_typed(endpoint: Endpoint) -> Typed:
    every = endpoint.events is None
    return Typed(endpoint.url, endpoint.description, every, endpoint.events or ())


def _checked(form: type[B], filled: Typed) -> B:
    """Raises `BadRequest` about the field that is wrong."""
    try:
        return form.model_validate(filled.fields)
    except ValidationError as error:
        problem = error.errors()[0]
        field = str(problem["loc"][0]) if problem["loc"] else None
        raise BadRequest(sentence(problem)[0], code="webhook_field_wrong", param=field) from None
