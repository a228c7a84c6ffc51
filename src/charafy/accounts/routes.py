"""The caller's own account and API keys."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from charafy.accounts.models import Account, KeyKind
from charafy.accounts.schemas import (
    AccountAnswer,
    AccountDeleted,
    ChangeAccount,
    CreateKey,
    DeleteAccount,
    KeyAnswer,
    KeyList,
    NewKeyAnswer,
    key_fields,
)
from charafy.accounts.service import AccountServices
from charafy.kernel.db import Database
from charafy.kernel.errors import BadRequest, Forbidden
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.guard import Guard
from charafy.kernel.http.idempotency import Idempotency, Replay
from charafy.kernel.settings import Settings

_REFUSED: Mapping[int | str, dict[str, Any]] = MappingProxyType(
    {
        400: {"description": "A field is missing or not valid."},
        401: {"description": "No API key, or one that is not known here."},
        403: {"description": "The key lacks a scope, or a test key asks for something real."},
        404: {"description": "There is no such thing in this account."},
        409: {"description": "It is in conflict with what is there."},
        429: {"description": "Too many requests."},
    }
)


LETTERS_PER_MINUTE = 3


def router(
    guard: Guard,
    services: AccountServices,
    *,
    idempotency: Idempotency,
    db: Database,
    settings: Settings,
) -> APIRouter:
    """`/account` and `/keys`, relative to the API's base path."""
    api = APIRouter(responses=dict(_REFUSED))
    _add_account(api, guard, services, settings)
    _add_keys(api, guard, services, idempotency, db)
    return api


def _add_account(
    api: APIRouter, guard: Guard, services: AccountServices, settings: Settings
) -> None:
    def answer(account: Account) -> AccountAnswer:
        return AccountAnswer.of(account, settings.plan(account.plan))

    @api.get("/account", tags=["Account"], summary="Show the account of this key")
    def show(caller: Annotated[Caller, Depends(guard("account:read"))]) -> AccountAnswer:
        """Whose key this is, its plan and what the plan allows."""
        return answer(services.accounts.get(caller.account_id))

    @api.patch("/account", tags=["Account"], summary="Change name or e-mail address")
    def change(
        body: ChangeAccount, caller: Annotated[Caller, Depends(guard("account:write"))]
    ) -> AccountAnswer:
        """With a mail server a new address must be confirmed before it replaces the old one."""
        _require_live(caller)
        if body.email is not None:
            # Each may send a letter to an address that the caller makes up.
            guard.limit_account(caller, "letters", LETTERS_PER_MINUTE)
            services.identity.change_email(caller.account_id, body.email)
        if body.name is not None:
            return answer(services.accounts.rename(caller.account_id, body.name))
        return answer(services.accounts.get(caller.account_id))

    @api.delete("/account", tags=["Account"], summary="Delete the account and all its data")
    def delete(
        body: DeleteAccount, caller: Annotated[Caller, Depends(guard("account:write"))]
    ) -> AccountDeleted:
        """At once and for good: keys, characters, media, credits. Nothing is refunded."""
        _require_live(caller)
        account = services.accounts.get(caller.account_id)
        if body.confirmation.strip().lower() != account.email:
            raise BadRequest(
                "confirmation: must be the e-mail address of this account.", param="confirmation"
            )
        services.accounts.delete(account.account_id)
        return AccountDeleted(account_id=account.account_id, deleted=True)


def _add_keys(
    api: APIRouter,
    guard: Guard,
    services: AccountServices,
    idempotency: Idempotency,
    db: Database,
) -> None:
    keys = services.keys

    @api.get("/keys", tags=["API keys"], summary="List API keys")
    def list_keys(caller: Annotated[Caller, Depends(guard("account:read"))]) -> KeyList:
        """The newest 200 keys of the account, also revoked ones."""
        return KeyList(keys=[KeyAnswer.of(info) for info in keys.list(caller.account_id)])

    @api.post(
        "/keys",
        tags=["API keys"],
        summary="Create an API key",
        response_model=NewKeyAnswer,
    )
    def create(
        body: CreateKey,
        request: Request,
        caller: Annotated[Caller, Depends(guard("account:write"))],
    ) -> Response:
        """The answer shows the key this once. It may do no more than the key that makes it."""
        scopes = _allowed_scopes(caller, body)
        ticket = idempotency.begin(caller, request, body)
        if isinstance(ticket, Replay):
            return ticket.response()
        try:
            with db.write() as tx:
                new = keys.add(tx, caller.account_id, body.name, kind=body.kind, scopes=scopes)
                fields = key_fields(new.info)
                kept = NewKeyAnswer(**fields, key=None).model_dump_json().encode()
                # The key itself is stored nowhere, so a replay can't show it again.
                idempotency.finish(ticket, 200, _JSON, body=kept, tx=tx)
        except BaseException:  # whatever stopped it, the Idempotency-Key must be free for a retry
            idempotency.abandon(ticket)
            raise
        return Response(NewKeyAnswer(**fields, key=new.key).model_dump_json(), 200, _JSON)

    @api.delete("/keys/{key_id}", tags=["API keys"], summary="Revoke an API key")
    def revoke(
        key_id: str, caller: Annotated[Caller, Depends(guard("account:write"))]
    ) -> KeyAnswer:
        """It stops working at once. Revoking it again changes nothing."""
        if keys.get(caller.account_id, key_id).kind == "live":
            _require_live(caller)
        return KeyAnswer.of(keys.revoke(caller.account_id, key_id))


_JSON: Mapping[str, str] = MappingProxyType(
    {"content-type": "application/json", "cache-control": "no-store"}
)


def _allowed_scopes(caller: Caller, body: CreateKey) -> tuple[str, ...]:
    _require_kind(caller, body.kind)
    scopes = tuple(caller.scopes if body.scopes is None else body.scopes)
    if not caller.scopes.issuperset(scopes):
        raise Forbidden(
            "scopes: a key can't make a key that may do more than itself.", code="missing_scope"
        )
    return scopes


def _require_kind(caller: Caller, kind: KeyKind) -> None:
    if kind == "live":
        _require_live(caller)


def _require_live(caller: Caller) -> None:
    if caller.is_test:
        raise Forbidden("A test key can't do this: use a live key.", code="live_key_required")
