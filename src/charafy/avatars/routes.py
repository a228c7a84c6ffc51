"""Avatars over HTTP, relative to /api/v1."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from charafy.avatars.schemas import (
    AvatarAnswer,
    MadeAvatar,
    MakeAvatar,
    PreviewAnswer,
    PreviewPhoto,
)
from charafy.avatars.service import Avatars
from charafy.avatars.till import LEASE_S
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.guard import Guard
from charafy.kernel.http.idempotency import Idempotency

PREVIEWS_PER_MINUTE: Final = 30

CreditsLeft = Callable[[str], int]
"""Account id -> credits that it can spend."""

_Responses = dict[int | str, dict[str, Any]]
_EVERY: Final[_Responses] = {
    401: {"description": "Missing or wrong API key."},
    403: {"description": "The key lacks the scope."},
    429: {"description": "Too many requests, or other pictures are waiting already."},
}
_ONE: Final[_Responses] = {**_EVERY, 404: {"description": "No such character, or not yours."}}
_BAD: Final[_Responses] = {400: {"description": "Bad input: the error names the field."}}
_MAKE: Final[_Responses] = {
    **_ONE,
    400: {"description": "Bad input, or no avatar can be made of the photo: `code` says why."},
    402: {"description": "Not enough credits; nothing was done."},
    409: {
        "description": "The photo was replaced meanwhile; or the Idempotency-Key is in use, or was "
        "used with other parameters."
    },
}


def router(
    guard: Guard, avatars: Avatars, idempotency: Idempotency, *, credits_left: CreditsLeft
) -> APIRouter:
    api = APIRouter(tags=["Characters"])
    reader = Annotated[Caller, Depends(guard("characters:read"))]
    writer = Annotated[Caller, Depends(guard("characters:write"))]

    @api.put(
        "/characters/{character_id}/avatar",
        summary="Generate an avatar",
        response_model=MadeAvatar,
        responses=_MAKE,
    )
    def make_avatar(
        caller: writer, character_id: str, request: Request, body: MakeAvatar
    ) -> Response:
        """Generate the character's avatar from its photo, or regenerate it.

        Takes a few seconds. Ask `preview-photo` first whether a picture will do, for nothing.
        """

        def make() -> MadeAvatar:
            made = avatars.make(caller, character_id, body.avatar_type, body.placement())
            return MadeAvatar.of(made, credits_left(caller.account_id))

        return idempotency.run(caller, request, body, make, lease_s=LEASE_S)

    @api.get("/characters/{character_id}/avatar", summary="Get an avatar's files", responses=_ONE)
    def get_avatar(caller: reader, character_id: str) -> AvatarAnswer:
        """Which avatars the character has, and links to their files.

        The links open for anyone who has them, on pages of every origin, until the avatar is
        generated anew or the photo or the character goes.
        """
        return AvatarAnswer.of(avatars.get(caller.account_id, character_id))

    @api.post("/characters/preview-photo", summary="Check a photo", responses={**_EVERY, **_BAD})
    def preview_photo(caller: writer, body: PreviewPhoto) -> PreviewAnswer:
        """Tell whether an avatar can be made of a picture, why not, and what would move. Free.

        An unusable picture is an answer, not an error: only what is no picture at all is a 400.
        """
        guard.limit_account(caller, "photo-previews", PREVIEWS_PER_MINUTE)
        return PreviewAnswer.of(avatars.preview(body.image, body.placement()))

    return api
