"""Characters over HTTP, relative to /api/v1."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from charafy.characters.schemas import (
    CharacterAnswer,
    CharactersAnswer,
    CreateCharacter,
    CreatedCharacter,
    DeletedCharacter,
    ListedCharacter,
    UpdateCharacter,
)
from charafy.characters.service import AvatarMaker, Characters
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.guard import Guard
from charafy.kernel.http.idempotency import Idempotency

MAX_PAGE = 100
LEASE_S = 180.0
"""Of a creation: fetching the photo, waiting for a place and making the avatar take less."""

CreditsLeft = Callable[[str], int]
"""Account id -> credits that it can spend."""
PlanLimit = Callable[[str], int]
"""Name of a plan -> how many characters it allows."""

_Responses = dict[int | str, dict[str, Any]]
_EVERY: Final[_Responses] = {
    401: {"description": "Missing or wrong API key."},
    429: {"description": "Too many requests."},
}
_ONE: Final[_Responses] = {
    **_EVERY,
    403: {"description": "The key lacks the scope."},
    404: {"description": "No such character, or not yours."},
}
_BAD: Final[_Responses] = {400: {"description": "Bad input: the error names the field."}}
_CREATE: Final[_Responses] = {
    **_EVERY,
    **_BAD,
    402: {"description": "Not enough credits for the avatar; nothing was made."},
    403: {"description": "The plan's number of characters is reached, or the key lacks the scope."},
    409: {"description": "The Idempotency-Key is in use, or was used with other parameters."},
}


def router(
    guard: Guard,
    characters: Characters,
    avatars: AvatarMaker,
    idempotency: Idempotency,
    *,
    plan_limit: PlanLimit,
    credits_left: CreditsLeft,
) -> APIRouter:
    api = APIRouter(tags=["Characters"])
    reader = Annotated[Caller, Depends(guard("characters:read"))]
    writer = Annotated[Caller, Depends(guard("characters:write"))]

    @api.get("/characters", summary="List characters", responses={**_EVERY, **_BAD})
    def list_characters(
        caller: reader,
        limit: Annotated[int | None, Query(ge=1, le=MAX_PAGE)] = None,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> CharactersAnswer:
        """All characters of the account, newest first; with `limit`, page by page."""
        page = characters.page(
            caller.account_id, limit if cursor is None else limit or MAX_PAGE, cursor
        )
        return CharactersAnswer(
            characters=[ListedCharacter.of(character) for character in page.characters],
            next_cursor=page.next_cursor,
        )

    @api.post(
        "/characters",
        summary="Create a character",
        response_model=CreatedCharacter,
        responses=_CREATE,
    )
    def create_character(caller: writer, request: Request, body: CreateCharacter) -> Response:
        """Create a character from a photo, a voice and a personality.

        With an `avatar_type` its avatar is made as well, for the price of an avatar. If no avatar
        can be made of the picture, no character is made either, and nothing is charged.
        """

        def create() -> CreatedCharacter:
            made = avatars.create_character(
                caller, body.draft(), body.image, body.placement(), limit=plan_limit(caller.plan)
            )
            return CreatedCharacter.of(made, credits_left(caller.account_id))

        return idempotency.run(caller, request, body, create, lease_s=LEASE_S)

    @api.get("/characters/{character_id}", summary="Get a character", responses=_ONE)
    def get_character(caller: reader, character_id: str) -> CharacterAnswer:
        """One character with its system prompt and times."""
        character = characters.get(caller.account_id, character_id)
        return CharacterAnswer.with_avatars(character, avatars.flags(character))

    @api.patch(
        "/characters/{character_id}", summary="Change a character", responses={**_ONE, **_BAD}
    )
    def update_character(
        caller: writer, character_id: str, body: UpdateCharacter
    ) -> CharacterAnswer:
        """Change what is sent and leave the rest.

        With another `image` the character has no avatar until one is made of the new photo.
        """
        changed = characters.update(caller.account_id, character_id, body.changes())
        return CharacterAnswer.with_avatars(changed, avatars.flags(changed))

    @api.delete("/characters/{character_id}", summary="Delete a character", responses=_ONE)
    def delete_character(caller: writer, character_id: str) -> DeletedCharacter:
        """Delete a character with its files and embed settings. There is no way back."""
        owned = characters.get(caller.account_id, character_id)
        characters.delete(caller.account_id, owned.character_id)
        return DeletedCharacter(character_id=owned.character_id)

    return api
