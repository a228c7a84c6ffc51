"""Pages behind the links in letters: confirming an address, choosing a new password."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from charafy.accounts.service import AccountServices
from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.forms import Forms, keep
from charafy.kernel.errors import CharafyError
from charafy.web.pages import language_of

LETTERS_PER_MINUTE = 3
GUESSES_PER_MINUTE = 10

Text = Annotated[str, Form(max_length=1000)]
LinkToken = Annotated[str, Query(max_length=100)]


class Proving:
    """The handlers of these pages."""

    def __init__(self, door: Door, services: AccountServices, forms: Forms) -> None:
        self._door = door
        self._services = services
        self._forms = forms

    def add_to(self, api: APIRouter) -> None:
        self._add_verify(api)
        self._add_reset(api)

    def _add_verify(self, api: APIRouter) -> None:
        door, identity = self._door, self._services.identity

        @api.post("/verify/send")
        def send_verification(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.sender)],
            email: Text = "",
        ) -> Response:
            door.limit(request, "letters", LETTERS_PER_MINUTE, email)
            identity.send_verification(email, language_of(request))
            return self._forms.page(request, visitor, "sent", email=email, topic="verify")

        @api.get("/verify")
        def verify_page(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.visitor)],
            token: LinkToken = "",
        ) -> Response:
            link = self._services.links.valid(token, "verify")
            address = link.email if link else None
            return self._forms.page(
                request, visitor, "verify", token=token, address=address, keep=keep(token)
            )

        @api.post("/verify")
        def verify(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.sender)],
            token: Text = "",
        ) -> Response:
            account = identity.verify(token)
            if visitor.account and visitor.account.account_id == account.account_id:
                return RedirectResponse("/dashboard/account", 303)
            return self._forms.sign_in(request, visitor, email=account.email, done="verified")

    def _add_reset(self, api: APIRouter) -> None:
        door, identity = self._door, self._services.identity

        @api.get("/reset")
        def reset_page(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.visitor)],
            token: LinkToken = "",
        ) -> Response:
            return self._forms.reset(request, visitor, token)

        @api.post("/reset/send")
        def send_reset(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.sender)],
            email: Text = "",
        ) -> Response:
            try:
                door.limit(request, "letters", LETTERS_PER_MINUTE, email)
                identity.send_reset(email, language_of(request))
            except CharafyError as error:
                return self._forms.reset(request, visitor, "", error)
            return self._forms.page(request, visitor, "sent", email=email, topic="reset")

        @api.post("/reset")
        def reset(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.sender)],
            token: Text = "",
            password: Text = "",
        ) -> Response:
            try:
                door.limit(request, "sign_in", GUESSES_PER_MINUTE)
                account = identity.reset(token, password)
            except CharafyError as error:
                return self._forms.reset(request, visitor, token, error)
            return self._forms.sign_in(request, visitor, email=account.email, done="reset")
