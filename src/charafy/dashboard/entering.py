"""Pages for people who are not in yet: the front page, sign-in, sign-up and links from letters."""

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from charafy.accounts.service import AccountServices
from charafy.characters.service import Character
from charafy.dashboard.cast import CastMember, introduce
from charafy.dashboard.door import Door, Visitor
from charafy.kernel.errors import CharafyError
from charafy.kernel.settings import Settings
from charafy.voices.service import Voices
from charafy.web.pages import language_of

SIGN_INS_PER_MINUTE = 10
SIGN_UPS_PER_MINUTE = 3
LETTERS_PER_MINUTE = 3

Text = Annotated[str, Form(max_length=1000)]
LinkToken = Annotated[str, Query(max_length=100)]


class Entering:
    """The handlers of these pages; `cast` are the characters that greet strangers."""

    def __init__(
        self,
        door: Door,
        services: AccountServices,
        settings: Settings,
        voices: Voices,
        cast: Callable[[], Sequence[Character]],
    ) -> None:
        self._door = door
        self._services = services
        self._settings = settings
        self._voices = voices
        self._cast = cast

    def add_to(self, api: APIRouter) -> None:
        self._add_front(api)
        self._add_sign_in(api)
        self._add_sign_up(api)
        self._add_letters(api)

    def _people(self) -> list[CastMember]:
        return introduce(self._cast(), self._voices)

    def _add_front(self, api: APIRouter) -> None:
        @api.get("/")
        def front(
            request: Request, visitor: Annotated[Visitor, Depends(self._door.visitor)]
        ) -> Response:
            return self._door.page(
                request,
                visitor,
                "front",
                people=self._people(),
                sign_up=self._settings.sign_up,
                base_url=self._settings.base_url,
            )

    def _add_sign_in(self, api: APIRouter) -> None:
        door, entrance = self._door, self._services.entrance

        @api.get("/sign-in")
        def sign_in_page(
            request: Request, visitor: Annotated[Visitor, Depends(door.visitor)]
        ) -> Response:
            if visitor.account:
                return RedirectResponse("/dashboard", 303)
            return self._sign_in(request, visitor)

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
                return self._sign_in(request, visitor, error, email=email)

        @api.get("/sign-in/link")
        def link_page(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.visitor)],
            token: LinkToken = "",
        ) -> Response:
            # Only the button uses the link up: programs that preview links open it as well.
            valid = self._services.links.valid(token, "sign_in") is not None
            return door.page(request, visitor, "link", token=token, valid=valid)

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
            return self._sign_up(request, visitor, invitation=invitation)

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
                return self._sign_up(
                    request, visitor, error, email=email, name=name, invitation=invitation
                )
            if account is None:
                return door.page(request, visitor, "sent", email=email, topic="verify")
            return door.enter(request, account)

    def _add_letters(self, api: APIRouter) -> None:
        door, identity = self._door, self._services.identity

        @api.post("/verify/send")
        def send_verification(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.sender)],
            email: Text = "",
        ) -> Response:
            door.limit(request, "letters", LETTERS_PER_MINUTE, email)
            identity.send_verification(email, language_of(request))
            return door.page(request, visitor, "sent", email=email, topic="verify")

        @api.get("/verify")
        def verify_page(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.visitor)],
            token: LinkToken = "",
        ) -> Response:
            link = self._services.links.valid(token, "verify")
            address = link.email if link else None
            return door.page(request, visitor, "verify", token=token, address=address)

        @api.post("/verify")
        def verify(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.sender)],
            token: Text = "",
        ) -> Response:
            account = identity.verify(token)
            if visitor.account and visitor.account.account_id == account.account_id:
                return RedirectResponse("/dashboard/account", 303)
            return self._sign_in(request, visitor, email=account.email, done="verified")

        @api.get("/reset")
        def reset_page(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.visitor)],
            token: LinkToken = "",
        ) -> Response:
            return self._reset(request, visitor, token)

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
                return self._reset(request, visitor, "", error)
            return door.page(request, visitor, "sent", email=email, topic="reset")

        @api.post("/reset")
        def reset(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.sender)],
            token: Text = "",
            password: Text = "",
        ) -> Response:
            try:
                door.limit(request, "sign_in", SIGN_INS_PER_MINUTE)
                account = identity.reset(token, password)
            except CharafyError as error:
                return self._reset(request, visitor, token, error)
            return self._sign_in(request, visitor, email=account.email, done="reset")

    def _sign_in(
        self,
        request: Request,
        visitor: Visitor,
        error: CharafyError | None = None,
        *,
        email: str = "",
        done: str = "",
    ) -> Response:
        return self._form(
            request,
            visitor,
            "sign_in",
            error,
            email=email,
            done=done,
            unverified=error is not None and error.code == "email_unverified",
            sends_mail=self._services.entrance.sends_mail,
        )

    def _sign_up(
        self,
        request: Request,
        visitor: Visitor,
        error: CharafyError | None = None,
        *,
        email: str = "",
        name: str = "",
        invitation: str = "",
    ) -> Response:
        return self._form(
            request,
            visitor,
            "sign_up",
            error,
            email=email,
            name=name,
            invitation=invitation,
            policy=self._settings.sign_up,
            welcome_credits=self._settings.sign_up_credits,
        )

    def _reset(
        self, request: Request, visitor: Visitor, token: str, error: CharafyError | None = None
    ) -> Response:
        valid = bool(token) and self._services.links.valid(token, "reset") is not None
        return self._form(
            request,
            visitor,
            "reset",
            error,
            token=token,
            valid=valid,
            sends_mail=self._services.entrance.sends_mail,
        )

    def _form(
        self,
        request: Request,
        visitor: Visitor,
        template: str,
        error: CharafyError | None,
        **more: object,
    ) -> Response:
        """A page with a form, and what was wrong with it when it was sent."""
        people = self._people()
        response = self._door.page(
            request,
            visitor,
            template,
            error.status if error else 200,
            said=self._door.words(request, error) if error else "",
            wrong=(error.param or "") if error else "",
            face=people[0] if people else None,
            **more,
        )
        response.headers.update(error.headers if error else {})
        return response
