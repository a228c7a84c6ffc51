"""The operator's routes over all accounts; only live keys of an owner get in."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from charafy.accounts.models import Account
from charafy.accounts.schemas import (
    AccountAnswer,
    AdminAccount,
    AdminAccountList,
    CreditsGranted,
    GrantCredits,
    Invitation,
    Invite,
)
from charafy.accounts.service import AccountServices
from charafy.credits.service import Credits
from charafy.kernel.clock import iso
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import Forbidden
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.guard import Guard
from charafy.kernel.http.idempotency import Idempotency
from charafy.kernel.settings import Settings

_REFUSED: Mapping[int | str, dict[str, Any]] = MappingProxyType(
    {
        400: {"description": "A field is missing or not valid."},
        401: {"description": "No API key, or one that is not known here."},
        403: {"description": "Not a live key of the operator."},
        404: {"description": "There is no such account."},
        409: {"description": "An owner can't be suspended."},
        429: {"description": "Too many requests."},
    }
)

Operator = Callable[..., Caller]
"""The dependency that lets only the operator pass."""


def router(
    guard: Guard,
    services: AccountServices,
    *,
    credits: Credits,
    idempotency: Idempotency,
    db: Database,
    settings: Settings,
) -> APIRouter:
    """`/admin/...`, relative to the API's base path."""
    api = APIRouter(prefix="/admin", tags=["Operator"], responses=dict(_REFUSED))
    admitted = guard("account:write")

    def operator(caller: Annotated[Caller, Depends(admitted)]) -> Caller:
        if not caller.is_operator:
            raise Forbidden("Only the operator of this server may do that.", code="operator_only")
        return caller

    def answer(account: Account) -> AdminAccount:
        with db.read() as tx:
            return _answer(tx, account, credits, settings)

    _add_accounts(api, operator, services, answer)
    _add_invitations(api, operator, services, settings)

    @api.post(
        "/accounts/{account_id}/credits",
        summary="Grant credits to an account",
        response_model=CreditsGranted,
    )
    def grant(
        account_id: str,
        body: GrantCredits,
        request: Request,
        caller: Annotated[Caller, Depends(operator)],
    ) -> Response:
        """Send an Idempotency-Key, so that a retry doesn't grant twice."""
        services.accounts.get(account_id)

        def work(tx: Tx) -> CreditsGranted:
            credits.adjust(tx, account_id, body.amount, reason=body.description)
            return CreditsGranted(
                account_id=account_id,
                credits_granted=body.amount,
                credits_remaining=credits.balance(tx, account_id).available,
            )

        return idempotency.run_in_tx(caller, request, body, work)

    return api


def _add_accounts(
    api: APIRouter,
    operator: Operator,
    services: AccountServices,
    answer: Callable[[Account], AdminAccount],
) -> None:
    @api.get("/accounts", summary="List all accounts")
    def list_accounts(
        _: Annotated[Caller, Depends(operator)],
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
        cursor: Annotated[str | None, Query(max_length=36)] = None,
    ) -> AdminAccountList:
        """Newest first."""
        page = services.accounts.list(limit + 1, cursor)
        more = len(page) > limit
        return AdminAccountList(
            accounts=[answer(account) for account in page[:limit]],
            next_cursor=page[limit - 1].account_id if more else None,
        )

    @api.get("/accounts/{account_id}", summary="Show an account")
    def show(account_id: str, _: Annotated[Caller, Depends(operator)]) -> AdminAccount:
        """With its status and credits."""
        return answer(services.accounts.get(account_id))

    @api.post("/accounts/{account_id}/suspend", summary="Suspend an account")
    def suspend(account_id: str, _: Annotated[Caller, Depends(operator)]) -> AdminAccount:
        """Its keys answer 403 and its sessions end, at once; its data stays."""
        return answer(services.accounts.suspend(account_id))

    @api.post("/accounts/{account_id}/unsuspend", summary="Let a suspended account in again")
    def unsuspend(account_id: str, _: Annotated[Caller, Depends(operator)]) -> AdminAccount:
        """Its keys work as before."""
        return answer(services.accounts.unsuspend(account_id))


def _add_invitations(
    api: APIRouter, operator: Operator, services: AccountServices, settings: Settings
) -> None:
    @api.post("/invitations", summary="Invite someone to make an account")
    def invite(body: Invite, _: Annotated[Caller, Depends(operator)]) -> Invitation:
        """A link for one sign-up, also when sign-up is by invitation only."""
        token = services.entrance.invite(body.email)
        return Invitation(invitation_url=f"{settings.base_url}/sign-up?invitation={token}")


def _answer(tx: Tx, account: Account, credits: Credits, settings: Settings) -> AdminAccount:
    shared = AccountAnswer.of(account, settings.plan(account.plan))
    return AdminAccount(
        **shared.model_dump(),
        status=account.status,
        last_seen_at=iso(account.last_seen_at) if account.last_seen_at else None,
        credits_remaining=credits.balance(tx, account.account_id).available,
    )
