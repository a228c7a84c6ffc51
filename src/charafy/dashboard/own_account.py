"""The page where people change or delete their own account."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from charafy.accounts.service import AccountServices
from charafy.dashboard.door import Door, Visitor
from charafy.kernel.errors import BadRequest, CharafyError
from charafy.web.pages import language_of

GUESSES_PER_MINUTE = 10

Text = Annotated[str, Form(max_length=1000)]


class OwnAccount:
    """The handlers of this page."""

    def __init__(self, door: Door, services: AccountServices) -> None:
        self._door = door
        self._services = services

    def add_to(self, api: APIRouter) -> None:
        self._add_name_and_address(api)
        self._add_password_and_end(api)

    def _add_name_and_address(self, api: APIRouter) -> None:
        door, services = self._door, self._services

        @api.get("/dashboard/account")
        def show(request: Request, visitor: Annotated[Visitor, Depends(door.member)]) -> Response:
            return self._page(request, visitor)

        @api.post("/dashboard/account/name")
        def rename(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            name: Text = "",
        ) -> Response:
            try:
                services.accounts.rename(visitor.member.account_id, name)
            except CharafyError as error:
                return self._page(request, visitor, error=error, form="name")
            return RedirectResponse("/dashboard/account", 303)

        @api.post("/dashboard/account/email")
        def change_email(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            email: Text = "",
        ) -> Response:
            account = visitor.member
            try:
                door.limit(request, "letters", GUESSES_PER_MINUTE, account.account_id)
                changed = services.identity.change_email(
                    account.account_id, email, language_of(request)
                )
            except CharafyError as error:
                return self._page(request, visitor, error=error, form="email")
            if changed.email == account.email and services.entrance.sends_mail:
                return door.page(request, visitor, "sent", email=email, topic="verify")
            return RedirectResponse("/dashboard/account", 303)

    def _add_password_and_end(self, api: APIRouter) -> None:
        door, services = self._door, self._services

        @api.post("/dashboard/account/password")
        def change_password(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            current: Text = "",
            password: Text = "",
        ) -> Response:
            account_id = visitor.member.account_id
            try:
                door.limit(request, "sign_in", GUESSES_PER_MINUTE, account_id)
                services.identity.change_password(
                    account_id, current, password, keep_session=visitor.session_token
                )
            except CharafyError as error:
                return self._page(request, visitor, error=error, form="password")
            return self._page(request, door.visitor(request), done="password")

        @api.post("/dashboard/account/delete")
        def delete(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            confirmation: Text = "",
        ) -> Response:
            account = visitor.member
            try:
                if confirmation.strip().lower() != account.email:
                    raise BadRequest(
                        "confirmation: must be the e-mail address of this account.",
                        param="confirmation",
                    )
                services.accounts.delete(account.account_id)
            except CharafyError as error:
                return self._page(request, visitor, error=error, form="delete")
            return door.leave(visitor)

    def _page(
        self,
        request: Request,
        visitor: Visitor,
        *,
        error: CharafyError | None = None,
        form: str = "",
        done: str = "",
    ) -> Response:
        """`form` is the one that `error` is about."""
        return self._door.page(
            request,
            visitor,
            "account",
            error.status if error else 200,
            said=self._door.words(request, error) if error else "",
            form=form,
            done=done,
        )
