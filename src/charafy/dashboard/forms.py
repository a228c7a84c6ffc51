"""The forms at the door, as they are first shown and as they come back with an error."""

from collections.abc import Callable, Sequence

from fastapi import Request
from starlette.responses import Response

from charafy.accounts.service import AccountServices
from charafy.characters.service import Character
from charafy.dashboard.cast import CastMember, introduce
from charafy.dashboard.door import Door, Visitor
from charafy.kernel.errors import CharafyError
from charafy.kernel.settings import Settings
from charafy.voices.service import Voices
from charafy.web.pages import language_of


class Forms:
    """`cast` are the characters that greet strangers."""

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

    def people(self) -> list[CastMember]:
        return introduce(self._cast(), self._voices)

    def sign_in(
        self,
        request: Request,
        visitor: Visitor,
        error: CharafyError | None = None,
        *,
        email: str = "",
        done: str = "",
    ) -> Response:
        return self.page(
            request,
            visitor,
            "sign_in",
            error,
            email=email,
            done=done,
            unverified=error is not None and error.code == "email_unverified",
            sends_mail=self._services.entrance.sends_mail,
        )

    def sign_up(
        self,
        request: Request,
        visitor: Visitor,
        error: CharafyError | None = None,
        *,
        email: str = "",
        name: str = "",
        invitation: str = "",
    ) -> Response:
        return self.page(
            request,
            visitor,
            "sign_up",
            error,
            email=email,
            name=name,
            invitation=invitation,
            keep={"invitation": invitation} if invitation else {},
            policy=self._settings.sign_up,
            welcome_credits=self._settings.sign_up_credits,
        )

    def reset(
        self, request: Request, visitor: Visitor, token: str, error: CharafyError | None = None
    ) -> Response:
        valid = bool(token) and self._services.links.valid(token, "reset") is not None
        return self.page(
            request,
            visitor,
            "reset",
            error,
            token=token,
            valid=valid,
            keep=keep(token),
            sends_mail=self._services.entrance.sends_mail,
        )

    def page(
        self,
        request: Request,
        visitor: Visitor,
        template: str,
        error: CharafyError | None = None,
        **more: object,
    ) -> Response:
        """A page with a face that greets, and what was wrong with its form when it was sent."""
        people = self.people()
        native = [person for person in people if person.language == language_of(request)]
        response = self._door.page(
            request,
            visitor,
            template,
            error.status if error else 200,
            said=self._door.words(request, error) if error else "",
            wrong=(error.param or "") if error else "",
            face=next(iter(native or people), None),
            **more,
        )
        response.headers.update(error.headers if error else {})
        return response


def keep(token: str) -> dict[str, str]:
    """What the links to the other language must carry along."""
    return {"token": token} if token else {}
