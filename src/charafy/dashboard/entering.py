"""Pages for people who are not in yet: sign-in and sign-up."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from charafy.accounts.service import AccountServices
from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.forms import Forms, keep
from charafy.kernel.errors import CharafyError
from charafy.kernel.settings import Settings
from charafy.web.pages import language_of

SIGN_INS_PER_MINUTE = 10
SIGN_UPS_PER_MINUTE = 3

Text = Annotated[str, Form(max_length=1000)]
LinkToken = Annotated[str, Query(max_length=100)]


class Entering:
    """The handlers of these pages."""

    def __init__(
        self,
        door: Door,
        services: AccountServices,
        settings: Settings,
        forms: Forms,
    ) -> None:
        self._door = door
        self._services = services
        self._forms = forms

    def add_to(self, api: APIRouter) -> None:
        self._add_sign_in(api)
        self._add_sign_up(api)

    def _add_sign_in(self, api: APIRouter) -> None:
        door, entrance = self._door, self._services.entrance

        @api.get("/sign-in")
        def sign_in_page(
            request: Request, visitor: Annotated[Visitor, Depends(door.visitor)]
        ) -> Response:
            if visitor.account:
                return RedirectResponse("/dashboard", 303)
            return self._forms.sign_in(request, visitor)

        @api.post("/sign-in")
        def sign_in(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.sender)],
            email: Text = "",
            password: Text = "",
        ) -> Response:
            try:
                door.limit(request, "sign_in", SIGN_INS_PER_MINUTE, email)
                return door.enter(request, entrance.sign_in(email, password))
            except CharafyError as error:
                return self._forms.sign_in(request, visitor, error, email=email)

        @api.get("/sign-in/link")
        def link_page(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.visitor)],
            token: LinkToken = "",
        ) -> Response:
            # Only the button uses the link up: programs that preview links open it as well.
            valid = self._services.links.valid(token, "sign_in") is not None
            return self._forms.page(
                request, visitor, "link", token=token, valid=valid, keep=keep(token)
            )

        @api.post("/sign-in/link")
        def use_link(
            request: Request,
            _visitor: Annotated[Visitor, Depends(door.sender)],
            token: Text = "",
        ) -> Response:
            door.limit(request, "sign_in", SIGN_INS_PER_MINUTE)
            return door.enter(request, entrance.sign_in_by_link(token))

        @api.post("/sign-out")
        def sign_out(visitor: Annotated[Visitor, Depends(door.sender)]) -> Response:
            return door.leave(visitor)

    def _add_sign_up(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/sign-up")
        def sign_up_page(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.visitor)],
            invitation: LinkToken = "",
        ) -> Response:
            if visitor.account:
                return RedirectResponse("/dashboard", 303)
            return self._forms.sign_up(request, visitor, invitation=invitation)

        @api.post("/sign-up")
        def sign_up(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.sender)],
            *,
            email: Text = "",
            password: Text = "",
            name: Text = "",
            invitation: Text = "",
        ) -> Response:
            try:
                door.limit(request, "sign_up", SIGN_UPS_PER_MINUTE)
                account = self._services.entrance.sign_up(
                    email,
                    password,
                    name=name,
                    invitation=invitation or None,
                    language=language_of(request),
                )
            except CharafyError as error:
                return self._forms.sign_up(
                    request, visitor, error, email=email, name=name, invitation=invitation
                )
            if account is None:
                return self._forms.page(request, visitor, "sent", email=email, topic="verify")
            return door.enter(request, account)
