"""Quick start: the account's own characters in lines to copy, in three languages."""

from collections.abc import Sequence
from typing import Annotated, Final, get_args

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import Response

from charafy.accounts.service import Keys, NewKey
from charafy.characters.service import Character, Characters
from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.recipes import Code, recipes
from charafy.kernel.errors import CharafyError
from charafy.web.pages import language_of

CODES: Final[tuple[Code, ...]] = get_args(Code)
KEY_NAME: Final = "Quick start"

Choice = Annotated[str, Query(max_length=100)]
Chosen = Annotated[str, Form(max_length=100)]


class Start:
    """The handlers of this page."""

    def __init__(self, door: Door, base_url: str, *, keys: Keys, characters: Characters) -> None:
        self._door = door
        self._base_url = base_url
        self._keys = keys
        self._characters = characters

    def add_to(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/dashboard/quick-start")
        def show(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member)],
            code: Choice = "",
            character: Choice = "",
        ) -> Response:
            return self._page(request, visitor, code, character)

        @api.post("/dashboard/quick-start")
        def make_key(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            *,
            kind: Chosen = "",
            code: Chosen = "",
            character: Chosen = "",
        ) -> Response:
            """A key that is already in the lines: shown in this answer, and never again."""
            try:
                new = self._keys.create(
                    visitor.member.account_id, KEY_NAME, kind="live" if kind == "live" else "test"
                )
            except CharafyError as error:
                return self._page(request, visitor, code, character, error=error)
            return self._page(request, visitor, code, character, new=new)

    def _page(
        self,
        request: Request,
        visitor: Visitor,
        code: str,
        character: str,
        *,
        new: NewKey | None = None,
        error: CharafyError | None = None,
    ) -> Response:
        people = self._characters.list(visitor.member.account_id)
        person = _chosen(people, character, language_of(request))
        language = next((known for known in CODES if known == code), CODES[0])
        return self._door.page(
            request,
            visitor,
            "quick_start",
            error.status if error else 200,
            said=self._door.words(request, error) if error else "",
            new=new,
            people=people,
            person=person,
            code=language,
            codes=CODES,
            recipes=recipes(self._base_url, person, language, new.key if new else None),
        )


def _chosen(people: Sequence[Character], character_id: str, language: str) -> Character | None:
    """The one that was asked for, else one that speaks the reader's language, else any."""
    asked = [one for one in people if one.character_id == character_id.lower()]
    native = [one for one in people if one.language == language]
    return next(iter([*asked, *native, *people]), None)
