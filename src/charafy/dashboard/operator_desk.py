"""The operator's page: all accounts, and what an owner may do with them."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from charafy.accounts.service import Account, AccountServices
from charafy.credits.service import Balance
from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.making import checked_number
from charafy.dashboard.watching import Watchers
from charafy.kernel.db import Tx
from charafy.kernel.errors import BadRequest, CharafyError, Conflict
from charafy.kernel.http.schema import Answer
from charafy.kernel.ids import is_id, new_id
from charafy.web.pages import language_of

PAGE_ACCOUNTS = 25
MAX_GRANT = 10_000_000

Text = Annotated[str, Form(max_length=1000)]


@dataclass(frozen=True, slots=True)
class Line:
    """One account in the list."""

    account: Account
    balance: Balance


class Invited(BaseModel):
    """Who may sign up with the link: whoever has it when there is no address."""

    email: str | None


class OperatorDesk:
    """The handlers of this page."""

    def __init__(
        self, door: Door, services: AccountServices, base_url: str, watchers: Watchers
    ) -> None:
        self._door = door
        self._services = services
        self._base_url = base_url
        self._db = watchers.db
        self._credits = watchers.credits
        self._idempotency = watchers.idempotency

    def add_to(self, api: APIRouter) -> None:
        self._add_list(api)
        self._add_actions(api)

    def _add_list(self, api: APIRouter) -> None:
        door, services = self._door, self._services

        @api.get("/operator")
        def desk(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.operator)],
            after: Annotated[str | None, Query(max_length=36)] = None,
        ) -> Response:
            return self._page(request, visitor, after=after)

        @api.post("/operator/invitations")
        def invite(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.operator_sender)],
            email: Text = "",
            form: Text = "",
        ) -> Response:
            invited = Invited(email=email.strip() or None)
            try:
                token = self._invite(request, visitor, invited, checked_number(form))
                services.entrance.send_invitation(invited.email, token, language_of(request))
            except CharafyError as error:
                return self._page(request, visitor, error=error)
            link = f"{self._base_url}/sign-up?invitation={token}"
            return self._page(request, visitor, invitation=link)

    def _invite(self, request: Request, visitor: Visitor, invited: Invited, number: str) -> str:
        """Raises `Conflict` for a form that made a link before: nobody can show that one again."""
        tokens = list[str]()

        def invite(tx: Tx) -> Answer:
            tokens.append(self._services.entrance.invite_in(tx, invited.email))
            return Answer()

        caller = visitor.member.caller()
        self._idempotency.run_in_tx(caller, request, invited, invite, key=number)
        if not tokens:
            raise Conflict("This form made an invitation already.", code="invited_already")
        return tokens[0]

    def _add_actions(self, api: APIRouter) -> None:
        door, accounts = self._door, self._services.accounts

        @api.post("/operator/accounts/{account_id}/suspend")
        def suspend(
            account_id: str, _visitor: Annotated[Visitor, Depends(door.operator_sender)]
        ) -> Response:
            accounts.suspend(account_id)
            return RedirectResponse("/operator", 303)

        @api.post("/operator/accounts/{account_id}/unsuspend")
        def unsuspend(
            account_id: str, _visitor: Annotated[Visitor, Depends(door.operator_sender)]
        ) -> Response:
            accounts.unsuspend(account_id)
            return RedirectResponse("/operator", 303)

        @api.post("/operator/accounts/{account_id}/credits")
        def grant(
            account_id: str,
            _visitor: Annotated[Visitor, Depends(door.operator_sender)],
            amount: Text = "",
            form: Text = "",
        ) -> Response:
            account = accounts.get(account_id)
            if not amount.isascii() or not amount.isdigit() or not is_id(form):
                raise _bad_amount()
            if not 1 <= int(amount[:9]) <= MAX_GRANT:
                raise _bad_amount()
            with self._db.write() as tx:
                # The form's own number makes a double click one grant.
                self._credits.adjust(
                    tx,
                    account.account_id,
                    int(amount[:9]),
                    reason="Granted by the operator",
                    reference=f"operator:{form}",
                )
            return RedirectResponse("/operator", 303)

    def _page(
        self,
        request: Request,
        visitor: Visitor,
        *,
        after: str | None = None,
        invitation: str = "",
        error: CharafyError | None = None,
    ) -> Response:
        page = self._services.accounts.list(PAGE_ACCOUNTS + 1, after)
        shown = page[:PAGE_ACCOUNTS]
        return self._door.page(
            request,
            visitor,
            "operator",
            error.status if error else 200,
            said=self._door.words(request, error) if error else "",
            invitation=invitation,
            lines=self._lines(shown),
            more=shown[-1].account_id if len(page) > PAGE_ACCOUNTS else "",
            new_form=new_id,
        )

    def _lines(self, accounts: list[Account]) -> list[Line]:
        with self._db.read() as tx:
            return [
                Line(account, self._credits.balance(tx, account.account_id)) for account in accounts
            ]


def _bad_amount() -> BadRequest:
    return BadRequest(f"amount: must be a whole number from 1 to {MAX_GRANT:,}.", param="amount")
